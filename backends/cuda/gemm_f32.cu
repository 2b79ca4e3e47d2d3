// f32 products: from a problem to kernels and the memory they need.
#include "cuda/gemm.hpp"

#include <algorithm>

#include "cuda/gemm_cost.hpp"
#include "cuda/gemm_direct.hpp"
#include "cuda/gemm_overlap.hpp"
#include "cuda/gemm_passes.hpp"
#include "cuda/gemm_tensor.hpp"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"
#include "gemm/candidates.hpp"

namespace mylos::cuda {
namespace {

constexpr std::size_t alignment = 256;
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

const char* refuse_dtypes(const GemmProblem& problem) {
  if (problem.a.dtype != DType::f32 || problem.b.dtype != DType::f32 || problem.c.dtype != DType::f32)
    return "a, b and c are not all f32";
  return nullptr;
}

GemmCost device_cost() { return {static_cast<double>(device_attribute(cudaDevAttrMultiProcessorCount))}; }

/// Of each slice but the last, which may be shorter.
std::int64_t slice_depth(std::int64_t k, std::int64_t slices) {
  const std::int64_t blocks = (k + halves_depth - 1) / halves_depth;
  return slices == 1 ? k : (blocks + slices - 1) / slices * halves_depth;
}

/// b as the preparation left it, if it is one matrix.
bool takes_prepared(const GemmProblem& problem, const Halves& b) {
  return problem.prepared_b != nullptr && b.matrices == 1 && problem.b.structure == MatrixStructure::general;
}

/// A factor as halves that are to be made or, of a prepared b, are there.
struct PlannedHalves {
  Halves halves[2];
  bool is_split[2];

  PlannedHalves(const GemmProblem& problem, const GemmParameters& gemm)
      : halves{plan_halves(problem, gemm, 0), plan_halves(problem, gemm, 1)} {
    for (int f = 0; f < 2; ++f) is_split[f] = gemm.factor[f].is_a || !takes_prepared(problem, halves[f]);
  }
};

const char* refuse_way(const GemmProblem& problem, TensorWay way) {
  if (way == TensorWay::shallow && problem.k > halves_depth) return "there is more than one block of k";
  if (way != TensorWay::direct && way != TensorWay::overlap) return nullptr;
  if (!problem.is_general()) return "a triangular or symmetric factor";
  if (!problem.before->empty()) return "a chain before the product";
  if (way == TensorWay::direct && problem.determinism == Determinism::batch_invariant)
    return "rows are to have the same bits in any batch";
  return nullptr;
}

/// Way, units of a tile, and how K is sliced, that take least time. Slices would show in a row's bits.
struct TensorShape {
  TensorWay way;
  int units;
  std::int64_t slices;
  double time;

  int tile_rows() const { return tensor_tuning(units).rows(); }
  std::int64_t group_rows() const { return way == TensorWay::shallow ? tile_rows() : tensor_group_rows; }
};

bool is_vectors(DirectLoading loading) {
  return loading == DirectLoading::vectors_along_depth || loading == DirectLoading::vectors_along_rows;
}

/// Whether the rows of c are vectors: where they are not, short sums are no faster than others.
bool has_vectors(const GemmParameters& gemm) {
  bool aligned = gemm.c_column == 1 && gemm.c_row % 4 == 0 && gemm.factor[1].rows % 4 == 0 &&
                 reinterpret_cast<std::uintptr_t>(gemm.c) % 16 == 0;
  for (int d = 0; d < gemm.batch.rank; ++d) aligned = aligned && gemm.c_batch[d] % 4 == 0;
  return aligned;
}

TensorShape best_shape(const GemmProblem& problem, const GemmParameters& gemm, TensorWay way) {
  const GemmCost cost = device_cost();
  const bool may_slice = problem.is_general() && problem.determinism == Determinism::run_to_run &&
                         problem.before->operand_count() == 0 && problem.batch.rank < max_rank;
  const PlannedHalves planned(problem, gemm);
  double split_elements = 0;
  for (int f = 0; f < 2; ++f)
    if (planned.is_split[f]) split_elements += static_cast<double>(planned.halves[f].bytes()) / 4;
  const double split = cost.split(split_elements);
  const bool is_prepared = !planned.is_split[0] || !planned.is_split[1];
  const DirectLoading loading[2] = {direct_loading(gemm, 0), direct_loading(gemm, 1)};
  // One matrix is as fast either way (4096^3 on H200: 0.73 ms).
  const bool may_overlap = gemm.batches > 1 && refuse_overlap(gemm, planned.halves, planned.is_split) == nullptr;
  const auto may = [&](TensorWay one) {
    if (way != TensorWay::fastest) return way == one;
    if (one == TensorWay::shallow && !has_vectors(gemm)) return false;
    if (one == TensorWay::direct && (is_prepared || !is_vectors(loading[0]) || !is_vectors(loading[1]))) return false;
    if (one == TensorWay::overlap && !may_overlap) return false;
    return refuse_way(problem, one) == nullptr;
  };
  const double elements = static_cast<double>(problem.m * problem.n * problem.batch.count);
  TensorShape best{TensorWay::split, 2, 1, 0};
  const bool any_along_rows = is_along_rows(loading[0]) || is_along_rows(loading[1]);
  const bool is_ragged = problem.m % 128 != 0 || problem.n % 128 != 0;
  const auto offer = [&](const TensorShape& shape) {
    if (may(shape.way) && (best.time == 0 || shape.time < best.time)) best = shape;
  };
  for (int units = 2; units >= 1; --units) {
    const GemmTiling tiling = make_tiling(gemm, tensor_tuning(units).rows(), tensor_group_rows);
    const auto most = static_cast<std::int64_t>(cost.multiprocessors) / tiling.count;
    for (std::int64_t slices = 1; slices == 1 || (may_slice && slices <= most); ++slices) {
      if (slices > 1 && problem.k / slices < gemm_slice_depth) break;
      const std::int64_t depth = slice_depth(problem.k, slices);
      const std::int64_t count = (problem.k + depth - 1) / depth;
      const double combine = cost.combine(elements, count);
      offer({TensorWay::split, units, count, split + cost.tensor(tiling, depth, count) + combine});
      if (slices == 1) offer({TensorWay::overlap, units, 1, cost.overlap(tiling, problem.k, split_elements)});
      if (units == 1)
        offer(
            {TensorWay::direct, units, count, cost.direct(tiling, depth, count, any_along_rows, is_ragged) + combine});
    }
  }
  offer({TensorWay::shallow, 1, 1, split + cost.shallow(elements)});
  best.time += gemm_cost_tuning().launches;
  return best;
}

/// Whatever best_shape() may find takes longer.
constexpr double least_tensor_time() { return gemm_cost_tuning().launches + gemm_cost_tuning().tile[0]; }

/// Of a, b and c.
double elements_of(const GemmProblem& problem) {
  const auto count = [](std::int64_t x, std::int64_t y) { return static_cast<double>(x) * static_cast<double>(y); };
  return (count(problem.m, problem.k) + count(problem.k, problem.n) + count(problem.m, problem.n)) *
         static_cast<double>(problem.batch.count);
}

/// By cuBLAS.
double vendor_time(const GemmProblem& problem) {
  const GemmCost cost = device_cost();
  const double results =
      static_cast<double>(problem.m) * static_cast<double>(problem.n) * static_cast<double>(problem.batch.count);
  const double time =
      cost.vendor(results, static_cast<double>(problem.k), elements_of(problem), problem.m == 1 || problem.n == 1);
  return problem.after->empty() ? time : time + cost.vendor_pass(results);
}

struct TensorPlan {
  TensorParameters parameters;
  TensorShape shape;
  bool is_split[2];
  std::size_t counters = 2;
  std::size_t bytes;

  /// `k`: of all slices.
  TensorPlan(const GemmProblem& problem, const TensorShape& shape_, std::int64_t k)
      : parameters{make_gemm_parameters(problem), {}, {}, {}, nullptr, {}}, shape(shape_) {
    GemmParameters& gemm = parameters.gemm;
    gemm.k_total = k;
    gemm.slice_batches = gemm.batches / shape.slices;
    parameters.tiling = make_tiling(gemm, shape.tile_rows(), shape.group_rows());
    const PlannedHalves planned(problem, gemm);
    bytes = 0;
    for (int f = 0; f < 2; ++f) {
      Halves& h = parameters.halves[f];
      h = planned.halves[f];
      const bool is_halved = shape.way != TensorWay::direct;
      is_split[f] = is_halved && planned.is_split[f];
      if (is_split[f])
        bytes += aligned(h.bytes());
      else if (is_halved)
        h.place(const_cast<void*>(problem.prepared_b));
    }
    if (shape.way == TensorWay::overlap) counters += overlap_counters(parameters, is_split);
    bytes += aligned(counter_bytes()) + aligned(tile_bytes()) + aligned(bits_bytes());
  }
  std::size_t counter_bytes() const { return counters * sizeof(unsigned); }
  std::size_t tile_bytes() const { return static_cast<std::size_t>(parameters.tiling.count) * sizeof(unsigned); }
  std::size_t bits_bytes() const { return tile_bytes() * static_cast<std::size_t>(parameters.tiling.tile_rows) * 4; }
  void place(void* memory) {
    auto* at = static_cast<unsigned char*>(memory);
    const auto take = [&at](std::size_t count) {
      unsigned char* const begin = at;
      at += aligned(count);
      return begin;
    };
    for (int f = 0; f < 2; ++f)
      if (is_split[f]) parameters.halves[f].place(take(parameters.halves[f].bytes()));
    parameters.rest.count = reinterpret_cast<unsigned*>(take(counter_bytes()));
    parameters.next_tile = parameters.rest.count + 1;
    parameters.rest.tile = reinterpret_cast<unsigned*>(take(tile_bytes()));
    parameters.rest.bits = reinterpret_cast<unsigned*>(take(bits_bytes()));
  }
};

void launch_products(const TensorParameters& parameters, int units, void* stream) {
  const bool is_chained = parameters.gemm.after.size != 0;
  if (units == 2)
    is_chained ? launch_tensor<2, true>(parameters, stream) : launch_tensor<2, false>(parameters, stream);
  else
    is_chained ? launch_tensor<1, true>(parameters, stream) : launch_tensor<1, false>(parameters, stream);
}

/// `k`: of all slices, which are the slowest part of the batch.
void run_whole(const GemmProblem& problem, const TensorShape& shape, std::int64_t k, const detail::Queue& queue) {
  TensorPlan plan(problem, shape, k);
  const Scratch scratch(queue.stream, plan.bytes);
  plan.place(scratch.data());
  TensorParameters& p = plan.parameters;
  if (shape.way == TensorWay::direct || shape.way == TensorWay::overlap) {
    MYLOS_CUDA_CHECK(cudaMemsetAsync(p.rest.count, 0, plan.counter_bytes(), static_cast<cudaStream_t>(queue.stream)));
    if (shape.way == TensorWay::direct) {
      launch_direct(make_direct(p), queue.stream);
    } else {
      split_beside(p, plan.is_split, p.next_tile + 1, queue.stream);
      launch_products(p, shape.units, queue.stream);
    }
  } else {
    split_factors(p.gemm, p.halves, plan.is_split, p.rest.count, queue.stream);
    if (shape.way == TensorWay::shallow)
      launch_shallow(p, queue.stream);
    else
      launch_products(p, shape.units, queue.stream);
  }
  // Which of the two ways an element is computed in must not depend on others.
  launch_plain(p, true, problem.determinism != Determinism::batch_invariant, queue.stream);
}

/// K cut into slices, which are a batch, the last one shorter than the others where it must be; their results, to be
/// added up.
struct Slices {
  GemmProblem all;
  Chain none;
  std::int64_t count;
  std::int64_t step;  // elements of a partial result

  Slices(const GemmProblem& problem, std::int64_t slices)
      : all(problem), count(slices), step(problem.m * problem.n * problem.batch.count) {
    const std::int64_t depth = slice_depth(problem.k, slices);
    all.alpha = 1;
    all.beta = 0;
    all.after = &none;
    all.prepared_b = nullptr;
    all.c.row = problem.n;
    all.c.column = 1;
    std::int64_t matrix = problem.m * problem.n;
    for (int d = problem.batch.rank - 1; d >= 0; --d) {
      all.c.batch.stride[d] = matrix;
      matrix *= problem.batch.extent[d];
    }
    all.k = depth;
    push_front(all.batch, count);
    push_front(all.a.batch, depth * problem.a.column);
    push_front(all.b.batch, depth * problem.b.row);
    push_front(all.c.batch, step);
  }
  Slices(const Slices&) = delete;
  Slices& operator=(const Slices&) = delete;

  std::size_t bytes() const { return static_cast<std::size_t>(count * step) * sizeof(float); }
  /// The first of them.
  detail::GemmMatrix partial(const GemmProblem& problem) const {
    detail::GemmMatrix c = problem.c;
    c.data = all.c.data;
    c.row = all.c.row;
    c.column = all.c.column;
    for (int d = 0; d + 1 < max_rank; ++d) c.batch.stride[d] = all.c.batch.stride[d + 1];
    return c;
  }

 private:
  static void push_front(detail::Strides& strides, std::int64_t first) {
    for (int d = max_rank - 1; d > 0; --d) strides.stride[d] = strides.stride[d - 1];
    strides.stride[0] = first;
  }
  static void push_front(detail::Box& box, std::int64_t first) {
    for (int d = max_rank - 1; d > 0; --d) box.extent[d] = box.extent[d - 1];
    box.extent[0] = first;
    box.rank += 1;
    box.count *= first;
  }
};

/// b alone.
std::int64_t prepared_bytes(const GemmProblem& problem) {
  const bool takes = problem.b.dtype == DType::f32 && problem.b.structure == MatrixStructure::general &&
                     problem.batch.count == 1 && problem.k > 0 && has_tensor_kernel();
  if (!takes) return 0;
  const GemmParameters gemm = make_gemm_parameters(problem);
  return static_cast<std::int64_t>(plan_halves(problem, gemm, gemm.factor[0].is_a ? 1 : 0).bytes());
}

void prepare(const GemmProblem& problem, void* prepared, const detail::Queue& queue) {
  const GemmParameters gemm = make_gemm_parameters(problem);
  const int b = gemm.factor[0].is_a ? 1 : 0;
  Halves halves[2] = {};
  halves[b] = plan_halves(problem, gemm, b);
  halves[b].place(prepared);
  split_factors(gemm, halves, {b == 0, b == 1}, nullptr, queue.stream);
}

}  // namespace

template <TensorWay Way>
const char* refuse_gemm_tensor(const GemmProblem& problem) {
  if (const char* reason = refuse_dtypes(problem)) return reason;
  if (problem.precision != Precision::standard) return "less than f32 accuracy is asked for";
  if (problem.k == 0) return "there is nothing to sum";
  if (!problem.is_general() && !problem.before->empty()) return "a chain before a triangle";
  if (!has_tensor_kernel()) return "the device is no sm_90a, or the library was not built for it";
  if (const char* reason = refuse_way(problem, Way)) return reason;
  if (Way != TensorWay::overlap) return nullptr;
  const GemmParameters gemm = make_gemm_parameters(problem);
  const PlannedHalves planned(problem, gemm);
  return refuse_overlap(gemm, planned.halves, planned.is_split);
}

template <TensorWay Way>
std::size_t gemm_tensor_workspace(const GemmProblem& problem) {
  const TensorShape shape = best_shape(problem, make_gemm_parameters(problem), Way);
  if (shape.slices == 1) return TensorPlan(problem, shape, problem.k).bytes;
  const Slices slices(problem, shape.slices);
  return slices.bytes() + TensorPlan(slices.all, shape, problem.k).bytes;
}

template <TensorWay Way>
void run_gemm_tensor(const GemmProblem& problem, const detail::Queue& queue) {
  const TensorShape shape = best_shape(problem, make_gemm_parameters(problem), Way);
  if (shape.slices == 1) return run_whole(problem, shape, problem.k, queue);
  Slices slices(problem, shape.slices);
  const Scratch scratch(queue.stream, slices.bytes());
  slices.all.c.data = scratch.data();
  run_whole(slices.all, shape, problem.k, queue);
  pass_after(problem, slices.partial(problem), {slices.count, slices.step}, problem.alpha, problem.beta, queue.stream);
}

#define MYLOS_WAY(way)                                                                     \
  template const char* refuse_gemm_tensor<TensorWay::way>(const GemmProblem&);             \
  template void run_gemm_tensor<TensorWay::way>(const GemmProblem&, const detail::Queue&); \
  template std::size_t gemm_tensor_workspace<TensorWay::way>(const GemmProblem&);
MYLOS_WAY(fastest)
MYLOS_WAY(split)
MYLOS_WAY(shallow)
MYLOS_WAY(overlap)
MYLOS_WAY(direct)
#undef MYLOS_WAY

const char* refuse_gemm_small(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_vendor(problem)) return reason;
  if (const char* reason = refuse_gemm_tensor<TensorWay::fastest>(problem)) return reason;
  const double time = vendor_time(problem);
  if (time <= least_tensor_time()) return nullptr;
  return time < best_shape(problem, make_gemm_parameters(problem), TensorWay::fastest).time
             ? nullptr
             : "tensor cores are faster at this size";
}

const char* refuse_gemm_skinny(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_any_skinny(problem)) return reason;
  const GemmCost cost = device_cost();
  const double elements = elements_of(problem);
  const double time = cost.skinny(static_cast<double>(std::min(problem.m, problem.n) * problem.k), elements);
  if (fastest_gemm_tiles(problem).time <= time) return "tiles are faster at this size";
  if (refuse_gemm_vendor(problem) == nullptr && cost.vendor_narrow(elements) <= time)
    return "cuBLAS is faster at this size";
  return nullptr;  // the passes on tensor cores move more memory
}

const char* refuse_gemm_tiles(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_tiles_by<0>(problem)) return reason;
  if (problem.determinism == Determinism::batch_invariant) return "rows are to have the same bits in any batch";
  const double time = fastest_gemm_tiles(problem).time;
  if (time <= gemm_cost_tuning().vendor_vector_launch) return nullptr;  // whatever cuBLAS does
  if (refuse_gemm_vendor(problem) == nullptr && vendor_time(problem) <= time) return "cuBLAS is faster at this size";
  const bool may_be_slow = time > least_tensor_time() && refuse_gemm_tensor<TensorWay::fastest>(problem) == nullptr;
  if (may_be_slow && best_shape(problem, make_gemm_parameters(problem), TensorWay::fastest).time <= time)
    return "tensor cores are faster at this size";
  return nullptr;
}

detail::GemmPreparation gemm_preparation() { return {prepared_bytes, prepare}; }

const char* refuse_gemm_plain(const GemmProblem& problem) { return refuse_dtypes(problem); }

void run_gemm_plain(const GemmProblem& problem, const detail::Queue& queue) {
  TensorParameters p{make_gemm_parameters(problem), {}, {}, {}, nullptr, {}};
  p.tiling = make_tiling(p.gemm, 64, tensor_group_rows);
  launch_plain(p, false, false, queue.stream);
}

}  // namespace mylos::cuda
