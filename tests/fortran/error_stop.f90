! Without stat= an error ends the program.
program error_stop_without_stat
  use, intrinsic :: iso_fortran_env, only: real32
  use mylos
  implicit none
  real(real32) :: x(3, 4), y(3, 4)

  x = 1
  call mylos_softmax(x, y, axes=7)
  print '(a)', 'not reached'
end program
