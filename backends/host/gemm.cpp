// Matrix products on the host: oneDNN and OpenBLAS where they were found, else own kernels for AVX-512 and AVX2, all by
// the threads of the instance, each on tiles of its own; chains are applied to a tile while the caches hold it.
#include "vector_math.hpp"

#include <climits>
#include <iterator>

#include "gemm/candidates.hpp"
#include "gemm_kernels.hpp"
#include "gemm_vendor.hpp"

namespace mylos::host {
namespace {

#if defined(__x86_64__)

using detail::BlockGemm;
using detail::GemmProblem;
using detail::GemmTile;
using detail::Queue;

template <class Isa, class T>
void run_with(const GemmProblem& problem, const Queue& queue, const char* label) {
  BlockGemm<T> g = detail::make_block_gemm<T>(problem, queue.threads, Isa::template kernel<T>());
  g.product = Isa::template product<T>;
  g.transform = Isa::template transform<T>;
  run_blocks<Isa>(g, queue, label);
}

#define MYLOS_DEFINE_RUN(name, Isa)                                                     \
  void run_##name(const GemmProblem& problem, const Queue& queue) {                     \
    constexpr const char* label = "mylos::gemm[host/" #name "]";                        \
    if (problem.computes_in_f64()) return run_with<Isa, double>(problem, queue, label); \
    run_with<Isa, float>(problem, queue, label);                                        \
  }
MYLOS_DEFINE_RUN(avx512, Avx512)
MYLOS_DEFINE_RUN(avx2, Avx2)
#undef MYLOS_DEFINE_RUN

#if defined(MYLOS_HAVE_ONEDNN) || defined(MYLOS_HAVE_OPENBLAS)

/// The factor without a copy; false where the libraries cannot take it so.
template <class T>
bool as_it_is(const detail::GemmParameters<T>& p, int side, VendorFactor<T>& factor) {
  const detail::GemmFactor& f = p.factor[side];
  const std::int64_t rows = side == 0 ? p.m : p.n;
  if (f.dtype != dtype_of<T>) return false;
  const auto fits = [&](std::int64_t unit, std::int64_t unit_extent, std::int64_t ld, std::int64_t extent) {
    if ((unit != 1 && unit_extent != 1) || (extent != 1 && (ld < unit_extent || ld > INT_MAX))) return false;
    factor.ld = static_cast<int>(extent == 1 ? unit_extent : ld);
    return unit_extent <= INT_MAX;
  };
  factor.data = static_cast<const T*>(f.data);
  factor.turned = false;
  if (fits(f.column, p.k, f.row, rows)) return true;
  factor.turned = true;
  return fits(f.row, rows, f.column, p.k);
}

/// A tile's sums: into c where that is all there is to do, else into `result`.
template <class Isa, class Library, class T>
void vendor_product(const BlockGemm<T>& g, const GemmTile& t, T* result, T* work) {
  const detail::GemmParameters<T>& p = g.p;
  VendorFactor<T> factor[2];
  bool direct[2];
  // Libraries may add up all of k one after the other: that is what the bound allows for.
  std::int64_t window = 1024;
  for (int side = 0; side < 2; ++side) {
    direct[side] = as_it_is(p, side, factor[side]);
    if (!direct[side]) window = g.window;
  }
  const auto rows = static_cast<int>(t.rows());
  const auto columns = static_cast<int>(t.columns());
  T* to = result;
  auto ld = static_cast<int>(g.ld());
  if (g.in_place) {
    to = static_cast<T*>(p.c.data) + p.batch_offset(p.c, t.batch) + t.i * p.c.row + t.j;
    ld = static_cast<int>(p.m == 1 ? p.n : p.c.row);
  }
  // No work space where both factors are taken as they are.
  T* room[2] = {work, work != nullptr ? work + static_cast<std::int64_t>(rows) * g.window : nullptr};
  const OneThread one;
  for (std::int64_t q = t.range.begin; q < t.range.end; q += window) {
    const auto steps = static_cast<int>(t.range.end - q < window ? t.range.end - q : window);
    VendorFactor<T> now[2];
    for (int side = 0; side < 2; ++side) {
      const detail::GemmFactor& f = p.factor[side];
      const std::int64_t i = side == 0 ? t.i : t.j;
      const int count = side == 0 ? rows : columns;
      if (direct[side]) {
        const std::int64_t offset = p.batch_offset(f, t.batch) + i * f.row + q * f.column;
        now[side] = {factor[side].data + offset, factor[side].ld, factor[side].turned};
      } else {
        Isa::template pack<T>(p, f, f.structure, {t.batch, i, count, count, q, steps}, room[side]);
        now[side] = {room[side], count, true};
      }
    }
    const T beta = q > t.range.begin ? T(1) : (g.in_place ? p.beta : T(0));
    Library::gemm(rows, columns, steps, g.in_place ? p.alpha : T(1), now[0], now[1], beta, to, ld);
  }
}

template <class Isa, class Library, class T>
void run_vendor(const GemmProblem& problem, const Queue& queue) {
  BlockGemm<T> g = detail::make_block_gemm<T>(problem, queue.threads, {64, 64, nullptr});
  const detail::GemmParameters<T>& p = g.p;
  g.product = vendor_product<Isa, Library, T>;
  g.transform = Isa::template transform<T>;
  g.window = 512;
  VendorFactor<T> factor;
  g.in_place = g.parts == 1 && p.after.size == 0 && p.c.dtype == dtype_of<T> && (p.c.column == 1 || p.n == 1) &&
               (p.m == 1 || (p.c.row >= p.n && p.c.row <= INT_MAX)) && as_it_is(p, 0, factor) && as_it_is(p, 1, factor);
  const std::int64_t most = g.in_place ? std::int64_t{1} << 24 : 1024;
  choose_tiles(g, most, most);
  run_blocks<Isa>(g, queue, Library::label);
}

const char* refuse_vendor(const GemmProblem& problem) {
  if (problem.k == 0) return "there is nothing to add up";
  if (!problem.is_general()) return "a matrix is triangular or symmetric";
  if (!problem.before->empty()) return "a chain on a";
  if (problem.determinism == Determinism::batch_invariant) return "the library may choose by the number of rows";
  return nullptr;
}

template <class Library, class T>
void run_library(const GemmProblem& problem, const Queue& queue) {
  refuse_avx512() == nullptr ? run_vendor<Avx512, Library, T>(problem, queue)
                             : run_vendor<Avx2, Library, T>(problem, queue);
}

template <class Library>
const char* refuse_library(const GemmProblem& problem) {
  if (const char* reason = Library::refuse_threads()) return reason;
  if (const char* reason = refuse_avx2()) return reason;  // what is around the calls
  return refuse_vendor(problem);
}

#endif  // a vendor library

#if defined(MYLOS_HAVE_ONEDNN)
const char* refuse_onednn(const GemmProblem& problem) {
  return problem.computes_in_f64() ? "oneDNN has no f64" : refuse_library<OneDnn>(problem);
}
#endif
#if defined(MYLOS_HAVE_OPENBLAS)
void run_openblas(const GemmProblem& problem, const Queue& queue) {
  problem.computes_in_f64() ? run_library<OpenBlas, double>(problem, queue)
                            : run_library<OpenBlas, float>(problem, queue);
}
#endif

constexpr detail::Candidate<GemmProblem> list[] = {
#if defined(MYLOS_HAVE_ONEDNN)
    {"host/onednn", refuse_onednn, run_library<OneDnn, float>},
#endif
#if defined(MYLOS_HAVE_OPENBLAS)
    {"host/openblas", refuse_library<OpenBlas>, run_openblas},
#endif
    {"host/avx512", [](const GemmProblem&) { return refuse_avx512(); }, run_avx512},
    {"host/avx2", [](const GemmProblem&) { return refuse_avx2(); }, run_avx2},
};

#endif  // __x86_64__

}  // namespace

detail::CandidateList<GemmProblem> gemm_candidates() {
#if defined(__x86_64__)
  return {list, static_cast<int>(std::size(list))};
#else
  return {};
#endif
}

}  // namespace mylos::host
