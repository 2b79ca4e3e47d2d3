#include "hip/primitives/rocblas.hpp"

#if defined(MYLOS_HAVE_ROCBLAS)

#include "hip/primitives/device.hpp"

namespace mylos::hip {
namespace {

rocblas_handle make_handle() {
  const RelaxedCapture relaxed;
  rocblas_handle handle = nullptr;
  MYLOS_ROCBLAS_CHECK(rocblas_create_handle(&handle));
  // Gives back what the handle has allocated. Later, at the first work space of a caller's, that would wait for the
  // device in the middle of a call.
  MYLOS_ROCBLAS_CHECK(rocblas_set_workspace(handle, nullptr, 0));
  MYLOS_ROCBLAS_CHECK(rocblas_set_pointer_mode(handle, rocblas_pointer_mode_host));
  MYLOS_ROCBLAS_CHECK(rocblas_set_atomics_mode(handle, rocblas_atomics_not_allowed));
  return handle;
}

}  // namespace

RocblasHandle::RocblasHandle() : PooledHandle(current_device(), make_handle) {}

}  // namespace mylos::hip

#endif  // MYLOS_HAVE_ROCBLAS
