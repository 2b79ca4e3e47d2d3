// Local response normalisation on NVIDIA GPUs: which form serves which problem.
#include "cuda/row_local_response.cuh"

#include <iterator>

#include "cuda/row_local_response_across.cuh"
#include "cuda/row_local_response_along.cuh"

namespace mylos::cuda {
namespace {

/// Rows of windows that are summed together: of windows one shorter than that, at least.
constexpr int long_step = 4;
constexpr int short_step = 2;

std::int64_t window_of(const LocalResponseProblem& p) { return window_before(p) + 1 + window_behind(p); }

const char* refuse_across(const LocalResponseProblem& p) {
  if (p.x.dtype != p.y.dtype) return "x and y differ in dtype";
  const int last = p.rows.rank - 1;
  if (last < 0 || p.x.strides.stride[last] != 1 || p.y.strides.stride[last] != 1)
    return "neighbouring rows are not one element apart";
  if (ring_slots(window_of(p), long_step) > 64) return "a window is longer than a thread's ring";
  return nullptr;
}

const char* refuse_along(const LocalResponseProblem& p) {
  if (p.x.dtype != p.y.dtype) return "x and y differ in dtype";
  if (p.channels > 1 && (p.channel_stride_x != 1 || p.channel_stride_y != 1))
    return "a row's channels are not one element apart";
  const TileShape shape = tile_shape(p);
  const std::int64_t value = p.computes_in_f64() ? sizeof(double) : sizeof(float);
  if (shape.rows * shape.pitch * value * 3 / 2 > 2 * response_tuning().ring_bytes)
    return "shared memory does not hold the windows";
  return nullptr;
}

/// Calls run(element, step) with objects of the storage type and of the number of windows.
template <class Run>
void with_instance(const LocalResponseProblem& p, const Run& run) {
  const auto with_step = [&](auto element) {
    if (window_of(p) >= long_step - 1) return run(element, std::integral_constant<int, long_step>());
    run(element, std::integral_constant<int, short_step>());
  };
  switch (p.x.dtype) {
    case DType::f64:
      return with_step(double());
    case DType::f32:
      return with_step(float());
    case DType::f16:
      return with_step(half());
    default:
      return with_step(bfloat16());
  }
}

void run_across(const LocalResponseProblem& problem, const detail::Queue& queue) {
  with_instance(problem, [&](auto element, auto step) {
    launch_across<decltype(element), decltype(step)::value>(problem, queue.stream);
  });
}
void run_along(const LocalResponseProblem& problem, const detail::Queue& queue) {
  with_instance(problem, [&](auto element, auto step) {
    launch_along<decltype(element), decltype(step)::value>(problem, queue.stream);
  });
}

constexpr detail::Candidate<LocalResponseProblem> list[] = {
    {"cuda/across", refuse_across, run_across},
    {"cuda/along", refuse_along, run_along},
};

}  // namespace

detail::CandidateList<LocalResponseProblem> local_response_candidates() {
  return {list, static_cast<int>(std::size(list))};
}

}  // namespace mylos::cuda
