// An empty kernel, launched as directly as the backend allows: what latencies are compared with.
#pragma once

#include <Kokkos_Core.hpp>

namespace mylos::bench {

#ifdef KOKKOS_ENABLE_CUDA
static __global__ void empty_kernel() {}
inline void bare_launch(const Kokkos::Cuda& exec) { empty_kernel<<<1, 128, 0, exec.cuda_stream()>>>(); }
#endif

struct Nothing {
  KOKKOS_FUNCTION void operator()(int) const {}
};
template <class Exec>
void bare_launch(const Exec& exec) {
  Kokkos::parallel_for("empty", Kokkos::RangePolicy<Exec>(exec, 0, exec.concurrency()), Nothing());
}

}  // namespace mylos::bench
