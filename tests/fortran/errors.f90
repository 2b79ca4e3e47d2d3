! stat= and errmsg=.
program errors
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int16, real32
  use expectation
  use mylos
  implicit none
  real(real32) :: x(3, 4), y(3, 4), z(4, 3)
  integer(int16) :: short(3, 4)
  integer(c_int) :: stat
  character(len=200) :: text
  character(len=10) :: brief
  type(mylos_chain) :: chain
  integer :: i

  x = 1
  y = 7
  text = 'as it was'
  call mylos_gelu(x, y, stat=stat, errmsg=text)
  call expect(stat == mylos_status_success .and. text == 'as it was', 'success leaves errmsg alone')

  y = 7
  call mylos_gelu(x, z, stat=stat, errmsg=text)
  call expect(stat == mylos_status_invalid_argument, 'shapes that differ')
  call expect(index(text, 'mylos::gelu: x: extents (3, 4)') == 1, text)
  call mylos_gelu(x, z, stat=stat, errmsg=brief)
  call expect(brief == 'mylos::gel', 'a short errmsg is cut')

  call mylos_softmax(x, y, axes=0, stat=stat, errmsg=text)
  call expect(index(text, 'mylos_softmax: axes: axis 0') == 1, text)
  call mylos_softmax(x, y, axes=[1, 1], stat=stat, errmsg=text)
  call expect(index(text, 'given twice') > 0, text)
  call mylos_softmax(x, short, stat=stat, errmsg=text)
  call expect(index(text, 'mylos_softmax: y: a type that is not supported') == 1, text)
  call mylos_trmm(9, x, x, y, stat=stat, errmsg=text)
  call expect(index(text, 'triangle: value 9') > 0, text)
  do i = 1, 16
    call mylos_chain_gelu(chain)
  end do
  call mylos_chain_gelu(chain, stat=stat, errmsg=text)
  call expect(stat == mylos_status_invalid_argument .and. index(text, 'has 16 steps') > 0, text)
  call expect(all(y == 7), 'nothing was written')
  print '(a)', 'ok'

end program
