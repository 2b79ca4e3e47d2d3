// The scan in Kokkos, written once: single threads on a device (threads.hpp), blocks in L1 on the host (blocks.hpp).
// Serves every problem.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/scratch.hpp"
#include "scan/blocks.hpp"
#include "scan/dispatch.hpp"
#include "scan/threads.hpp"

namespace mylos::detail {

template <class Functor>
struct ScanFunctor {
  Functor functor;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const { functor(index); }
};

template <class Exec, class Functor>
void run_scan_functor(const Exec& exec, const std::string& label, std::int64_t count, const Functor& functor) {
  static_assert(sizeof(Functor) <= 4096, "as kernel parameters: see pointwise/generic.hpp");
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(
      label,
      Kokkos::Experimental::require(Policy(exec, 0, count), Kokkos::Experimental::WorkItemProperty::HintLightWeight),
      ScanFunctor<Functor>{functor});
}

template <ScanMonoid M, class Exec, class T>
void run_generic_threads(const Exec& exec, const std::string& label, const ScanProblem& problem) {
  using State = typename Scanner<M, T>::State;
  ScanThreads<M, T> scan{make_scan_parameters<T>(problem), {}, ScanStage::whole, problem.runs_across(), nullptr};
  scan.pieces = scan_pieces(problem.length, thread_piece, most_thread_pieces);
  const std::int64_t threads = scan.p.rows * scan.pieces.count;
  const bool single = scan.pieces.count == 1;
  const Scratch<Exec> scratch(exec, single ? 0 : static_cast<std::size_t>(threads) * sizeof(State));
  if (single) return run_scan_functor(exec, label, threads, scan);
  scan.totals = static_cast<State*>(scratch.data());
  scan.stage = ScanStage::totals;
  run_scan_functor(exec, label, threads, scan);
  run_scan_functor(exec, label, scan.p.rows, ScanTotals<M, T>{scan.totals, scan.pieces.count});
  scan.stage = ScanStage::results;
  run_scan_functor(exec, label, threads, scan);
}

template <class T>
void transform_plain(const BlockScan<T>& s, const LoweredChain<T>& chain, int first, const ScanPlace& place, T* v,
                     int n) {
  transform_block(s, chain, first, place, v, n);
}

template <ScanMonoid M, class Exec, class T>
void run_generic_blocks(const Exec& exec, const std::string& label, const ScanProblem& problem) {
  using State = typename Scanner<M, T>::State;
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  BlockScan<T> s = make_block_scan<T>(problem, exec.concurrency());
  s.transform = transform_plain<T>;
  const Scratch<Exec> scratch(exec, s.shared ? static_cast<std::size_t>(s.p.rows * s.pieces.count) * sizeof(State) : 0);
  s.totals = scratch.data();
  if (s.shared) {
    const ScanTotals<M, T> combine{static_cast<State*>(s.totals), s.pieces.count};
    Kokkos::parallel_for(label, Policy(exec, 0, s.items()), [&s](std::int64_t i) { scan_item<M, T>(s, i, true); });
    Kokkos::parallel_for(label, Policy(exec, 0, s.p.rows), [&combine](std::int64_t row) { combine(row); });
  }
  Kokkos::parallel_for(label, Policy(exec, 0, s.items()), [&s](std::int64_t i) { scan_item<M, T>(s, i, false); });
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const ScanProblem& problem) {
  with_scan_type(problem, [&](auto type) {
    using Type = decltype(type);
    if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
      run_generic_blocks<Type::monoid, Exec, typename Type::Value>(exec, label, problem);
    else
      run_generic_threads<Type::monoid, Exec, typename Type::Value>(exec, label, problem);
  });
}

}  // namespace mylos::detail
