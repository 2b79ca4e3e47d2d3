// map for a functor of the user's own: header-only, compiled where it is called, at the speed of the library's kernels.
//
//   mylos::map(exec, functor, x, y);                                             // y = functor(x)
//   mylos::map(exec, functor, mylos::inputs(x1, x2), mylos::outputs(y1, y2));    // functor(x1, x2, y1&, y2&)
//
// Shape: up to 4 inputs (none is allowed) and 1 to 4 outputs, Kokkos::Views of any layout and rank 0 to 8. Outputs have
// one shape, to which each input broadcasts (as in NumPy, aligned at the last dimension). dtype: each View its own, of
// f64, f32, f16, bf16 (those of Kokkos too), u8, bool, i32, i64. The functor is called, const, with the elements' own
// types, once for every element and in no order; f16 and bf16 come as float and are rounded to nearest even when they
// are stored. Outputs hold zero before the functor writes them; what it returns is converted to the output's type.
// Aliasing: an output may be an input (same elements, same dtype); partial overlap is an error, and so are two outputs
// that have elements in common. Errors: mylos::Error, before anything is launched or written: extents that do not fit,
// memory that the execution space cannot reach, overlap, an output with a zero stride, and Path::specialized, since a
// functor has no hand-written kernel. Asynchronous on the given instance; no fence; safe in a graph capture; the same
// bits in every run of a pure functor.
//
// On a GPU the functor must be callable there (KOKKOS_LAMBDA, or KOKKOS_FUNCTION on its operator()) and of at most 2048
// bytes: larger state belongs in Views. Consecutive elements move 16 bytes at a time; rows that are no multiple of
// that, and strided ones, element by element. On the host the loop runs over blocks and vectorises where the functor
// does.
#pragma once

#include <string>

#include <Kokkos_Core.hpp>

#include <mylos/chain.hpp>
#include <mylos/detail/map_blocks.hpp>
#include <mylos/detail/map_chunks.hpp>
#include <mylos/view.hpp>

namespace mylos {

/// The Views that a functor reads or writes, in its parameters' order. Does not own them.
template <class... Views>
struct Inputs {
  Tensor tensor[sizeof...(Views) == 0 ? 1 : sizeof...(Views)];
};
template <class... Views>
struct Outputs {
  Tensor tensor[sizeof...(Views)];
};

template <class... Views>
Inputs<Views...> inputs(const Views&... views) {
  static_assert(sizeof...(Views) <= detail::max_map_arguments, "mylos::map: at most 4 inputs are supported");
  return {{Tensor(views)...}};
}

template <class... Views>
Outputs<Views...> outputs(const Views&... views) {
  static_assert(sizeof...(Views) >= 1 && sizeof...(Views) <= detail::max_map_arguments,
                "mylos::map: 1 to 4 outputs are supported");
  return {{Tensor(views)...}};
}

namespace detail {

/// The type of a View's elements, for an argument of map.
template <class Exec, class V, bool Writable>
struct MapArgument {
  static_assert(Kokkos::is_view_v<V>,
                "mylos::map: a functor takes Kokkos::Views, whose elements' types it is compiled for, not a Tensor");
  static_assert(has_dtype<typename V::non_const_value_type>,
                "mylos::map: this type of elements is not supported: f64, f32, f16, bf16, u8, bool, i32 and i64 are");
  static_assert(Kokkos::SpaceAccessibility<Exec, typename V::memory_space>::accessible,
                "mylos::map: the execution space cannot reach the memory of this View");
  static_assert(!Writable || !std::is_const_v<typename V::value_type>,
                "mylos::map: an output View must not be of const elements");
  using type = typename StoredAs<typename V::non_const_value_type>::type;
};

// Host code cannot ask what a lambda for the device alone may be called with.
template <class Exec, class F>
constexpr bool for_device_only() {
#if defined(__NVCC__)
  return __nv_is_extended_device_lambda_closure_type(F);
#elif defined(__CUDACC__) || defined(__HIPCC__)
  return !Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
#else
  return false;
#endif
}

template <bool Returns, class Exec, class F, class... X, class... Y>
constexpr bool accepts(TypeList<X...>, TypeList<Y...>) {
  if constexpr (for_device_only<Exec, F>())
    return true;
  else if constexpr (Returns)
    return std::is_invocable_v<const F&, ValueOf<X>...>;
  else
    return std::is_invocable_v<const F&, ValueOf<X>..., ValueOf<Y>&...>;
}

/// Elements of a chunk: 16 bytes of the widest tensor, 8 at most.
template <class... S>
constexpr int map_chunk_elements() {
  std::size_t widest = 2;
  ((widest = sizeof(S) > widest ? sizeof(S) : widest), ...);
  return static_cast<int>(16 / widest);
}

template <class Exec, class Kernel>
void launch_map(const Exec& exec, std::int64_t count, const Kernel& kernel) {
  static const std::string label = "mylos::map[functor]";
  using Policy = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
  // The hint keeps Kokkos from passing the kernel through constant memory, for which it would wait.
  Kokkos::parallel_for(
      label,
      Kokkos::Experimental::require(Policy(exec, 0, count), Kokkos::Experimental::WorkItemProperty::HintLightWeight),
      kernel);
}

template <bool Returns, class Exec, class F, class... X, class... Y>
void map_functor(const Exec& exec, const F& functor, const Tensor* inputs, const Tensor* outputs, TypeList<X...> x,
                 TypeList<Y...> y) {
  static_assert(
      accepts<Returns, Exec, F>(x, y),
      "mylos::map: the functor must be callable, as const, with the inputs' values (f16 and bf16 as float), and "
      "with references to the outputs' values after them where inputs() and outputs() are used");
  constexpr int chunk = map_chunk_elements<X..., Y...>();
  const MapPlan plan = plan_map(Execution(exec), inputs, sizeof...(X), outputs, sizeof...(Y), chunk);
  if (plan.count == 0) return;
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible) {
    const MapBlocks<Returns, F, TypeList<X...>, TypeList<Y...>> kernel{functor, plan};
    launch_map(exec, kernel.blocks(), kernel);
  } else {
    static_assert(sizeof(F) <= 2048, "mylos::map: the functor holds more than 2048 bytes; keep its tables in Views");
    const auto launch = [&](auto elements, auto flat) {
      const MapChunks<decltype(elements)::value, decltype(flat)::value, Returns, F, TypeList<X...>, TypeList<Y...>>
          kernel(functor, plan);
      launch_map(exec, kernel.p.distance, kernel);
    };
    using Whole = std::integral_constant<int, chunk>;
    if (plan.chunk == 1) return launch(std::integral_constant<int, 1>(), std::false_type());
    if (plan.rank == 1) return launch(Whole(), std::true_type());
    launch(Whole(), std::false_type());
  }
}

}  // namespace detail

/// functor(x1, x2, ..., y1, y2, ...) for every element: inputs by value, outputs by reference.
template <class Exec, class F, class... X, class... Y>
void map(const Exec& exec, const F& functor, const Inputs<X...>& inputs, const Outputs<Y...>& outputs) {
  using namespace detail;
  map_functor<false>(exec, functor, inputs.tensor, outputs.tensor,
                     TypeList<typename MapArgument<Exec, X, false>::type...>(),
                     TypeList<typename MapArgument<Exec, Y, true>::type...>());
}

/// y = functor(x). For a Chain see pointwise.hpp.
template <class Exec, class F, class X, class Y,
          class = std::enable_if_t<!std::is_convertible_v<const F&, const Chain&>>>
void map(const Exec& exec, const F& functor, const X& x, const Y& y) {
  using namespace detail;
  using From = TypeList<typename MapArgument<Exec, X, false>::type>;
  using To = TypeList<typename MapArgument<Exec, Y, true>::type>;
  const Tensor from(x);
  const Tensor to(y);
  map_functor<true>(exec, functor, &from, &to, From(), To());
}

}  // namespace mylos
