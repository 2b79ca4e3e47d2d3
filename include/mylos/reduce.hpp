// Reductions along any axes: the `reduce` skeleton. The table is reductions.def and docs/operators.md.
//
//   mylos::sum(exec, x, y);                                  // all of x, to a View of rank 0
//   mylos::mean(exec, x, y, {0, 2});                         // along two axes
//   mylos::var(exec, x, y, -1, 0);                           // correction 0
//   mylos::sum(exec, x, y, 1, mylos::square());              // of squares: `before` is applied to x as it is read
//   mylos::sum(exec, x, y, 1, {}, mylos::sqrt());            // `after`, to each result as it is written
//   double total = mylos::sum(exec, x);                      // to the host: waits for the instance (fences)
//
// Shape: x of rank 0 to 8, any layout. y has x's extents without the axes, or with extent 1 along them; no axes given
// means all of them, and y then has rank 0. Operands of `before` broadcast to x, those of `after` to y.
// dtype: x of any. Values (sum, mean, prod, amax, amin, logsumexp, norm, var, stddev, moments): y f64, f32, f16 or
// bf16. sum, prod, amax, amin and their indices of integers may go to integers (sums and products wrap in 64 bits): y
// i64, i32 or u8, chains empty. argmax, argmin and the indices: i64 or i32, positions along the axis, or in the
// flattened axes (in their row-major order) where there are several. count_nonzero: i64 or i32. all, any: u8 (bool).
// Computed in f64 where x or y is f64, in 64-bit integers as said, else in f32. Sums of f32 are kept in f64 over groups
// of four values, sums of f64 in two doubles: the error does not grow with length (docs/numerics.md). Bounds: the
// table. No axis of extent 0 for amax, amin, argmax, argmin and norm with p = inf, -inf; elsewhere results as in
// PyTorch. Aliasing: y overlaps neither x nor an operand. Scratch memory, where a long axis is cut in pieces, is
// ordered with the instance's work. Throws mylos::Error before anything is launched: axes that do not exist or are
// given twice, extents, dtypes, memory that the execution space cannot reach, overlap. Asynchronous on the given
// instance; no fence (but where said); safe in a graph capture; the same bits in every run, and for a result whatever
// the number of results beside it.
#pragma once

#include <mylos/axes.hpp>
#include <mylos/chain.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// The reductions of reductions.def, and those with two outputs.
enum class ReductionId : std::uint8_t {
#define MYLOS_REDUCTION(name, ...) name,
#include <mylos/reductions.def>
  amax_argmax,
  amin_argmin,
  moments
};

namespace detail {

/// `second` has no data where there is one output; p: the table's parameter.
void reduce(ReductionId id, const char* function, const Execution& exec, const Tensor& x, const Tensor& y,
            const Tensor& second, const Axes& axes, double p, const Chain& before, const Chain& after);

// What a result becomes on the host, and the dtype it has before that.
enum class ResultKind : std::uint8_t { value, index, count, logical };
template <ResultKind K>
using HostResult = std::conditional_t<K == ResultKind::value, double,
                                      std::conditional_t<K == ResultKind::logical, bool, std::int64_t>>;

/// Reduces all of x and waits for the result.
template <ResultKind K, class Exec>
HostResult<K> reduce_to_host(ReductionId id, const char* function, const Exec& exec, const Tensor& x, double p,
                             const Chain& before, const Chain& after) {
  const Kokkos::View<std::int64_t, typename Exec::memory_space> storage(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "mylos::result"));
  Tensor y = storage;
  if constexpr (K == ResultKind::value) y.dtype = is_floating(x.dtype) ? x.dtype : DType::f64;
  if constexpr (K == ResultKind::logical) y.dtype = DType::u8;
  reduce(id, function, Execution(exec), x, y, Tensor(), Axes(), p, before, after);
  std::int64_t bits = 0;
  Kokkos::deep_copy(exec, bits, storage);
  exec.fence("mylos: a reduction's result is awaited");
  const auto as = [&bits](auto value) {
    __builtin_memcpy(static_cast<void*>(&value), &bits, sizeof(value));
    return value;
  };
  if constexpr (K == ResultKind::logical) return as(std::uint8_t()) != 0;
  if constexpr (K != ResultKind::value && K != ResultKind::logical) return bits;
  switch (y.dtype) {
    case DType::f64:
      return static_cast<HostResult<K>>(as(double()));
    case DType::f32:
      return static_cast<HostResult<K>>(as(float()));
    case DType::f16:
      return static_cast<HostResult<K>>(static_cast<float>(as(half())));
    default:
      return static_cast<HostResult<K>>(static_cast<float>(as(bfloat16())));
  }
}

}  // namespace detail

// name(exec, x, y, axes, parameter, before, after), and name(exec, x, parameter, before, after), which reduces all of
// x, waits for the instance and returns the result.
#define MYLOS_REDUCTION(name, result, ...)                                                                          \
  template <class Exec>                                                                                             \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = {}, const Chain& before = {},       \
            const Chain& after = {}) {                                                                              \
    detail::reduce(ReductionId::name, #name, detail::Execution(exec), x, y, Tensor(), axes, 0, before, after);      \
  }                                                                                                                 \
  template <class Exec>                                                                                             \
  detail::HostResult<detail::ResultKind::result> name(const Exec& exec, Input<Exec> x, const Chain& before = {},    \
                                                      const Chain& after = {}) {                                    \
    return detail::reduce_to_host<detail::ResultKind::result>(ReductionId::name, #name, exec, x, 0, before, after); \
  }
#define MYLOS_REDUCTION_1(name, p, dp, result, ...)                                                                 \
  template <class Exec>                                                                                             \
  void name(const Exec& exec, Input<Exec> x, Output<Exec> y, const Axes& axes = {}, double p = dp,                  \
            const Chain& before = {}, const Chain& after = {}) {                                                    \
    detail::reduce(ReductionId::name, #name, detail::Execution(exec), x, y, Tensor(), axes, p, before, after);      \
  }                                                                                                                 \
  template <class Exec>                                                                                             \
  detail::HostResult<detail::ResultKind::result> name(const Exec& exec, Input<Exec> x, double p = dp,               \
                                                      const Chain& before = {}, const Chain& after = {}) {          \
    return detail::reduce_to_host<detail::ResultKind::result>(ReductionId::name, #name, exec, x, p, before, after); \
  }
#include <mylos/reductions.def>

/// The largest values and their indices in one pass: amax and argmax. Both outputs have the same extents.
template <class Exec>
void amax_argmax(const Exec& exec, Input<Exec> x, Output<Exec> values, Output<Exec> indices, const Axes& axes = {},
                 const Chain& before = {}) {
  detail::reduce(ReductionId::amax_argmax, "amax_argmax", detail::Execution(exec), x, values, indices, axes, 0, before,
                 {});
}

/// The smallest values and their indices in one pass: amin and argmin.
template <class Exec>
void amin_argmin(const Exec& exec, Input<Exec> x, Output<Exec> values, Output<Exec> indices, const Axes& axes = {},
                 const Chain& before = {}) {
  detail::reduce(ReductionId::amin_argmin, "amin_argmin", detail::Execution(exec), x, values, indices, axes, 0, before,
                 {});
}

/// mean(x) and var(x, correction) in one pass; as a batch or a layer normalisation wants them with correction 0.
template <class Exec>
void moments(const Exec& exec, Input<Exec> x, Output<Exec> mean, Output<Exec> variance, const Axes& axes = {},
             double correction = 0, const Chain& before = {}) {
  detail::reduce(ReductionId::moments, "moments", detail::Execution(exec), x, mean, variance, axes, correction, before,
                 {});
}

}  // namespace mylos
