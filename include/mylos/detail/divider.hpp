// Division by numbers known before the kernel starts, for turning a linear index into coordinates.
#pragma once

#include <cstdint>

#ifdef __HIPCC__
#include <hip/hip_runtime.h>  // __umulhi
#endif

#include <mylos/macros.hpp>

namespace mylos::detail {

/// Division of 0 <= n < 2^63 by an invariant d >= 1: Granlund and Montgomery, PLDI 1994, with N = 63.
struct Divider {
  std::uint64_t divisor = 1;
  std::uint64_t multiplier = 0;    // ceil(2^(63 + l) / d), l = ceil(log2 d); 0 stands for d = 1
  std::uint32_t multiplier32 = 0;  // the same for n < 2^31, N = 31; 0 where d itself is larger
  int shift = 0;                   // l - 1

  Divider() = default;
  explicit Divider(std::int64_t d) : divisor(static_cast<std::uint64_t>(d)) {
    if (d <= 1) return;
    int l = 0;
    while ((std::uint64_t{1} << l) < divisor) ++l;
    __extension__ using Wide = unsigned __int128;
    multiplier = static_cast<std::uint64_t>(((Wide{1} << (63 + l)) + divisor - 1) / divisor);
    if (l <= 31) multiplier32 = static_cast<std::uint32_t>(((Wide{1} << (31 + l)) + divisor - 1) / divisor);
    shift = l - 1;
  }

  /// For n < 2^31; the divisor may be larger.
  MYLOS_FUNCTION std::uint32_t divide32(std::uint32_t n) const {
    if (divisor == 1) return n;
    if (multiplier32 == 0) return 0;
#if MYLOS_DEVICE_CODE
    return __umulhi(n, multiplier32) >> shift;
#else
    return static_cast<std::uint32_t>((std::uint64_t{n} * multiplier32) >> 32) >> shift;
#endif
  }

  MYLOS_FUNCTION std::uint64_t divide(std::uint64_t n) const {
    if (multiplier == 0) return n;
#if MYLOS_DEVICE_CODE
    // Most indices have 32 bits, and a 64-bit product costs a GPU several times more.
    if (n >> 31 == 0 && multiplier32 != 0) return __umulhi(static_cast<unsigned>(n), multiplier32) >> shift;
    return __umul64hi(n, multiplier) >> shift;
#else
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(n) * multiplier) >> 64) >> shift;
#endif
  }
};

}  // namespace mylos::detail
