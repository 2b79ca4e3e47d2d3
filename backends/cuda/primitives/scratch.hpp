// Memory that lives on the caller's stream: taken and given back in stream order, so that it can be captured in a
// graph.
#pragma once

#include "cuda/primitives/check.hpp"

namespace mylos::cuda {

class Scratch {
 public:
  Scratch(std::size_t bytes, void* stream) : stream_(static_cast<cudaStream_t>(stream)) {
    MYLOS_CUDA_CHECK(cudaMallocAsync(&data_, bytes, stream_));
  }
  ~Scratch() { cudaFreeAsync(data_, stream_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* data() const { return data_; }

 private:
  cudaStream_t stream_;
  void* data_ = nullptr;
};

}  // namespace mylos::cuda
