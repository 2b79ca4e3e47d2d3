// f32 products on the tensor cores that split the factors as they load them.
#pragma once

#include "cuda/gemm_tensor.hpp"

namespace mylos::cuda {

/// How a factor's elements come: in vectors of 16 bytes or one by one, neighbours along K or along rows.
enum class DirectLoading { vectors_along_depth, vectors_along_rows, along_depth, along_rows };

MYLOS_HOST_DEVICE constexpr bool is_along_rows(DirectLoading loading) {
  return loading == DirectLoading::vectors_along_rows || loading == DirectLoading::along_rows;
}

DirectLoading direct_loading(const GemmParameters& parameters, int factor);

struct DirectParameters {
  TensorParameters tensor;  // without halves
  DirectLoading loading[2];
};

/// For tiles of 128 rows, without triangles, symmetric factors and chains before the product.
DirectParameters make_direct(const TensorParameters& parameters);
void launch_direct(const DirectParameters& parameters, void* stream);

}  // namespace mylos::cuda
