// The hand-written pointwise kernels of each backend, in order of preference.
#pragma once

#include "pointwise/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::PointwiseProblem> pointwise_candidates();
}
namespace host {
detail::CandidateList<detail::PointwiseProblem> pointwise_candidates();
}
}  // namespace mylos
