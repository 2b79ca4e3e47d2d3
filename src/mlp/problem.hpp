// A network over samples as its candidates see it: checked, canonical, plain data, free of Kokkos and vendor headers.
#pragma once

#include <mylos/mlp_network.hpp>

#include "core/geometry.hpp"
#include "core/selection.hpp"

namespace mylos::detail {

/// A tensor over the samples, and its step from feature to feature.
struct MlpTensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  Strides samples{};
  std::int64_t feature = 0;
};

struct MlpProblem {
  const Mlp* network = nullptr;  // lives while the call lasts
  Box samples;                   // rank <= 7, merged where x and y allow it, y's fastest dimension last; count is not 0
  MlpTensor x;
  MlpTensor y;
  int widest = 1;  // of all layers' inputs and outputs
  bool f64 = false;

  int in() const { return static_cast<int>((*network)[0].weight.extent[1]); }
  int out() const { return static_cast<int>((*network)[network->size() - 1].weight.extent[0]); }
};

}  // namespace mylos::detail
