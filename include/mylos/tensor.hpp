// Tensor: a non-owning description of strided data, plain data that the C++, C, Fortran and Python ways in share.
// Free of Kokkos; view.hpp adds the conversion from any Kokkos::View.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include <mylos/error.hpp>
#include <mylos/types.hpp>

namespace mylos {

inline constexpr int max_rank = 8;

/// Where a pointer may be dereferenced. `unknown` (raw pointers) is taken on trust.
enum class Memory : std::uint8_t { unknown, host, device, shared };

namespace detail {
/// Specialised for the view types that convert to Tensor: `is_view`, and `static void describe(const V&, Tensor&)`.
template <class V, class = void>
struct ViewTraits {
  static constexpr bool is_view = false;
};
template <class V>
using EnableIfView = std::enable_if_t<ViewTraits<std::remove_cv_t<V>>::is_view>;
}  // namespace detail

/// Pointer, dtype, rank <= 8, extents and strides (64-bit, strides in elements, any sign or zero) and a label for
/// messages. Copies are cheap and never own. Row-major where no strides are given.
struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  Memory memory = Memory::unknown;
  std::int8_t rank = 0;
  char label[29] = "";
  std::int64_t extent[max_rank] = {};
  std::int64_t stride[max_rank] = {};

  Tensor() = default;

  template <class T>
  Tensor(T* pointer, std::initializer_list<std::int64_t> extents, std::initializer_list<std::int64_t> strides = {},
         const char* name = "")
      : Tensor(const_cast<std::remove_const_t<T>*>(pointer), dtype_of<T>, static_cast<int>(extents.size()),
               extents.begin(), checked_strides(extents.size(), strides), name) {}

  Tensor(void* pointer, DType type, int rank_, const std::int64_t* extents, const std::int64_t* strides,
         const char* name = "")
      : data(pointer), dtype(type), rank(static_cast<std::int8_t>(rank_)) {
    if (rank_ < 0 || rank_ > max_rank) throw Error("mylos::Tensor: rank: at most 8 dimensions are supported");
    std::int64_t row_major = 1;
    for (int d = rank_ - 1; d >= 0; --d) {
      extent[d] = extents[d];
      stride[d] = strides != nullptr ? strides[d] : row_major;
      row_major *= extents[d];
    }
    set_label(name);
  }

  template <class V, class = detail::EnableIfView<V>>
  Tensor(const V& view) {  // NOLINT(google-explicit-constructor): Views convert silently by design
    detail::ViewTraits<V>::describe(view, *this);
  }

  std::int64_t size() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= extent[d];
    return n;
  }

  /// Keeps the first 28 characters.
  void set_label(const char* name) {
    int i = 0;
    for (; name[i] != '\0' && i < static_cast<int>(sizeof(label)) - 1; ++i) label[i] = name[i];
    label[i] = '\0';
  }

 private:
  /// Null (row-major) where none are given.
  static const std::int64_t* checked_strides(std::size_t rank, std::initializer_list<std::int64_t> strides) {
    if (strides.size() != 0 && strides.size() != rank)
      throw Error("mylos::Tensor: strides: as many as there are extents are expected");
    return strides.size() != 0 ? strides.begin() : nullptr;
  }
};

}  // namespace mylos
