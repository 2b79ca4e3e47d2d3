// The hand-written scans of each backend, in order of preference.
#pragma once

#include "scan/problem.hpp"

namespace mylos {
namespace cuda {
detail::CandidateList<detail::ScanProblem> scan_candidates();
}
namespace host {
detail::CandidateList<detail::ScanProblem> scan_candidates();
}
}  // namespace mylos
