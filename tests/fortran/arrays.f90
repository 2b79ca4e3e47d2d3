! Arrays as Fortran has them, of rank 0 to 5, real32 and real64: whole, sections, components, allocatable, pointers,
! none of them copied; and addresses.
program arrays
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, real32, real64
  use expectation
  use mylos
  implicit none
  type :: cell
    real(real64) :: density
    real(real64) :: velocity(2)
  end type
  integer :: i
  real(real32) :: r1(7), s1(7)
  real(real64), target :: r2(6, 5), s2(6, 5)
  real(real32), allocatable :: r3(:, :, :), s3(:, :, :)
  real(real64) :: r4(3, 4, 2, 5), s4(3, 4, 2, 5)
  real(real32) :: r5(2, 3, 2, 3, 2), s5(2, 3, 2, 3, 2)
  real(real64) :: r0, s0
  real(real64), pointer :: rows(:, :)
  type(cell) :: cells(9)
  real(real64) :: none(0, 4), nothing(0, 4)

  r0 = 1.5_real64
  call mylos_square(r0, s0)
  call expect(s0 == 2.25_real64, 'rank 0')
  r1 = [(0.5_real32 * i, i=-3, 3)]
  call mylos_square(r1, s1)
  call expect(all(s1 == r1**2), 'rank 1')
  r2 = reshape([(real(i, real64), i=1, 30)], [6, 5])
  call mylos_neg(r2, s2)
  call expect(all(s2 == -r2), 'rank 2')
  allocate (r3(4, 3, 5), s3(4, 3, 5))
  r3 = reshape([(real(i, real32), i=1, 60)], [4, 3, 5])
  call mylos_neg(r3, s3)
  call expect(all(s3 == -r3), 'rank 3, allocatable')
  deallocate (r3, s3)  ! what the main program keeps is never freed
  r4 = reshape([(real(i, real64), i=1, 120)], [3, 4, 2, 5])
  call mylos_neg(r4, s4)
  call expect(all(s4 == -r4), 'rank 4')
  r5 = reshape([(real(i, real32), i=1, 72)], [2, 3, 2, 3, 2])
  call mylos_neg(r5, s5)
  call expect(all(s5 == -r5), 'rank 5')

  s2 = 0
  call mylos_neg(r2(1:6:2, 5:1:-2), s2(2:6:2, 1:5:2))
  call expect(all(s2(2:6:2, 1:5:2) == -r2(1:6:2, 5:1:-2)), 'sections with strides, forwards and backwards')
  call expect(all(s2(1:5:2, :) == 0) .and. all(s2(:, 2:4:2) == 0), 'what lies between is left alone')
  rows => s2(2:3, :)
  call mylos_square(r2(2:3, :), rows)
  call expect(all(s2(2:3, :) == r2(2:3, :)**2), 'a pointer')
  do i = 1, 9
    cells(i) = cell(i, [10 * i, 20 * i])
  end do
  call mylos_sqrt(cells%density, cells%density)
  call expect(all(abs(cells%density - [(sqrt(real(i, real64)), i=1, 9)]) < 1e-15_real64), 'a component, in place')
  call expect(all(cells%velocity(2) == [(20 * i, i=1, 9)]), 'the other components are left alone')
  call mylos_neg(none, nothing)

  call mylos_convert(r1, s2(1, 1:5), stat=i)
  call expect(i == mylos_status_invalid_argument, 'shapes are compared')
  call mylos_convert(real(r2(:, 1), real32), s2(:, 1))
  call expect(all(s2(:, 1) == r2(:, 1)), 'an expression, real32 to real64')

  ! A View<double**, LayoutLeft>: operands align at the last dimension.
  call mylos_add(r2, [(100._real64 * i, i=1, 5)], s2)
  call expect(all(s2 == r2 + spread([(100._real64 * i, i=1, 5)], 1, 6)), 'one value per column')
  call mylos_add(r2, 0.5_real32, s2)
  call expect(all(s2 == r2 + 0.5_real64), 'a scalar')
  call mylos_add(r2, 2, s2)
  call expect(all(s2 == r2 + 2), 'an integer')

  call mylos_neg(mylos_device_tensor(c_loc(r2), mylos_dtype_f64, [6, 5]), s2)
  call expect(all(s2 == -r2), 'an address')
  call through_addresses()
  print '(a)', 'ok'

contains

  subroutine through_addresses()
    type(mylos_tensor) :: from, to

    s2 = 0
    from = mylos_device_tensor(c_loc(r2), mylos_dtype_f64, [3, 5], [2, 6])
    to = mylos_device_tensor(c_loc(s2), mylos_dtype_f64, [3, 5], [2, 6])
    call mylos_square(from, to)
    call expect(all(s2(1:5:2, :) == r2(1:5:2, :)**2) .and. all(s2(2:6:2, :) == 0), 'addresses with strides')
  end subroutine
end program
