// A network by single threads, a sample each: what the generic kernel does on a device, and the hand-written kernels
// for the few samples that they leave to it.
#pragma once

#include "mlp/pack.hpp"

namespace mylos::detail {

/// Where the samples of x and y lie.
struct MlpSamples {
  const void* x;
  void* y;
  DType x_dtype;
  DType y_dtype;
  int rank;
  std::int64_t extent[max_rank];
  Strides x_stride;
  Strides y_stride;
  std::int64_t x_feature;
  std::int64_t y_feature;
  int in;
  int out;

  MYLOS_FUNCTION std::int64_t offset(const Strides& strides, std::int64_t sample) const {
    if (rank <= 1) return rank == 0 ? 0 : sample * strides.stride[0];
    std::int64_t at = 0;
    for (int d = rank - 1; d > 0; --d) {
      const std::int64_t rest = sample / extent[d];
      at += (sample - rest * extent[d]) * strides.stride[d];
      sample = rest;
    }
    return at + sample * strides.stride[0];
  }
};

inline MlpSamples make_mlp_samples(const MlpProblem& problem) {
  MlpSamples s{
      problem.x.data,    problem.y.data,    problem.x.dtype,   problem.y.dtype,   problem.samples.rank, {},
      problem.x.samples, problem.y.samples, problem.x.feature, problem.y.feature, problem.in(),         problem.out()};
  for (int d = 0; d < s.rank; ++d) s.extent[d] = problem.samples.extent[d];
  return s;
}

/// A floating dtype's type, as visit(S()).
template <class Visit>
MYLOS_FUNCTION void with_floating(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::f64:
      return visit(double());
    case DType::f32:
      return visit(float());
    case DType::f16:
      return visit(half());
    case DType::bf16:
      return visit(bfloat16());
    default:
      return;
  }
}

/// One sample from end to end. Width: of the widest layer at least.
template <int Width, class T>
MYLOS_FUNCTION void run_mlp_sample(const MlpSamples& s, const MlpRecord<T>* record, int layers, std::int64_t sample) {
  T a[Width];
  T b[Width];
  const std::int64_t from = s.offset(s.x_stride, sample);
  with_floating(s.x_dtype, [&](auto stored) {
    const auto* x = static_cast<const decltype(stored)*>(s.x) + from;
    for_each_mlp_feature<Width>(s.in, [&](int k) { a[k] = widen<T>(x[k * s.x_feature]); });
  });
  MYLOS_NO_UNROLL
  for (int l = 0; l < layers; ++l) {
    run_mlp_layer<Width>(record[l].layer, record[l].step, a, b);
    for_each_mlp_feature<Width>(record[l].layer.out, [&](int k) { a[k] = b[k]; });
  }
  const std::int64_t to = s.offset(s.y_stride, sample);
  with_floating(s.y_dtype, [&](auto stored) {
    auto* y = static_cast<decltype(stored)*>(s.y) + to;
    for_each_mlp_feature<Width>(s.out, [&](int i) { y[i * s.y_feature] = narrow<decltype(stored)>(a[i]); });
  });
}

}  // namespace mylos::detail
