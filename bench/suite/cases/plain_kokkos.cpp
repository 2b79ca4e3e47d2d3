// The same operators as most write them in Kokkos. The functions of one element are Mylos' own, so that what differs is
// how data is moved.
#include <Kokkos_Core.hpp>

#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

struct Selu {
  KOKKOS_FUNCTION float operator()(float x) const { return op::selu(x); }
};
struct LeakyRelu {
  KOKKOS_FUNCTION float operator()(float x) const { return op::leaky_relu(x, 0.01F); }
};

template <class F>
struct OneElement {
  const float* x;
  float* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { y[i] = F()(x[i]); }
};

template <class F>
Bind one_at_a_time() {
  return [](const Exec& exec, const Tensors& t) -> Call {
    return [=] {
      Kokkos::parallel_for("plain map",
                           Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, t[0].size()),
                           OneElement<F>{static_cast<const float*>(t[0].data), static_cast<float*>(t[1].data)});
    };
  };
}

using Team = Kokkos::TeamPolicy<Exec, Kokkos::IndexType<std::int64_t>>;

/// Three passes over a row: its maximum, its sum of exponentials, the quotients.
struct GeluSoftmaxRow {
  const float* x;
  float* y;
  std::int64_t n;
  KOKKOS_FUNCTION void operator()(const Team::member_type& team) const {
    const float* const row = x + static_cast<std::int64_t>(team.league_rank()) * n;
    float* const to = y + static_cast<std::int64_t>(team.league_rank()) * n;
    const auto columns = Kokkos::TeamThreadRange(team, n);
    float largest = 0;
    Kokkos::parallel_reduce(
        columns, [&](std::int64_t i, float& m) { m = Kokkos::max(m, op::gelu(row[i])); }, Kokkos::Max<float>(largest));
    float sum = 0;
    Kokkos::parallel_reduce(
        columns, [&](std::int64_t i, float& s) { s += Kokkos::exp(op::gelu(row[i]) - largest); }, sum);
    Kokkos::parallel_for(columns, [&](std::int64_t i) { to[i] = Kokkos::exp(op::gelu(row[i]) - largest) / sum; });
  }
};

}  // namespace

Bind plain_selu() { return one_at_a_time<Selu>(); }
Bind plain_leaky_relu() { return one_at_a_time<LeakyRelu>(); }

Bind plain_gelu_softmax() {
  return [](const Exec& exec, const Tensors& t) -> Call {
    return [=] {
      const auto rows = static_cast<int>(t[0].extent[0]);
      Kokkos::parallel_for(
          "plain softmax", Team(exec, rows, Kokkos::AUTO),
          GeluSoftmaxRow{static_cast<const float*>(t[0].data), static_cast<float*>(t[1].data), t[0].extent[1]});
    };
  };
}

}  // namespace mylos::bench
