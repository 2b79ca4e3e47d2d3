! Every operator and step of the table is in the module and in the library: this links only then.
program table
  use, intrinsic :: iso_c_binding
  use mylos
  implicit none
  type(c_funptr) :: last = c_null_funptr
  integer :: count = 0

  include 'mylos_references.inc'
  if (count < 150) error stop 'fewer procedures than there are operators'
  print '(i0, a)', count, ' procedures'

contains

  subroutine refer(procedure_)
    type(c_funptr), intent(in) :: procedure_

    if (.not. c_associated(procedure_)) error stop 'a procedure without an address'
    if (c_associated(procedure_, last)) error stop 'two procedures at one address'
    last = procedure_
    count = count + 1
  end subroutine
end program
