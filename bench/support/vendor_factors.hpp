// The factors of what is computed and of what was there, in the type that vendors' libraries read them in.
#pragma once

#include <mylos/types.hpp>

namespace mylos::bench {

struct VendorFactors {
  double wide[2] = {1, 0};
  float narrow[2] = {1, 0};
  bool is_wide;
  explicit VendorFactors(DType dtype) : is_wide(dtype == DType::f64) {}
  const void* one() const { return is_wide ? static_cast<const void*>(&wide[0]) : &narrow[0]; }
  const void* zero() const { return is_wide ? static_cast<const void*>(&wide[1]) : &narrow[1]; }
};

}  // namespace mylos::bench
