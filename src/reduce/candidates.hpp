// The hand-written reductions of each backend, in order of preference.
#pragma once

#include "reduce/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::ReduceProblem> reduce_candidates();
}
namespace host {
detail::CandidateList<detail::ReduceProblem> reduce_candidates();
}
}  // namespace mylos
