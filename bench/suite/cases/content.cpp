#include "suite/cases/content.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "support/input.hpp"

namespace mylos::bench {
namespace {

using Range = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;
constexpr std::int64_t period = 4194301;
constexpr std::int64_t most_at_once = std::int64_t{1} << 20;  // elements that come to the host in one piece

template <class S>
struct FillContent {
  S* data;
  std::uint64_t seed;
  Content content;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    const std::uint64_t counter = (seed << 40) + static_cast<std::uint64_t>(i);
    const std::uint64_t bits = random_bits(counter);
    switch (content.kind) {
      case Content::Kind::mask:
        return store(static_cast<double>(bits & 1u), i);
      case Content::Kind::signs:
        return store((bits & 1u) != 0 ? 1.0 : -1.0, i);
      case Content::Kind::labels:
        return store(static_cast<double>(bits % static_cast<std::uint64_t>(content.classes)), i);
      default:
        break;
    }
    using Compute = std::conditional_t<std::is_same_v<S, double>, double, float>;
    const double value = content.shift + content.scale * static_cast<double>(random_normal<Compute>(counter));
    store(content.kind == Content::Kind::positive ? Kokkos::abs(value) : value, i);
  }
  KOKKOS_FUNCTION void store(double value, std::int64_t i) const { data[i] = static_cast<S>(value); }
};

template <class S>
struct Repeat {
  S* data;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { data[i] = data[i % period]; }
};

template <class S>
struct SpoilElements {
  Tensor t;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    S* const at = static_cast<S*>(t.data) + offset_at(t, i);
    if constexpr (std::is_integral_v<S>)
      *at = std::is_same_v<S, std::uint8_t> ? static_cast<S>(255) : static_cast<S>(~(S(1) << (8 * sizeof(S) - 1)));
    else
      *at = static_cast<S>(Kokkos::Experimental::quiet_NaN_v<float>);
  }
};

template <class Bits>
struct DigestElements {
  Tensor t;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::uint64_t& sum) const {
    const auto bits = static_cast<std::uint64_t>(static_cast<const Bits*>(t.data)[offset_at(t, i)]);
    sum += random_bits(random_bits(static_cast<std::uint64_t>(i)) ^ bits);
  }
};

template <class S>
KOKKOS_INLINE_FUNCTION double wide(S value) {
  if constexpr (sizeof(S) == 2)
    return static_cast<double>(static_cast<float>(value));
  else
    return static_cast<double>(value);
}

template <class S>
struct ReadElements {
  Tensor t;
  std::int64_t begin;
  double* to;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    to[i] = wide(static_cast<const S*>(t.data)[offset_at(t, begin + i)]);
  }
};

template <class S>
struct ReadOffsets {
  const S* from;
  const std::int64_t* offsets;
  double* to;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { to[i] = wide(from[offsets[i]]); }
};

template <class Bits>
struct FlipElement {
  Bits* at;
  KOKKOS_FUNCTION void operator()(std::int64_t) const { *at = static_cast<Bits>(*at ^ Bits(1)); }
};

template <class T>
using DeviceList = Kokkos::View<T*, Kokkos::LayoutRight, Exec::memory_space>;
template <class T>
using HostList = Kokkos::View<T*, Kokkos::LayoutRight, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

template <class T>
DeviceList<T> device_list(std::size_t n) {
  return DeviceList<T>(Kokkos::view_alloc("mylos bench: sample", Kokkos::WithoutInitializing), n);
}

/// f(begin, count) for pieces of at most most_at_once.
template <class F>
void in_pieces(std::int64_t count, const F& f) {
  for (std::int64_t begin = 0; begin < count; begin += most_at_once) f(begin, std::min(most_at_once, count - begin));
}

/// f(pointer to an unsigned type of the dtype's size).
template <class F>
auto with_bits(DType dtype, const F& f) {
  switch (size_of(dtype)) {
    case 8:
      return f(static_cast<std::uint64_t*>(nullptr));
    case 4:
      return f(static_cast<std::uint32_t*>(nullptr));
    case 2:
      return f(static_cast<std::uint16_t*>(nullptr));
    default:
      return f(static_cast<std::uint8_t*>(nullptr));
  }
}

}  // namespace

void fill_content(const Exec& exec, void* data, DType dtype, std::int64_t count, const Content& content,
                  std::uint64_t seed) {
  with_type(dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    Kokkos::parallel_for("mylos bench: fill", Range(exec, 0, std::min(count, period)),
                         FillContent<S>{static_cast<S*>(data), seed, content});
    if (count > period)
      Kokkos::parallel_for("mylos bench: fill on", Range(exec, period, count), Repeat<S>{static_cast<S*>(data)});
  });
}

void copy_bytes(const Exec& exec, const void* from, void* to, std::int64_t bytes) {
  const auto n = static_cast<std::size_t>(bytes);
  using Memory = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  using From = Kokkos::View<const char*, Kokkos::LayoutRight, Exec::memory_space, Memory>;
  using To = Kokkos::View<char*, Kokkos::LayoutRight, Exec::memory_space, Memory>;
  Kokkos::deep_copy(exec, To(static_cast<char*>(to), n), From(static_cast<const char*>(from), n));
}

void spoil(const Exec& exec, const Tensor& t) {
  with_type(t.dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    Kokkos::parallel_for("mylos bench: spoil", Range(exec, 0, t.size()), SpoilElements<S>{merged(t)});
  });
}

std::uint64_t digest(const Exec& exec, const Tensor& t) {
  std::uint64_t sum = 0;
  with_bits(t.dtype, [&](auto* type) {
    using Bits = std::remove_pointer_t<decltype(type)>;
    Kokkos::parallel_reduce("mylos bench: digest", Range(exec, 0, t.size()), DigestElements<Bits>{merged(t)}, sum);
  });
  exec.fence("mylos bench: digest");
  return sum;
}

std::vector<double> read(const Exec& exec, const Tensor& t) {
  const std::int64_t count = t.size();
  std::vector<double> values(static_cast<std::size_t>(count));
  const auto piece = device_list<double>(static_cast<std::size_t>(std::min(count, most_at_once)));
  in_pieces(count, [&](std::int64_t begin, std::int64_t n) {
    with_type(t.dtype, [&](auto* type) {
      using S = std::remove_pointer_t<decltype(type)>;
      Kokkos::parallel_for("mylos bench: read", Range(exec, 0, n), ReadElements<S>{merged(t), begin, piece.data()});
    });
    const auto size = static_cast<std::size_t>(n);
    Kokkos::deep_copy(exec, HostList<double>(values.data() + begin, size),
                      Kokkos::subview(piece, std::pair<std::size_t, std::size_t>(0, size)));
    exec.fence("mylos bench: read");
  });
  return values;
}

std::vector<double> read_at(const Exec& exec, const Tensor& t, const std::vector<std::int64_t>& offsets) {
  const auto count = static_cast<std::int64_t>(offsets.size());
  std::vector<double> values(offsets.size());
  const auto most = static_cast<std::size_t>(std::min(count, most_at_once));
  const auto piece = device_list<double>(most);
  const auto places = device_list<std::int64_t>(most);
  in_pieces(count, [&](std::int64_t begin, std::int64_t n) {
    const std::pair<std::size_t, std::size_t> part(0, static_cast<std::size_t>(n));
    Kokkos::deep_copy(exec, Kokkos::subview(places, part),
                      HostList<const std::int64_t>(offsets.data() + begin, part.second));
    with_type(t.dtype, [&](auto* type) {
      using S = std::remove_pointer_t<decltype(type)>;
      Kokkos::parallel_for("mylos bench: read", Range(exec, 0, n),
                           ReadOffsets<S>{static_cast<const S*>(t.data), places.data(), piece.data()});
    });
    Kokkos::deep_copy(exec, HostList<double>(values.data() + begin, part.second), Kokkos::subview(piece, part));
    exec.fence("mylos bench: read");
  });
  return values;
}

void flip(const Exec& exec, const Tensor& t, std::int64_t offset) {
  with_bits(t.dtype, [&](auto* type) {
    using Bits = std::remove_pointer_t<decltype(type)>;
    Kokkos::parallel_for("mylos bench: flip", Range(exec, 0, 1),
                         FlipElement<Bits>{static_cast<Bits*>(t.data) + offset});
  });
  exec.fence("mylos bench: flip");
}

Tensor merged(const Tensor& t) {
  Tensor m = t;
  m.rank = 0;
  for (int d = 0; d < t.rank; ++d) {
    if (t.extent[d] == 1) continue;
    const int last = m.rank - 1;
    if (last >= 0 && m.stride[last] == t.extent[d] * t.stride[d]) {
      m.extent[last] *= t.extent[d];
      m.stride[last] = t.stride[d];
    } else {
      m.extent[m.rank] = t.extent[d];
      m.stride[m.rank] = t.stride[d];
      ++m.rank;
    }
  }
  return m;
}

}  // namespace mylos::bench
