#include "cuda/gemm_tiles.cuh"

#include "cuda/gemm.hpp"
#include "cuda/gemm_cost.hpp"
#include "cuda/primitives/device.hpp"

namespace mylos::cuda {
namespace {

TileLoading tile_loading(const GemmParameters& gemm, const GemmFactor& factor) {
  const auto distance = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  const bool along_rows = distance(factor.row) < distance(factor.depth);
  const std::int64_t outer = along_rows ? factor.depth : factor.row;
  bool vectors = (along_rows ? factor.row : factor.depth) == 1 && outer % 4 == 0 &&
                 reinterpret_cast<std::uintptr_t>(factor.data) % 16 == 0;
  for (int d = 0; d < gemm.batch.rank; ++d) vectors = vectors && factor.batch[d] % 4 == 0;
  return {along_rows, vectors};
}

/// visit(TileShape) of that way.
template <class Visit>
auto with_shape(int way, const Visit& visit) {
  static_assert(gemm_tiles_ways == 3);
  if (way == 0) return visit(TileShape<0>{});
  if (way == 1) return visit(TileShape<1>{});
  return visit(TileShape<2>{});
}

bool fits_device(int way) {
  const int bytes = with_shape(way, [](auto shape) { return decltype(shape)::bytes; });
  return bytes <= device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
}

void run_way(const GemmProblem& problem, int way, void* stream) {
  TilesParameters p{{}, {}, {}, make_gemm_parameters(problem)};
  for (int f = 0; f < 2; ++f) p.loading[f] = tile_loading(p.gemm, p.gemm.factor[f]);
  with_shape(way, [&](auto shape) { launch_tiles<decltype(shape)>(p, stream); });
}

}  // namespace

template <int Way>
const char* refuse_gemm_tiles_by(const GemmProblem& problem) {
  if (problem.a.dtype != DType::f32 || problem.b.dtype != DType::f32 || problem.c.dtype != DType::f32)
    return "a, b and c are not all f32";
  if (!problem.is_general()) return "a triangular or symmetric factor";
  if (!problem.before->empty()) return "a chain before the product";
  if (problem.k == 0) return "there is nothing to sum";
  if (problem.k > gemm_tiles_longest) return "each warp's share of the sum is too long";
  if (gemm_tiles_tuning(Way).on_tensor_cores) {
    if (problem.k < split_least_depth) return "the bound leaves no room for split products";
    // What is not split exactly enough makes a whole tile be computed otherwise.
    if (problem.determinism == Determinism::batch_invariant) return "rows are to have the same bits in any batch";
  }
  if (!fits_device(Way)) return "the device has too little shared memory";
  return nullptr;
}

template <int Way>
void run_gemm_tiles_by(const GemmProblem& problem, const detail::Queue& queue) {
  run_way(problem, Way, queue.stream);
}

#define MYLOS_WAY(way)                                                \
  template const char* refuse_gemm_tiles_by<way>(const GemmProblem&); \
  template void run_gemm_tiles_by<way>(const GemmProblem&, const detail::Queue&);
MYLOS_WAY(0)
MYLOS_WAY(1)
MYLOS_WAY(2)
#undef MYLOS_WAY

GemmTilesChoice fastest_gemm_tiles(const GemmProblem& problem) {
  const GemmCost cost{static_cast<double>(device_attribute(cudaDevAttrMultiProcessorCount))};
  GemmTilesChoice best{0, 0};
  for (int way = 0; way < gemm_tiles_ways; ++way) {
    const double time = cost.tiles(way, problem.m, problem.n, problem.k, problem.batch.count);
    const bool may = !gemm_tiles_tuning(way).on_tensor_cores || problem.k >= split_least_depth;
    if (may && (best.time == 0 || time < best.time) && fits_device(way)) best = {way, time};
  }
  return best;
}

void run_gemm_tiles(const GemmProblem& problem, const detail::Queue& queue) {
  run_way(problem, fastest_gemm_tiles(problem).way, queue.stream);
}

}  // namespace mylos::cuda
