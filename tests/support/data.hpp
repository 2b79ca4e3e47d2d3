// Tensors for tests: memory that the execution space reaches with a copy on the host, any strides and any misalignment,
// poisoned before each run so that an element that was not written, or one beside the tensor that was, is seen.
#pragma once

#include <Kokkos_Core.hpp>
#include <mylos/view.hpp>
#include <numeric>
#include <utility>
#include <vector>

#include "reference/rounding.hpp"

namespace mylos::test {

/// A signalling NaN that arithmetic and conversions never leave behind (they make it quiet).
inline std::uint64_t poison_bits(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return 0x7ff2c5a3c5a3c5a3u;
    case DType::f32:
      return 0x7fa3c5a3u;
    case DType::f16:
      return 0x7d5au;
    case DType::bf16:
      return 0x7f9au;
    default:
      return 0x5a5a5a5a5a5a5a5au;
  }
}

/// How a tensor lies in memory, relative to the shape it broadcasts to.
struct TensorSpec {
  DType dtype = DType::f32;
  std::vector<int> order{};             // dimensions from the slowest to the fastest; empty: row-major
  std::vector<std::int64_t> padding{};  // elements left out behind each dimension's extent
  std::vector<bool> broadcast{};        // extent 1 there
  std::vector<bool> reversed{};         // negative stride there
  std::int64_t step = 1;                // stride of the fastest dimension
  int dropped = 0;                      // leading dimensions that the tensor lacks
  int misalignment = 0;                 // elements by which it starts after a 64-byte boundary
};

template <class Exec>
class Data {
 public:
  Data(const TensorSpec& spec, const std::vector<std::int64_t>& shape) : tensor_(lay_out(spec, shape)) {
    std::int64_t low = 0;
    std::int64_t high = -1;
    if (tensor_.size() != 0) {
      high = 0;
      for (int d = 0; d < tensor_.rank; ++d)
        (tensor_.stride[d] < 0 ? low : high) += (tensor_.extent[d] - 1) * tensor_.stride[d];
    }
    first_ = guard + spec.misalignment - low;
    capacity_ = first_ + high + 1 + guard;
    bytes_ =
        View(Kokkos::view_alloc(Kokkos::WithoutInitializing, "test"), static_cast<std::size_t>(capacity_) * size());
    mirror_ = Kokkos::create_mirror_view(bytes_);
    tensor_.data = bytes_.data() + static_cast<std::size_t>(first_) * size();
    tensor_.memory = mylos::detail::memory_of<typename Exec::memory_space>();
  }
  Data(DType dtype, std::int64_t n) : Data(TensorSpec{dtype}, {n}) {}

  const Tensor& tensor() const { return tensor_; }
  DType dtype() const { return tensor_.dtype; }

  /// The host's copy of the element at an offset from the first.
  unsigned char* at(std::int64_t offset) { return mirror_.data() + static_cast<std::size_t>(first_ + offset) * size(); }
  double value(std::int64_t offset) { return reference::value_at(dtype(), at(offset)); }
  std::uint64_t bits(std::int64_t offset) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, at(offset), size());
    return bits;
  }
  void set_bits(std::int64_t offset, std::uint64_t bits) { std::memcpy(at(offset), &bits, size()); }
  void set(std::int64_t offset, double value) { reference::store_at(dtype(), at(offset), value); }

  void poison() {
    const std::uint64_t bits = poison_bits(dtype());
    for (std::int64_t i = 0; i < capacity_; ++i) set_bits(i - first_, bits);
    upload();
  }
  bool is_poison(std::int64_t offset) { return bits(offset) == (poison_bits(dtype()) & mask()); }
  /// Elements that hold something else than poison: as many as there are elements when a run wrote all and nothing
  /// else.
  std::int64_t written() {
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < capacity_; ++i) n += is_poison(i - first_) ? 0 : 1;
    return n;
  }

  void upload() { Kokkos::deep_copy(bytes_, mirror_); }
  void download() { Kokkos::deep_copy(mirror_, bytes_); }

 private:
  using View = Kokkos::View<unsigned char*, typename Exec::memory_space>;
  static constexpr std::int64_t guard = 64;

  std::size_t size() const { return size_of(dtype()); }
  std::uint64_t mask() const { return size() == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size())) - 1; }

  static Tensor lay_out(const TensorSpec& spec, const std::vector<std::int64_t>& shape) {
    const int rank = static_cast<int>(shape.size());
    const auto given = [](const auto& list, int d) {
      using T = typename std::decay_t<decltype(list)>::value_type;
      return static_cast<std::size_t>(d) < list.size() ? list[static_cast<std::size_t>(d)] : T();
    };
    std::vector<int> order = spec.order;
    if (order.empty()) {
      order.resize(shape.size());
      std::iota(order.begin(), order.end(), 0);
    }
    std::int64_t extents[max_rank] = {};
    std::int64_t strides[max_rank] = {};
    std::int64_t stride = spec.step;
    for (auto d = order.rbegin(); d != order.rend(); ++d) {
      const std::int64_t extent =
          given(spec.broadcast, *d) || *d < spec.dropped ? 1 : shape[static_cast<std::size_t>(*d)];
      extents[*d] = extent;
      strides[*d] = given(spec.reversed, *d) ? -stride : stride;
      stride *= extent + given(spec.padding, *d);
    }
    return Tensor(nullptr, spec.dtype, rank - spec.dropped, extents + spec.dropped, strides + spec.dropped);
  }

  Tensor tensor_;
  View bytes_;
  decltype(Kokkos::create_mirror_view(std::declval<View>())) mirror_;
  std::int64_t first_ = 0;
  std::int64_t capacity_ = 0;
};

/// Calls visit(offsets) for every element of `shape`, in row-major order: offsets[i] belongs to tensors[i], which
/// broadcasts to it.
template <class Visit>
void for_each_element(const std::vector<std::int64_t>& shape, const std::vector<Tensor>& tensors, const Visit& visit) {
  const int rank = static_cast<int>(shape.size());
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  std::vector<std::int64_t> coordinate(shape.size());
  std::vector<std::int64_t> offset(tensors.size());
  const auto move = [&](int d, std::int64_t by) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const int own = d - (rank - tensors[i].rank);
      if (own >= 0 && tensors[i].extent[own] != 1) offset[i] += by * tensors[i].stride[own];
    }
  };
  for (std::int64_t n = 0; n < count; ++n) {
    visit(offset);
    for (int d = rank - 1; d >= 0; --d) {
      auto& c = coordinate[static_cast<std::size_t>(d)];
      move(d, 1);
      if (++c < shape[static_cast<std::size_t>(d)]) break;
      move(d, -c);
      c = 0;
    }
  }
}

}  // namespace mylos::test
