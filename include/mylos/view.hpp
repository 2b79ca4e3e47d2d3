// Kokkos::View -> Tensor, and the argument types Input<Exec> and Output<Exec> of every operator.
#pragma once

#include <Kokkos_Core.hpp>

#include <mylos/execution.hpp>
#include <mylos/tensor.hpp>

namespace mylos {
namespace detail {

#if !(defined(KOKKOS_HALF_T_IS_FLOAT) && KOKKOS_HALF_T_IS_FLOAT)
template <>
struct SameBitsAs<Kokkos::Experimental::half_t> {
  using type = half;
};
#endif
#if !(defined(KOKKOS_BHALF_T_IS_FLOAT) && KOKKOS_BHALF_T_IS_FLOAT)
template <>
struct SameBitsAs<Kokkos::Experimental::bhalf_t> {
  using type = bfloat16;
};
#endif

template <class Space>
constexpr Memory memory_of() {
  constexpr bool host = Kokkos::SpaceAccessibility<Kokkos::DefaultHostExecutionSpace, Space>::accessible;
  constexpr bool device = Kokkos::SpaceAccessibility<Kokkos::DefaultExecutionSpace, Space>::accessible;
  if constexpr (std::is_same_v<Kokkos::DefaultExecutionSpace, Kokkos::DefaultHostExecutionSpace>) return Memory::host;
  return host && device ? Memory::shared : (host ? Memory::host : Memory::device);
}

template <class V>
struct ViewTraits<V, std::enable_if_t<Kokkos::is_view_v<V>>> {
  static constexpr bool is_view = true;
  static_assert(V::rank() <= max_rank, "mylos: Views of at most 8 dimensions are supported");

  static void describe(const V& view, Tensor& tensor) {
    static_assert(has_dtype<std::remove_cv_t<typename V::value_type>>, "mylos: this element type is not supported");
    tensor.data = const_cast<void*>(static_cast<const void*>(view.data()));
    if constexpr (has_dtype<std::remove_cv_t<typename V::value_type>>) tensor.dtype = dtype_of<typename V::value_type>;
    tensor.memory = memory_of<typename V::memory_space>();
    tensor.rank = static_cast<std::int8_t>(V::rank());
    for (int d = 0; d < tensor.rank; ++d) {
      tensor.extent[d] = static_cast<std::int64_t>(view.extent(static_cast<std::size_t>(d)));
      tensor.stride[d] = static_cast<std::int64_t>(view.stride(static_cast<std::size_t>(d)));
    }
    tensor.set_label(view.label().c_str());
  }
};

/// A Tensor that is known to be reachable from Exec: checked when it is compiled for Views, on trust for raw pointers.
template <class Exec, bool Writable>
struct Argument : Tensor {
  using Tensor::Tensor;
  Argument() = default;                               // an optional argument that is not given
  Argument(const Tensor& tensor) : Tensor(tensor) {}  // NOLINT(google-explicit-constructor)

  template <class V, class = EnableIfView<V>>
  Argument(const V& view) : Tensor(view) {  // NOLINT(google-explicit-constructor)
    static_assert(Kokkos::SpaceAccessibility<Exec, typename V::memory_space>::accessible,
                  "mylos: the execution space cannot reach the memory of this View");
    static_assert(!Writable || !std::is_const_v<typename V::value_type>,
                  "mylos: an output View must not be of const elements");
  }
};

template <class Exec>
struct Arguments {
  using Input = Argument<Exec, false>;
  using Output = Argument<Exec, true>;
};

}  // namespace detail

/// What an operator reads: any Kokkos::View that Exec can reach, or a Tensor.
template <class Exec>
using Input = typename detail::Arguments<Exec>::Input;

/// What an operator writes: any Kokkos::View of non-const elements that Exec can reach, or a Tensor.
template <class Exec>
using Output = typename detail::Arguments<Exec>::Output;

}  // namespace mylos
