// Failed HIP calls become mylos::Error with the expression and HIP's own text.
#pragma once

#include <hip/hip_runtime_api.h>

#include <string>

#include <mylos/error.hpp>

namespace mylos::hip {

inline void check(hipError_t status, const char* expression) {
  if (status == hipSuccess) return;
  throw Error(std::string("mylos: ") + expression + ": " + hipGetErrorName(status) + ": " + hipGetErrorString(status));
}

}  // namespace mylos::hip

#define MYLOS_HIP_CHECK(expression) ::mylos::hip::check((expression), #expression)
