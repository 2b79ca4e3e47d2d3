// Constants of what runs on AMD GPUs, apart from what runs. None has been measured.
#pragma once

#include "gemm/vendor_plan.hpp"

namespace mylos::hip {

/// For rocBLAS. A work space of the size that its handles have by default. It may add products one after the other: the
/// bound of gemm.hpp follows for 1024 of them by counting. Of 16-bit ones matrix units add several at a time.
inline constexpr detail::VendorLimits rocblas_limits{std::size_t{32} << 20, 1024, 1024, 4096, std::int64_t{16} << 20};

}  // namespace mylos::hip
