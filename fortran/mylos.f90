! Mylos in Fortran: every operator as a subroutine mylos_<name>. docs/fortran.md is the guide; what an operator computes
! is written beside the C++ function of its name (<mylos/mylos.h> says where), the list with all options is
! <mylos/operators.def>.
!
!   use mylos
!   real(real32) :: x(1000, 64), y(1000, 64)
!   type(mylos_chain) :: before
!   call mylos_chain_gelu(before)
!   call mylos_softmax(x, y, axes=1, before=before)      ! y(:, j) = softmax(gelu(x(:, j)))
!
! Arrays: real(real32), real(real64), and where the operator takes them int32, int64 and logical(c_bool) or int8 masks;
! rank 0 to 8, sections too, as they are: nothing is copied. The order of the dimensions is that of the declaration, so
! x(m, n) is what View<float**, LayoutLeft> of extents (m, n) is. Broadcasting aligns shapes at the last dimension.
! Dimensions count from 1, or from the end with -1; a default is the same dimension as in C++. Indices that are written
! or read (argmax, cummax, class labels) count from 0. Numbers are real(c_double), integers integer(c_int), flags
! logical(c_bool). An operand is an array or a scalar of any numeric type; a scalar is read by the call.
! A chain and a layer refer to their arrays, which must live until the call that uses them is done: give them the target
! attribute. Device memory: type(mylos_tensor), or host_data use_device (docs/fortran.md).
!
! stream: a cudaStream_t or hipStream_t; absent, the default one. stat: 0, or one of the mylos_status constants; without
! it an error ends the program. errmsg: the text of an error, unchanged otherwise.
module mylos
  use, intrinsic :: iso_c_binding, only: c_bool, c_char, c_double, c_int, c_int32_t, c_int64_t, c_null_ptr, c_ptr
  implicit none
  private
  public :: mylos_tensor, mylos_chain, mylos_layer, mylos_device_tensor
  include 'mylos_public.inc'
  public :: mylos_set_layer, mylos_fence

  integer(c_int), parameter, public :: mylos_status_success = 0, mylos_status_invalid_argument = 1, &
                                       mylos_status_out_of_memory = 2, mylos_status_not_available = 3, &
                                       mylos_status_failed = 4
  integer(c_int), parameter, public :: mylos_dtype_f64 = 0, mylos_dtype_f32 = 1, mylos_dtype_f16 = 2, &
                                       mylos_dtype_bf16 = 3, mylos_dtype_u8 = 4, mylos_dtype_i32 = 5, mylos_dtype_i64 = 6
  integer(c_int), parameter, public :: mylos_loss_reduction_none = 0, mylos_loss_reduction_sum = 1, &
                                       mylos_loss_reduction_mean = 2, mylos_loss_reduction_batch_mean = 3
  integer(c_int), parameter, public :: mylos_scan_forward = 0, mylos_scan_reverse = 1, mylos_scan_exclusive = 2
  integer(c_int), parameter, public :: mylos_precision_standard = 0, mylos_precision_tf32 = 1, mylos_precision_half = 2
  integer(c_int), parameter, public :: mylos_determinism_run_to_run = 0, mylos_determinism_batch_invariant = 1
  integer(c_int), parameter, public :: mylos_matrix_structure_general = 0, mylos_matrix_structure_lower = 1, &
                                       mylos_matrix_structure_upper = 2, mylos_matrix_structure_symmetric_lower = 3, &
                                       mylos_matrix_structure_symmetric_upper = 4

  ! Memory that Fortran has no array for, as device memory or half precision; made by mylos_device_tensor. It may stand
  ! wherever an array may.
  type, bind(c) :: mylos_tensor
    type(c_ptr) :: data = c_null_ptr
    integer(c_int32_t) :: dtype = mylos_dtype_f32
    integer(c_int32_t) :: rank = 0
    integer(c_int64_t) :: extent(8) = 0
    integer(c_int64_t) :: stride(8) = 0
  end type

  type, bind(c) :: mylos_step
    integer(c_int32_t) :: id
    integer(c_int32_t) :: operand(2)
    real(c_double) :: parameter(2)
    real(c_double) :: number(2)
  end type

  ! Up to 16 steps, empty at first; call mylos_chain_<step>(chain, ...) adds one at the end.
  type, bind(c) :: mylos_chain
    integer(c_int32_t) :: step_count = 0
    integer(c_int32_t) :: operand_count = 0
    type(mylos_step) :: step(16)
    type(mylos_tensor) :: operand(16)
  end type

  ! A layer of mylos_mlp: weight(out, in), bias(out), and the chain that follows. call mylos_set_layer first.
  type, bind(c) :: mylos_layer
    type(mylos_tensor) :: weight
    type(mylos_tensor) :: bias
    type(mylos_chain) :: chain
  end type

  interface
    include 'mylos_operators.inc'

    ! The weight and the bias of a layer; its chain becomes empty.
    subroutine mylos_set_layer(layer, weight, bias, stat, errmsg) bind(c, name="mylos_fortran_set_layer")
      import
      type(mylos_layer), intent(out) :: layer
      type(*), dimension(..), intent(in) :: weight
      type(*), dimension(..), intent(in), optional :: bias
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine

    ! Waits for all work that was given to the stream.
    subroutine mylos_fence(stream, stat, errmsg) bind(c, name="mylos_fortran_fence")
      import
      type(c_ptr), intent(in), optional :: stream
      integer(c_int), intent(out), optional :: stat
      character(kind=c_char, len=*), intent(inout), optional :: errmsg
    end subroutine
  end interface

contains

  ! Memory at an address, on the device where Mylos was built for one: column-major, or with strides in elements.
  pure function mylos_device_tensor(data, dtype, extents, strides) result(tensor)
    type(c_ptr), intent(in) :: data
    integer(c_int), intent(in) :: dtype
    integer, intent(in) :: extents(:)
    integer, intent(in), optional :: strides(:)
    type(mylos_tensor) :: tensor
    integer(c_int64_t) :: stride
    integer :: d

    tensor%data = data
    tensor%dtype = dtype
    tensor%rank = size(extents)
    stride = 1
    do d = 1, min(size(extents), 8)
      tensor%extent(d) = extents(d)
      tensor%stride(d) = stride
      if (present(strides)) tensor%stride(d) = strides(d)
      stride = stride * extents(d)
    end do
  end function
end module
