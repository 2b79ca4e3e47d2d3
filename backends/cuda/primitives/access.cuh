// Loads and stores in global memory, apart from how pointers are seen: the compiler does not know that those in
// kernels' parameters are global.
#pragma once

#include "core/access.hpp"

namespace mylos::cuda {

/// As the hardware does it without a hint. Measured on H200: after other work has filled the L2, kernels that mark
/// their lines as the first to go lose 5 % of the bandwidth, since only few lines are then theirs.
struct GlobalAccess {
  template <class P>
  static __device__ __forceinline__ P load(const P* p) {
    if constexpr (sizeof(P) == 16) {
      uint4 v;
      asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
      return detail::bits_as<P>(v);
    } else if constexpr (sizeof(P) == 8) {
      uint2 v;
      asm volatile("ld.global.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
      return detail::bits_as<P>(v);
    } else if constexpr (sizeof(P) == 4) {
      unsigned v;
      asm volatile("ld.global.u32 %0, [%1];" : "=r"(v) : "l"(p));
      return detail::bits_as<P>(v);
    } else {
      return *p;
    }
  }
  template <class P>
  static __device__ __forceinline__ void store(P* p, const P& value) {
    if constexpr (sizeof(P) == 16) {
      const auto v = detail::bits_as<uint4>(value);
      asm volatile("st.global.v4.u32 [%4], {%0, %1, %2, %3};" ::"r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w), "l"(p)
                   : "memory");
    } else if constexpr (sizeof(P) == 8) {
      const auto v = detail::bits_as<uint2>(value);
      asm volatile("st.global.v2.u32 [%2], {%0, %1};" ::"r"(v.x), "r"(v.y), "l"(p) : "memory");
    } else if constexpr (sizeof(P) == 4) {
      asm volatile("st.global.u32 [%1], %0;" ::"r"(detail::bits_as<unsigned>(value)), "l"(p) : "memory");
    } else {
      *p = value;
    }
  }
};

/// Lines that are the first to leave the caches: for data touched once, beside data that is to stay.
struct StreamingAccess {
  template <class P>
  static __device__ __forceinline__ P load(const P* p) {
    if constexpr (sizeof(P) == 16)
      return as<P>(__ldcs(reinterpret_cast<const uint4*>(p)));
    else if constexpr (sizeof(P) == 8)
      return as<P>(__ldcs(reinterpret_cast<const uint2*>(p)));
    else if constexpr (sizeof(P) == 4)
      return as<P>(__ldcs(reinterpret_cast<const unsigned*>(p)));
    else
      return *p;
  }
  template <class P>
  static __device__ __forceinline__ void store(P* p, const P& value) {
    if constexpr (sizeof(P) == 16)
      __stcs(reinterpret_cast<uint4*>(p), as<uint4>(value));
    else if constexpr (sizeof(P) == 8)
      __stcs(reinterpret_cast<uint2*>(p), as<uint2>(value));
    else if constexpr (sizeof(P) == 4)
      __stcs(reinterpret_cast<unsigned*>(p), as<unsigned>(value));
    else
      *p = value;
  }

 private:
  template <class To, class From>
  static __device__ __forceinline__ To as(const From& from) {
    return detail::bits_as<To>(from);
  }
};

}  // namespace mylos::cuda
