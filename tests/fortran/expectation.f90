! What the programs of this folder share.
module expectation
  implicit none
  private
  public :: expect

contains

  ! Ends the program with an error, and says what does not hold.
  subroutine expect(holds, what)
    logical, intent(in) :: holds
    character(len=*), intent(in) :: what

    if (holds) return
    print '(2a)', 'not so: ', what
    error stop
  end subroutine
end module
