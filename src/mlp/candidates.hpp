// The hand-written kernels of each backend for a network, in order of preference.
#pragma once

#include "mlp/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::MlpProblem> mlp_candidates();
}
namespace host {
detail::CandidateList<detail::MlpProblem> mlp_candidates();
}
}  // namespace mylos
