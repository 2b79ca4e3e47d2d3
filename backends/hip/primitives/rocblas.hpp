// rocBLAS: its handles and its errors.
#pragma once

#if defined(MYLOS_HAVE_ROCBLAS)

// What it calls deprecated is the default of the mode that rocblas_set_atomics_mode() sets.
#define ROCBLAS_NO_DEPRECATED_WARNINGS
#include <rocblas/rocblas.h>

#include <string>

#include <mylos/error.hpp>

#include "core/handle_pool.hpp"
#include "hip/primitives/check.hpp"

namespace mylos::hip {

inline void check_rocblas(rocblas_status status, const char* expression) {
  if (status == rocblas_status_success) return;
  throw Error(std::string("mylos: ") + expression + ": " + rocblas_status_to_string(status));
}

/// While it lives this thread may allocate and load kernels, whichever streams are captured: rocBLAS does so when a
/// handle is made and when it meets a product for the first time.
class RelaxedCapture {
 public:
  RelaxedCapture() { MYLOS_HIP_CHECK(hipThreadExchangeStreamCaptureMode(&mode_)); }
  ~RelaxedCapture() { (void)hipThreadExchangeStreamCaptureMode(&mode_); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  hipStreamCaptureMode mode_ = hipStreamCaptureModeRelaxed;
};

/// A handle of the current device, without memory of its own: each call brings some. The same bits in every run.
class RocblasHandle : public detail::PooledHandle<rocblas_handle> {
 public:
  RocblasHandle();
};

}  // namespace mylos::hip

#define MYLOS_ROCBLAS_CHECK(expression) ::mylos::hip::check_rocblas((expression), #expression)

#endif  // MYLOS_HAVE_ROCBLAS
