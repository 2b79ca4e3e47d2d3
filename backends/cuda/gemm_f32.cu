// f32 products: from a problem to kernels and the memory they need.
#include "cuda/gemm.hpp"
#include "cuda/gemm_cost.hpp"
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

GemmCost cost() { return {static_cast<double>(device_attribute(cudaDevAttrMultiProcessorCount))}; }

/// All of K, or of each slice but a last, shorter one.
std::int64_t slice_depth(std::int64_t k, std::int64_t slices) {
  return slices == 1 ? k : k / slices / halves_depth * halves_depth;
}

/// Units of a tile, and how K is sliced, that take least time. Slices would show in a row's bits.
struct TensorShape {
  int units;
  std::int64_t slices;
  double time;
};
TensorShape best_shape(const GemmProblem& problem, const GemmParameters& gemm) {
  const bool may_slice = problem.is_general() && problem.determinism == Determinism::run_to_run &&
                         problem.before->operand_count() == 0 && problem.batch.rank < max_rank;
  const double elements = static_cast<double>(problem.m * problem.n * problem.batch.count);
  TensorShape best{2, 1, 0};
  for (int units = 2; units >= 1; --units) {
    const GemmTiling tiling = make_tiling(gemm, tensor_tuning(units).rows());
    const auto most = static_cast<std::int64_t>(cost().multiprocessors) / tiling.count;
    for (std::int64_t slices = 1; slices == 1 || (may_slice && slices <= most); ++slices) {
      if (slices > 1 && problem.k / slices < gemm_slice_depth) break;
      const std::int64_t depth = slice_depth(problem.k, slices);
      const std::int64_t rest = problem.k - slices * depth;
      double time = cost().tensor(tiling, depth, slices) + cost().combine(elements, slices);
      if (rest != 0) time += gemm_cost_tuning().launches + cost().tensor(tiling, rest, 1);
      if (best.time == 0 || time < best.time) best = {units, slices, time};
    }
  }
  return best;
}

/// b as the preparation left it, if it is one matrix.
bool takes_prepared(const GemmProblem& problem, const Halves& b) {
  return problem.prepared_b != nullptr && b.matrices == 1 && problem.b.structure == MatrixStructure::general;
}

struct TensorPlan {
  TensorParameters parameters;
  TensorShape shape;
  bool is_split[2];
  std::size_t bytes;

  explicit TensorPlan(const GemmProblem& problem) : parameters{make_gemm_parameters(problem), {}, {}, {}, nullptr} {
    const GemmParameters& gemm = parameters.gemm;
    shape = best_shape(problem, gemm);
    parameters.tiling = make_tiling(gemm, tensor_tuning(shape.units).rows());
    bytes = aligned(2 * sizeof(unsigned)) + aligned(tile_bytes()) + aligned(bits_bytes());
    for (int f = 0; f < 2; ++f) {
      Halves& h = parameters.halves[f];
      h = plan_halves(problem, gemm, f);
      is_split[f] = gemm.factor[f].is_a || !takes_prepared(problem, h);
      if (is_split[f])
        bytes += aligned(h.bytes());
      else
        h.place(const_cast<void*>(problem.prepared_b));
    }
  }
  /// Of all kernels.
  double time() const {
    double split = 0;
    for (int f = 0; f < 2; ++f)
      if (is_split[f]) split += static_cast<double>(parameters.halves[f].bytes()) / 4;
    return gemm_cost_tuning().launches + shape.time + cost().split(split);
  }
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
    parameters.rest.count = reinterpret_cast<unsigned*>(take(2 * sizeof(unsigned)));
    parameters.next_tile = parameters.rest.count + 1;
    parameters.rest.tile = reinterpret_cast<unsigned*>(take(tile_bytes()));
    parameters.rest.bits = reinterpret_cast<unsigned*>(take(bits_bytes()));
  }
};

template <int Units>
void launch_units(const TensorParameters& parameters, void* stream) {
  if (parameters.gemm.after.size != 0)
    launch_tensor<Units, true>(parameters, stream);
  else
    launch_tensor<Units, false>(parameters, stream);
}

/// All of K at once, or as many slices side by side as the batch has.
void run_whole(const GemmProblem& problem, const detail::Queue& queue) {
  TensorPlan plan(problem);
  const Scratch scratch(queue.stream, plan.bytes);
  plan.place(scratch.data());
  const TensorParameters& p = plan.parameters;
  split_factors(p.gemm, p.halves, plan.is_split, p.rest.count, queue.stream);
  if (plan.shape.units == 2)
    launch_units<2>(p, queue.stream);
  else
    launch_units<1>(p, queue.stream);
  // Which of the two ways an element is computed in must not depend on others.
  launch_plain(p, true, problem.determinism != Determinism::batch_invariant, queue.stream);
}

/// K cut into slices of the same depth, which are a batch, and what is left over; their results, to be added up.
struct Slices {
  GemmProblem full;
  GemmProblem rest;
  Chain none;
  std::int64_t step;  // elements of a partial result

  Slices(const GemmProblem& problem, std::int64_t slices)
      : full(problem), rest(problem), step(problem.m * problem.n * problem.batch.count) {
    const std::int64_t depth = slice_depth(problem.k, slices);
    const std::int64_t count = slices;
    for (GemmProblem* p : {&full, &rest}) {
      p->alpha = 1;
      p->beta = 0;
      p->after = &none;
      p->prepared_b = nullptr;
      p->c.row = problem.n;
      p->c.column = 1;
      std::int64_t matrix = problem.m * problem.n;
      for (int d = problem.batch.rank - 1; d >= 0; --d) {
        p->c.batch.stride[d] = matrix;
        matrix *= problem.batch.extent[d];
      }
    }
    full.k = depth;
    push_front(full.batch, count);
    push_front(full.a.batch, depth * problem.a.column);
    push_front(full.b.batch, depth * problem.b.row);
    push_front(full.c.batch, step);
    rest.k = problem.k - count * depth;
    rest.a.data = static_cast<float*>(problem.a.data) + count * depth * problem.a.column;
    rest.b.data = static_cast<float*>(problem.b.data) + count * depth * problem.b.row;
  }
  Slices(const Slices&) = delete;
  Slices& operator=(const Slices&) = delete;

  std::int64_t count() const { return full.batch.extent[0] + (rest.k == 0 ? 0 : 1); }
  std::size_t bytes() const { return static_cast<std::size_t>(count() * step) * sizeof(float); }
  void place(void* memory) {
    full.c.data = memory;
    rest.c.data = static_cast<float*>(memory) + full.batch.extent[0] * step;
  }
  /// The first of them.
  detail::GemmMatrix partial() const {
    detail::GemmMatrix c = rest.c;
    c.data = full.c.data;
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

const char* refuse_gemm_tensor(const GemmProblem& problem) {
  if (const char* reason = refuse_dtypes(problem)) return reason;
  if (problem.precision != Precision::standard) return "less than f32 accuracy is asked for";
  if (problem.k == 0) return "there is nothing to sum";
  if (!problem.is_general() && !problem.before->empty()) return "a chain before a triangle";
  if (!has_tensor_kernel()) return "the device is no sm_90a, or the library was not built for it";
  return nullptr;
}

const char* refuse_gemm_small(const GemmProblem& problem) {
  if (const char* reason = refuse_gemm_vendor(problem)) return reason;
  if (const char* reason = refuse_gemm_tensor(problem)) return reason;
  const double batches = static_cast<double>(problem.batch.count);
  const auto count = [batches](std::int64_t x, std::int64_t y) {
    return static_cast<double>(x) * static_cast<double>(y) * batches;
  };
  const double moved = count(problem.m, problem.k) + count(problem.k, problem.n) + count(problem.m, problem.n);
  double vendor = cost().vendor(count(problem.m, problem.n) * static_cast<double>(problem.k), moved);
  if (!problem.after->empty()) vendor += cost().combine(count(problem.m, problem.n), 2);
  return vendor < TensorPlan(problem).time() ? nullptr : "tensor cores are faster at this size";
}

std::size_t gemm_tensor_workspace(const GemmProblem& problem) {
  const TensorPlan plan(problem);
  if (plan.shape.slices == 1) return plan.bytes;
  const Slices slices(problem, plan.shape.slices);
  return slices.bytes() + TensorPlan(slices.full).bytes + (slices.rest.k == 0 ? 0 : TensorPlan(slices.rest).bytes);
}

void run_gemm_tensor(const GemmProblem& problem, const detail::Queue& queue) {
  const std::int64_t count = best_shape(problem, make_gemm_parameters(problem)).slices;
  if (count == 1) return run_whole(problem, queue);
  Slices slices(problem, count);
  const Scratch scratch(queue.stream, slices.bytes());
  slices.place(scratch.data());
  run_whole(slices.full, queue);
  if (slices.rest.k != 0) run_whole(slices.rest, queue);
  pass_after(problem, slices.partial(), {slices.count(), slices.step}, problem.alpha, problem.beta, queue.stream);
}

detail::GemmPreparation gemm_preparation() { return {prepared_bytes, prepare}; }

const char* refuse_gemm_plain(const GemmProblem& problem) { return refuse_dtypes(problem); }

void run_gemm_plain(const GemmProblem& problem, const detail::Queue& queue) {
  TensorParameters p{make_gemm_parameters(problem), {}, {}, {}, nullptr};
  p.tiling = make_tiling(p.gemm, 64);
  launch_plain(p, false, false, queue.stream);
}

}  // namespace mylos::cuda
