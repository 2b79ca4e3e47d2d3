// What the current device is.
#pragma once

#include <string>

#include "hip/primitives/check.hpp"

namespace mylos::hip {

inline int current_device() {
  int device = 0;
  MYLOS_HIP_CHECK(hipGetDevice(&device));
  return device;
}

/// "gfx90a", without what follows a colon. Looked up once for each device.
const std::string& architecture();

}  // namespace mylos::hip
