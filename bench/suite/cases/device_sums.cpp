#include "suite/cases/device_sums.hpp"

namespace mylos::bench {
namespace {

template <class S>
struct Powers {
  Tensor t;
  double shift;
  KOKKOS_FUNCTION void operator()(std::int64_t i, TwoSums<3>& sums) const {
    const double v = element<S>(t, i);
    sums.of[0].add(v - shift);
    sums.of[1].add(Kokkos::abs(v));
    sums.of[2].add((v - shift) * (v - shift));
  }
};

}  // namespace

PowerSums power_sums(const Exec& exec, const Tensor& t, double shift) {
  return with_type(t.dtype, [&](auto* type) {
    using S = std::remove_pointer_t<decltype(type)>;
    const TwoSums<3> sums = device_sums<3>(exec, t.size(), Powers<S>{merged(t), shift});
    return PowerSums{sums.of[0].value(), sums.of[1].value(), sums.of[2].value()};
  });
}

}  // namespace mylos::bench
