// The network in Kokkos, written once: single threads on a device (samples.hpp), blocks in the caches on the host
// (blocks.hpp). Serves every problem.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/scratch.hpp"
#include "mlp/blocks.hpp"

namespace mylos::detail {

template <class Functor>
struct MlpFunctor {
  Functor functor;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const { functor(index); }
};

template <class Exec, class Functor>
void run_mlp_functor(const Exec& exec, const std::string& label, std::int64_t count, const Functor& functor) {
  static_assert(sizeof(Functor) <= 4096, "as kernel parameters: see pointwise/generic.hpp");
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for(
      label,
      Kokkos::Experimental::require(Policy(exec, 0, count), Kokkos::Experimental::WorkItemProperty::HintLightWeight),
      MlpFunctor<Functor>{functor});
}

template <int Width, class T>
struct MlpThread {
  MlpSamples samples;
  const MlpRecord<T>* record;
  int layers;
  MYLOS_FUNCTION void operator()(std::int64_t sample) const { run_mlp_sample<Width>(samples, record, layers, sample); }
};

template <class T>
void sum_lines_plain(const MlpLayer<T>& layer, const T* x, T* y) {
  sum_mlp_lines(layer, x, y);
}
template <class T>
void chain_lines_plain(const MlpRecord<T>& record, T* v) {
  chain_mlp_lines(record, v);
}

template <class T, class Exec>
void run_generic_as(const Exec& exec, const std::string& label, const MlpProblem& problem) {
  const Mlp& network = *problem.network;
  const Scratch<Exec> scratch(exec, mlp_packed_bytes<T>(network));
  pack_mlp<T>(network, scratch.data(),
              [&](const MlpPack<T>& pack) { run_mlp_functor(exec, label, pack.count(), pack); });
  const auto* records = static_cast<const MlpRecord<T>*>(scratch.data());
  const MlpSamples samples = make_mlp_samples(problem);
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    const BlockMlp<T> blocks{samples,        problem.samples.count, records,
                             network.size(), sum_lines_plain<T>,    chain_lines_plain<T>};
    Kokkos::parallel_for(label, Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, blocks.blocks()),
                         [&blocks](std::int64_t index) { run_mlp_block(blocks, index); });
  } else if (problem.widest <= mlp_register_width) {
    run_mlp_functor(exec, label, problem.samples.count,
                    MlpThread<mlp_register_width, T>{samples, records, network.size()});
  } else {
    run_mlp_functor(exec, label, problem.samples.count, MlpThread<max_mlp_width, T>{samples, records, network.size()});
  }
}

template <class Exec>
void run_generic(const Exec& exec, const std::string& label, const MlpProblem& problem) {
  if (problem.f64) return run_generic_as<double>(exec, label, problem);
  run_generic_as<float>(exec, label, problem);
}

}  // namespace mylos::detail
