// Memory for one call of a Kokkos kernel: ordered with the instance's other work, so that nothing waits for it, and a
// part of the graph where the call is captured in one. Each call has its own: two instances may run at once.
#pragma once

#include <cstddef>
#include <string>

#include <Kokkos_Core.hpp>

#include <mylos/error.hpp>

namespace mylos::detail {

template <class Exec>
class Scratch {
 public:
  Scratch(const Exec& exec, std::size_t bytes) : exec_(exec) {
    if (bytes == 0) return;
    if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) data_ = ::operator new(bytes);
#ifdef KOKKOS_ENABLE_CUDA
    if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) check(cudaMallocAsync(&data_, bytes, exec.cuda_stream()), bytes);
#endif
#ifdef KOKKOS_ENABLE_HIP
    if constexpr (std::is_same_v<Exec, Kokkos::HIP>) check(hipMallocAsync(&data_, bytes, exec.hip_stream()), bytes);
#endif
  }
  /// The host's loops are over when they return; on a device the memory is freed when what is in the stream is done.
  ~Scratch() {
    if (data_ == nullptr) return;
    if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) ::operator delete(data_);
#ifdef KOKKOS_ENABLE_CUDA
    if constexpr (std::is_same_v<Exec, Kokkos::Cuda>) (void)cudaFreeAsync(data_, exec_.cuda_stream());
#endif
#ifdef KOKKOS_ENABLE_HIP
    if constexpr (std::is_same_v<Exec, Kokkos::HIP>) (void)hipFreeAsync(data_, exec_.hip_stream());
#endif
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* data() const { return data_; }

 private:
  template <class Status>
  static void check(Status status, std::size_t bytes) {
    if (status != Status(0))
      throw Error("mylos: scratch memory: " + std::to_string(bytes) + " bytes could not be had, status " +
                  std::to_string(static_cast<int>(status)));
  }

  const Exec& exec_;
  void* data_ = nullptr;
};

}  // namespace mylos::detail
