#include "cuda/primitives/cublas.hpp"

#include <set>

#include "cuda/primitives/device.hpp"

namespace mylos::cuda {
namespace {

/// Streams at most that keep a handle and its work space: both stay until the process ends.
constexpr std::size_t most_keepers = 4;
/// Of handles that are given a stream and a work space by each call.
constexpr unsigned long long any_stream = ~0ULL;

CublasPlace place_of(cudaStream_t stream) {
  static std::mutex mutex;
  static auto* const keepers = new std::set<CublasPlace>;
  CublasPlace place{current_device(), any_stream};
  cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  MYLOS_CUDA_CHECK(cudaStreamIsCapturing(stream, &capture));
  if (capture != cudaStreamCaptureStatusNone) return place;
  unsigned long long id = any_stream;
  MYLOS_CUDA_CHECK(cudaStreamGetId(stream, &id));
  const std::lock_guard<std::mutex> lock(mutex);
  if (keepers->size() < most_keepers) keepers->insert({place.first, id});
  if (keepers->count({place.first, id}) != 0) place.second = id;
  return place;
}

void set_stream(cublasHandle_t handle, cudaStream_t stream, void* memory, std::size_t bytes) {
  MYLOS_CUBLAS_CHECK(cublasSetStream(handle, stream));
  MYLOS_CUBLAS_CHECK(cublasSetWorkspace(handle, memory, bytes));
}

/// Making a handle allocates, which is forbidden while any stream is captured unless the thread says that it knows.
class RelaxedCapture {
 public:
  RelaxedCapture() { MYLOS_CUDA_CHECK(cudaThreadExchangeStreamCaptureMode(&mode_)); }
  ~RelaxedCapture() { (void)cudaThreadExchangeStreamCaptureMode(&mode_); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

cublasHandle_t make_handle(cudaStream_t stream, std::size_t bytes, bool keeps_stream) {
  const RelaxedCapture relaxed;
  cublasHandle_t handle = nullptr;
  MYLOS_CUBLAS_CHECK(cublasCreate(&handle));
  MYLOS_CUBLAS_CHECK(cublasSetMathMode(handle, CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
  if (keeps_stream) set_stream(handle, stream, Scratch(stream, bytes).release(), bytes);
  return handle;
}

}  // namespace

CublasHandle::CublasHandle(void* stream, std::size_t bytes)
    : CublasHandle(static_cast<cudaStream_t>(stream), bytes, place_of(static_cast<cudaStream_t>(stream))) {}

CublasHandle::CublasHandle(cudaStream_t stream, std::size_t bytes, const CublasPlace& place)
    : scratch_(stream, place.second == any_stream ? bytes : 0),
      handle_(place, [&] { return make_handle(stream, bytes, place.second != any_stream); }) {
  if (place.second == any_stream) set_stream(handle_.get(), stream, scratch_.data(), bytes);
}

}  // namespace mylos::cuda
