#include "support/gemm_tiles.hpp"

#include "gemm/vectors.hpp"

namespace mylos::test {

/// One thread's square.
template <class T>
using OneThreadShape =
    mylos::detail::GemmTileShape<T, 32 / int(sizeof(T)), 32 / int(sizeof(T)), 16, 32 / int(sizeof(T))>;

template <class Exec>
void run_gemm_teams(const mylos::detail::GemmProblem& problem, const mylos::detail::Queue& queue) {
  const Exec& exec = *static_cast<const Exec*>(queue.instance);
  if (mylos::detail::is_vector_product(problem))
    return mylos::detail::run_gemm_vectors<1>(exec, "mylos::gemm[tiles]", problem);
  mylos::detail::run_gemm_tiles<OneThreadShape>(exec, "mylos::gemm[tiles]", problem);
}

#ifdef KOKKOS_ENABLE_SERIAL
template void run_gemm_teams<Kokkos::Serial>(const mylos::detail::GemmProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_OPENMP
template void run_gemm_teams<Kokkos::OpenMP>(const mylos::detail::GemmProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_THREADS
template void run_gemm_teams<Kokkos::Threads>(const mylos::detail::GemmProblem&, const mylos::detail::Queue&);
#endif

}  // namespace mylos::test
