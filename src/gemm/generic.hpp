// The Kokkos kernels that serve every matrix product: by teams of threads on a GPU (tiles.hpp, vectors.hpp), by threads
// with panels in their caches on the host (blocks.hpp).
#pragma once

#include <Kokkos_Core.hpp>
#include <optional>

#include "core/scratch.hpp"
#include "gemm/blocks.hpp"
#include "gemm/vectors.hpp"

namespace mylos::detail {

template <class T>
void packed_product_plain(const BlockGemm<T>& g, const GemmTile& tile, T* result, T* work) {
  packed_product(g, tile, result, work);
}

template <class T>
void transform_values_plain(const GemmParameters<T>& p, const GemmPanel* panel, const GemmSegment& segment, T* v,
                            T* room) {
  transform_values(p, panel, segment, v, room);
}

template <class Exec, class T>
void run_gemm_blocks(const Exec& exec, const std::string& label, const GemmProblem& problem) {
  BlockGemm<T> g = make_block_gemm<T>(problem, exec.concurrency(), PlainGemmKernel<T>::kernel());
  g.product = packed_product_plain<T>;
  g.transform = transform_values_plain<T>;
  const auto parallel = [&](std::int64_t count, const auto& body) {
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, count),
                         [&](std::int64_t index) { body(g, index); });
  };
  std::optional<Scratch<Exec>> memory;
  const auto scratch = [&](std::int64_t elements) {
    memory.emplace(exec, static_cast<std::size_t>(elements) * sizeof(T));
    return static_cast<T*>(memory->data());
  };
  run_block_gemm(g, parallel, scratch, gemm_worker<T>, add_gemm_parts<T>);
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const GemmProblem& problem) {
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    if (problem.computes_in_f64()) return run_gemm_blocks<Exec, double>(exec, label, problem);
    run_gemm_blocks<Exec, float>(exec, label, problem);
  } else {
    if (is_vector_product(problem)) return run_gemm_vectors<256>(exec, label, problem);
    run_gemm_tiles<GemmDeviceShape>(exec, label, problem);
  }
}

}  // namespace mylos::detail
