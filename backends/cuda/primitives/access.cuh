// Loads and stores that pass through the caches without staying: for data touched once.
#pragma once

#include "core/access.hpp"

namespace mylos::cuda {

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
