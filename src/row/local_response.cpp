// Local response normalisation: not a statistic of a row but of a window that slides along the channels.
#include <string>

#include <Kokkos_Core.hpp>
#include <mylos/math.hpp>
#include <mylos/row.hpp>

#include <mylos/detail/divider.hpp>
#include "core/access.hpp"
#include "core/checks.hpp"
#include "core/dispatch.hpp"
#include "row/canonical.hpp"
#include "row/local_response.hpp"

namespace mylos::detail {
namespace {

/// One element at a time, in the order of y; the window's values come from the cache.
template <class T>
struct LocalResponse {
  RowTensor x;
  RowTensor y;
  int rows_rank;
  int rank;
  Divider extent[max_rank];  // of the rows' dimensions; the channels are the last
  std::int64_t channels;
  std::int64_t channels_stride_x;
  std::int64_t channels_stride_y;
  std::int64_t before;  // channels of the window in front of the element's own, and behind it
  std::int64_t behind;
  Divider rows;
  T scale;
  T beta;
  T k;

  MYLOS_FUNCTION std::int64_t row_offset(const std::int64_t* stride, std::uint64_t row) const {
    std::int64_t offset = 0;
    for (int d = rows_rank - 1; d >= 0; --d) {
      const std::uint64_t quotient = extent[d].divide(row);
      offset += static_cast<std::int64_t>(row - quotient * extent[d].divisor) * stride[d];
      row = quotient;
    }
    return offset;
  }

  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::uint64_t c = rows.divide(static_cast<std::uint64_t>(index));
    const std::uint64_t row = static_cast<std::uint64_t>(index) - c * rows.divisor;
    const auto channel = static_cast<std::int64_t>(c);
    const std::int64_t from = row_offset(x.strides.stride, row);
    const std::int64_t first = channel - before < 0 ? 0 : channel - before;
    const std::int64_t last = channel + behind < channels ? channel + behind : channels - 1;
    T sum = T(0);
    T own = T(0);
    for (std::int64_t i = first; i <= last; ++i) {
      const T v = load_element<T>(x.dtype, x.data, from + i * channels_stride_x);
      own = i == channel ? v : own;
      sum += v * v;
    }
    const T result = own / math::Precise::pow(k + scale * sum, beta);
    store_element(y.dtype, y.data, row_offset(y.strides.stride, row) + channel * channels_stride_y, result);
  }
};

template <class T, class Exec>
void run(const Exec& exec, const std::string& label, const LocalResponseProblem& problem) {
  LocalResponse<T> f{};
  f.x = problem.x;
  f.y = problem.y;
  f.rows_rank = problem.rows.rank;
  for (int d = 0; d < f.rows_rank; ++d) f.extent[d] = Divider(problem.rows.extent[d]);
  f.channels = problem.channels;
  f.channels_stride_x = problem.channel_stride_x;
  f.channels_stride_y = problem.channel_stride_y;
  f.before = problem.before;
  f.behind = problem.behind;
  f.rows = Divider(problem.rows.count);
  f.scale = static_cast<T>(problem.scale);
  f.beta = static_cast<T>(problem.beta);
  f.k = static_cast<T>(problem.k);
  Kokkos::parallel_for(label,
                       Kokkos::Experimental::require(Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(
                                                         exec, 0, problem.rows.count * f.channels),
                                                     Kokkos::Experimental::WorkItemProperty::HintLightWeight),
                       f);
}

}  // namespace

void local_response_norm(const Execution& execution, const Tensor& x, const Tensor& y, std::int64_t size, double alpha,
                         double beta, double k) {
  constexpr const char* function = "local_response_norm";
  const Chain none = Chain();
  RowArguments arguments(function, on_device(execution), RowOperator::rms, x, y, {none, none});
  if (x.rank < 2) fail(function, "x", x, "extents " + shape_of(x) + ", expected (N, C, ...)");
  if (size < 1)
    throw Error(std::string("mylos::") + function + ": size: " + std::to_string(size) + ", expected at least 1");
  if (overlap(x, y) != Overlap::none)
    fail(function, "x", x, "overlaps the output, expected no elements in common: neighbouring channels are read");
  arguments.set_axes(AxisMask{2});
  if (!arguments.finish()) return set_last_kernel("none");
  const RowProblem& rows = arguments.problem();
  LocalResponseProblem problem;
  problem.x = rows.x;
  problem.y = rows.y;
  problem.rows = rows.rows;
  problem.channels = rows.length();
  if (rows.axis.rank == 1) {
    problem.channel_stride_x = rows.x.strides.stride[rows.rows.rank];
    problem.channel_stride_y = rows.y.strides.stride[rows.rows.rank];
  }
  problem.before = size / 2;
  problem.behind = (size - 1) / 2;
  problem.scale = alpha / static_cast<double>(size);
  problem.beta = beta;
  problem.k = k;
  dispatch(function, execution, MYLOS_BACKEND_CANDIDATES(local_response_candidates), problem,
           [&](const auto& exec, const std::string& label) {
             problem.computes_in_f64() ? run<double>(exec, label, problem) : run<float>(exec, label, problem);
           });
}

}  // namespace mylos::detail
