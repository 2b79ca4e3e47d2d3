#include "support/scan_threads.hpp"

#include "scan/generic.hpp"

namespace mylos::test {

template <class Exec>
void run_scan_threads(const mylos::detail::ScanProblem& problem, const mylos::detail::Queue& queue) {
  mylos::detail::with_scan_type(problem, [&](auto type) {
    using Type = decltype(type);
    mylos::detail::run_generic_threads<Type::monoid, Exec, typename Type::Value>(
        *static_cast<const Exec*>(queue.instance), "threads", problem);
  });
}

#ifdef KOKKOS_ENABLE_SERIAL
template void run_scan_threads<Kokkos::Serial>(const mylos::detail::ScanProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_OPENMP
template void run_scan_threads<Kokkos::OpenMP>(const mylos::detail::ScanProblem&, const mylos::detail::Queue&);
#endif
#ifdef KOKKOS_ENABLE_THREADS
template void run_scan_threads<Kokkos::Threads>(const mylos::detail::ScanProblem&, const mylos::detail::Queue&);
#endif

}  // namespace mylos::test
