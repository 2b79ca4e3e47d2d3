// What a vendor's library for neural networks does beside Mylos: one such library is a VendorLibrary.
#pragma once

#include "suite/cases/families.hpp"

namespace mylos::bench {

enum class VendorActivation : std::uint8_t { relu, sigmoid, tanh, silu };

struct VendorLibrary {
  const char* name;
  bool (*has)(DType dtype);
  /// Of x, y: along all but the first dimension.
  Bind (*softmax)(bool log);
  /// Of x, y; empty where the library lacks it.
  Bind (*activation)(VendorActivation activation);
  /// Of x, y, weight, bias, running mean, running variance; eps 1e-5, momentum 0.1.
  Bind (*batch_norm_training)();
};

/// (n, c, h, w) as these libraries see a tensor: the first two dimensions, the others as one, and 1.
struct FourExtents {
  int n;
  int c;
  int h;
  explicit FourExtents(const Tensor& t)
      : n(static_cast<int>(t.extent[0])),
        c(static_cast<int>(t.extent[1])),
        h(static_cast<int>(t.size() / (t.extent[0] * t.extent[1]))) {}
};

#if defined(MYLOS_HAVE_CUDNN) && defined(KOKKOS_ENABLE_CUDA)
#define MYLOS_VENDOR_LIBRARY cudnn
#elif defined(MYLOS_HAVE_MIOPEN) && defined(KOKKOS_ENABLE_HIP)
#define MYLOS_VENDOR_LIBRARY miopen
#endif

#if defined(MYLOS_VENDOR_LIBRARY)
VendorLibrary MYLOS_VENDOR_LIBRARY();
#endif

}  // namespace mylos::bench
