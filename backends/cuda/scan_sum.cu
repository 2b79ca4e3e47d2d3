// cumsum.
#include "cuda/scan_columns.cuh"
#include "cuda/scan_rows.cuh"

namespace mylos::cuda {

template void run_scan_rows<ScanMonoid::sum>(const detail::ScanProblem&, const detail::Queue&);
template void run_scan_columns<ScanMonoid::sum>(const detail::ScanProblem&, const detail::Queue&);

}  // namespace mylos::cuda
