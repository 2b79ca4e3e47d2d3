// The hand-written row kernels of each backend, in order of preference.
#pragma once

#include "row/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::RowProblem> row_candidates();
}
namespace host {
detail::CandidateList<detail::RowProblem> row_candidates();
}
}  // namespace mylos
