// Local response normalisation as its candidates see it: checked, canonical, plain data.
#pragma once

#include "core/selection.hpp"
#include "row/problem.hpp"

namespace mylos::detail {

/// y = x / (k + scale * sum of x^2 over the channels from `before` in front of its own to `behind` after it)^beta. Rows
/// are all dimensions but the channels', y's fastest last.
struct LocalResponseProblem {
  RowTensor x;
  RowTensor y;
  Box rows;
  std::int64_t channels = 0;
  std::int64_t channel_stride_x = 0;
  std::int64_t channel_stride_y = 0;
  std::int64_t before = 0;
  std::int64_t behind = 0;
  double scale = 0;
  double beta = 0;
  double k = 0;

  bool computes_in_f64() const { return x.dtype == DType::f64 || y.dtype == DType::f64; }
};

}  // namespace mylos::detail

namespace mylos {
namespace cuda {
detail::CandidateList<detail::LocalResponseProblem> local_response_candidates();
}
namespace host {
detail::CandidateList<detail::LocalResponseProblem> local_response_candidates();
}
}  // namespace mylos
