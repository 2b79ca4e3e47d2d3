// Local response normalisation on the host: strips of neighbouring rows, whose channels stay in the L1 cache while the
// window slides along them; compiled for AVX2 and AVX-512 beside the baseline, as in pointwise.cpp.
#include <algorithm>

#include "isa.hpp"
#include "vector_math.hpp"

#include <mylos/math.hpp>

#include "row/local_response.hpp"

namespace mylos::host {
namespace {

using detail::LocalResponseProblem;
using detail::Queue;

#if defined(__x86_64__)

constexpr int strip = 512;
constexpr int vector = 16;

/// n <= strip neighbouring rows from the given offsets on.
template <class T>
MYLOS_FUNCTION void normalize_strip(const LocalResponseProblem& p, std::int64_t x_offset, std::int64_t y_offset,
                                    int n) {
  const T* x = static_cast<const T*>(p.x.data) + x_offset;
  T* y = static_cast<T*>(p.y.data) + y_offset;
  const T scale = static_cast<T>(p.scale);
  const T beta = static_cast<T>(p.beta);
  const T k = static_cast<T>(p.k);
  // Whole vectors: the remainder of a loop would take the scalar power, and a value's bits depend on where it stands.
  const int whole = (n + vector - 1) / vector * vector;
  alignas(64) T sum[strip];
  alignas(64) T power[strip];
  for (std::int64_t c = 0; c < p.channels; ++c) {
    const std::int64_t first = std::max<std::int64_t>(c - p.before, 0);
    const std::int64_t last = std::min(c + p.behind, p.channels - 1);
    for (int i = 0; i < whole; ++i) sum[i] = T(0);
    for (std::int64_t j = first; j <= last; ++j) {
      const T* v = x + j * p.channel_stride_x;
      for (int i = 0; i < n; ++i) sum[i] += v[i] * v[i];
    }
    for (int i = 0; i < whole; ++i) power[i] = math::Precise::pow(k + scale * sum[i], beta);
    const T* own = x + c * p.channel_stride_x;
    T* to = y + c * p.channel_stride_y;
    for (int i = 0; i < n; ++i) to[i] = own[i] / power[i];
  }
}

/// Strip `index` of the rows: those of one fastest dimension are neighbours.
template <class T>
MYLOS_FUNCTION void normalize_item(const LocalResponseProblem& p, std::int64_t index) {
  const int inner = p.rows.rank - 1;
  const std::int64_t extent = p.rows.extent[inner];
  const std::int64_t strips = (extent + strip - 1) / strip;
  const std::int64_t begin = index % strips * strip;
  std::int64_t rest = index / strips;
  std::int64_t x = begin;
  std::int64_t y = begin;
  for (int d = inner - 1; d >= 0; --d) {
    const std::int64_t at = rest % p.rows.extent[d];
    rest /= p.rows.extent[d];
    x += at * p.x.strides.stride[d];
    y += at * p.y.strides.stride[d];
  }
  normalize_strip<T>(p, x, y, static_cast<int>(std::min<std::int64_t>(strip, extent - begin)));
}

const char* refuse(const LocalResponseProblem& p) {
  if (p.x.dtype != p.y.dtype || (p.x.dtype != DType::f32 && p.x.dtype != DType::f64))
    return "x and y are not both f32 or f64";
  const int inner = p.rows.rank - 1;
  if (inner < 0 || p.x.strides.stride[inner] != 1 || p.y.strides.stride[inner] != 1)
    return "neighbouring rows are not one element apart";
  return nullptr;
}

#define MYLOS_DEFINE_RUN(isa, attribute)                                                  \
  template <class T>                                                                      \
  attribute void item_##isa(const void* context, std::int64_t index) {                    \
    normalize_item<T>(*static_cast<const LocalResponseProblem*>(context), index);         \
  }                                                                                       \
  void run_##isa(const LocalResponseProblem& p, const Queue& queue) {                     \
    const std::int64_t extent = p.rows.extent[p.rows.rank - 1];                           \
    const std::int64_t items = p.rows.count / extent * ((extent + strip - 1) / strip);    \
    queue.parallel_for(queue, "mylos::local_response_norm[host/" #isa "]", items,         \
                       p.computes_in_f64() ? item_##isa<double> : item_##isa<float>, &p); \
  }
MYLOS_DEFINE_RUN(sse2, )
MYLOS_DEFINE_RUN(avx2, MYLOS_ISA_AVX2)
MYLOS_DEFINE_RUN(avx512, MYLOS_ISA_AVX512)
#undef MYLOS_DEFINE_RUN

#endif  // __x86_64__

}  // namespace

detail::CandidateList<LocalResponseProblem> local_response_candidates() {
#if defined(__x86_64__)
  return isa_candidates<LocalResponseProblem, run_avx512, run_avx2, run_sse2, refuse>();
#else
  return {};
#endif
}

}  // namespace mylos::host
