// Memory for one call: allocated and freed in the order of the stream, so that nothing waits for it; a part of the
// graph where the call is captured in one. Each call has its own, so that calls on several streams never share it.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {

/// The library's own pool of a device, which keeps what it has: the default pool gives memory back to the system at
/// each synchronisation, and the next call would wait for it. Its settings belong to the user.
inline cudaMemPool_t scratch_pool() {
  constexpr int most_devices = 64;
  static cudaMemPool_t pools[most_devices] = {};
  static std::mutex mutex;
  int device = 0;
  MYLOS_CUDA_CHECK(cudaGetDevice(&device));
  if (device >= most_devices) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pools[device] == nullptr) {
    cudaMemPoolProps properties = {};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    cudaMemPool_t pool = nullptr;
    MYLOS_CUDA_CHECK(cudaMemPoolCreate(&pool, &properties));
    unsigned long long keep = ~0ULL;
    MYLOS_CUDA_CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
    pools[device] = pool;
  }
  return pools[device];
}

class Scratch {
 public:
  Scratch(void* stream, std::size_t bytes) : stream_(static_cast<cudaStream_t>(stream)) {
    if (bytes == 0) return;
    cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
    MYLOS_CUDA_CHECK(cudaStreamIsCapturing(stream_, &capture));
    const cudaMemPool_t pool = capture == cudaStreamCaptureStatusNone ? scratch_pool() : nullptr;
    if (pool != nullptr)
      MYLOS_CUDA_CHECK(cudaMallocFromPoolAsync(&data_, bytes, pool, stream_));
    else
      MYLOS_CUDA_CHECK(cudaMallocAsync(&data_, bytes, stream_));
  }
  ~Scratch() {
    if (data_ != nullptr) (void)cudaFreeAsync(data_, stream_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* data() const { return data_; }
  /// Keeps the memory for ever, for work in the stream's order.
  void* release() { return std::exchange(data_, nullptr); }

 private:
  cudaStream_t stream_;
  void* data_ = nullptr;
};

}  // namespace mylos::cuda
