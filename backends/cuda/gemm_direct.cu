#include "cuda/gemm_direct.cuh"

namespace mylos::cuda {
DirectLoading direct_loading(const GemmParameters& p, int factor) {
  const GemmFactor& f = p.factor[factor];
  bool aligned = reinterpret_cast<std::uintptr_t>(f.data) % 16 == 0;
  for (int d = 0; d < p.batch.rank; ++d) aligned = aligned && f.batch[d] % 4 == 0;
  if (aligned && f.depth == 1 && f.row % 4 == 0) return DirectLoading::vectors_along_depth;
  if (aligned && f.row == 1 && f.depth % 4 == 0) return DirectLoading::vectors_along_rows;
  const auto distance = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  return distance(f.row) < distance(f.depth) ? DirectLoading::along_rows : DirectLoading::along_depth;
}

DirectParameters make_direct(const TensorParameters& parameters) {
  return {parameters, {direct_loading(parameters.gemm, 0), direct_loading(parameters.gemm, 1)}};
}

void launch_direct(const DirectParameters& parameters, void* stream) {
  if (parameters.tensor.gemm.after.size != 0)
    launch_direct_as<true>(parameters, stream);
  else
    launch_direct_as<false>(parameters, stream);
}

}  // namespace mylos::cuda
