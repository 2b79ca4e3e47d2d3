// The hand-written losses of vectors of each backend, in order of preference.
#pragma once

#include "vector_loss/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::VectorLossProblem> vector_loss_candidates();
}
namespace host {
detail::CandidateList<detail::VectorLossProblem> vector_loss_candidates();
}
}  // namespace mylos
