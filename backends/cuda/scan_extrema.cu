// cummax and cummin.
#include "cuda/scan_columns.cuh"
#include "cuda/scan_rows.cuh"

namespace mylos::cuda {

template void run_scan_rows<ScanMonoid::maximum>(const detail::ScanProblem&, const detail::Queue&);
template void run_scan_columns<ScanMonoid::maximum>(const detail::ScanProblem&, const detail::Queue&);
template void run_scan_rows<ScanMonoid::arg_maximum>(const detail::ScanProblem&, const detail::Queue&);
template void run_scan_columns<ScanMonoid::arg_maximum>(const detail::ScanProblem&, const detail::Queue&);

}  // namespace mylos::cuda
