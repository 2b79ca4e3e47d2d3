// f32 products: from a problem to kernels and the memory they need.
#include "cuda/gemm.hpp"
#include "cuda/gemm_tensor.hpp"
#include "cuda/primitives/device.hpp"
#include "cuda/primitives/scratch.cuh"
#include "cuda/tuning.hpp"

namespace mylos::cuda {
namespace {

constexpr std::size_t alignment = 256;
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

const char* refuse_dtypes(const GemmProblem& problem) {
  if (problem.a.dtype != DType::f32 || problem.b.dtype != DType::f32 || problem.c.dtype != DType::f32)
    return "a, b and c are not all f32";
  return nullptr;
}

/// One unit where two would leave multiprocessors without a tile.
int units_for(const GemmParameters& gemm) {
  const GemmTiling large = make_tiling(gemm, tensor_tuning(2).rows());
  const GemmTiling small = make_tiling(gemm, tensor_tuning(1).rows());
  const std::int64_t blocks = device_attribute(cudaDevAttrMultiProcessorCount);
  const auto rounds = [blocks](const GemmTiling& tiling) { return (tiling.count + blocks - 1) / blocks; };
  // A small tile takes a little more than half the time.
  return rounds(small) * 11 < rounds(large) * 20 ? 1 : 2;
}

struct TensorPlan {
  TensorParameters parameters;
  int units;
  std::size_t bytes;

  explicit TensorPlan(const GemmProblem& problem) : parameters{make_gemm_parameters(problem), {}, {}, {}} {
    const GemmParameters& gemm = parameters.gemm;
    for (int f = 0; f < 2; ++f) parameters.halves[f] = plan_halves(problem, gemm, f);
    units = units_for(gemm);
    parameters.tiling = make_tiling(gemm, tensor_tuning(units).rows());
    bytes = aligned(sizeof(unsigned)) + aligned(tile_bytes()) + aligned(bits_bytes());
    for (const Halves& h : parameters.halves) bytes += aligned(h.bytes());
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
    for (Halves& h : parameters.halves) h.place(take(h.bytes()));
    parameters.rest.count = reinterpret_cast<unsigned*>(take(sizeof(unsigned)));
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

}  // namespace

const char* refuse_gemm_tensor(const GemmProblem& problem) {
  if (const char* reason = refuse_dtypes(problem)) return reason;
  if (problem.precision != Precision::standard) return "less than f32 accuracy is asked for";
  if (problem.k == 0) return "there is nothing to sum";
  if (!problem.is_general() && !problem.before->empty()) return "a chain before a triangle";
  if (!has_tensor_kernel()) return "the device is no sm_90a, or the library was not built for it";
  return nullptr;
}

std::size_t gemm_tensor_workspace(const GemmProblem& problem) { return TensorPlan(problem).bytes; }

void run_gemm_tensor(const GemmProblem& problem, const detail::Queue& queue) {
  TensorPlan plan(problem);
  const Scratch scratch(queue.stream, plan.bytes);
  plan.place(scratch.data());
  const TensorParameters& p = plan.parameters;
  split_factors(p.gemm, p.halves, {true, true}, p.rest.count, queue.stream);
  if (plan.units == 2)
    launch_units<2>(p, queue.stream);
  else
    launch_units<1>(p, queue.stream);
  // Which of the two ways an element is computed in must not depend on others.
  launch_plain(p, true, problem.determinism != Determinism::batch_invariant, queue.stream);
}

const char* refuse_gemm_plain(const GemmProblem& problem) { return refuse_dtypes(problem); }

void run_gemm_plain(const GemmProblem& problem, const detail::Queue& queue) {
  TensorParameters p{make_gemm_parameters(problem), {}, {}, {}};
  p.tiling = make_tiling(p.gemm, 64);
  launch_plain(p, false, false, queue.stream);
}

}  // namespace mylos::cuda
