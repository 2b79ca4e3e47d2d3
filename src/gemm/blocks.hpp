// Matrix products by host threads: tiles of the result, each in windows of k that are packed into the caches; for the
// generic kernel and, with faster inner loops, for backends/host.
//
// As many workers as the instance has threads take tiles in turn. Tiles depend on the number of threads, sums do not:
// they are made in windows of k that begin at 0, whatever the tile. Few results and a long k: k is cut into parts,
// whose sums are added in order.
#pragma once

#include <atomic>

#include "gemm/panels.hpp"

namespace mylos::detail {

/// c (rows x columns, ld apart) += sum of a[q][rows] b[q][columns] over q < k.
template <class T>
struct GemmKernel {
  int rows;
  int columns;
  void (*run)(std::int64_t k, const T* a, const T* b, T* c, std::int64_t ld);
};

inline constexpr int most_gemm_panel = 32;  // rows or columns of a kernel

/// For any processor, in vectors of 16 bytes, which every one has or which become several numbers.
template <class T>
struct PlainGemmKernel {
  using Vector [[gnu::vector_size(16)]] = T;
  static constexpr int lanes = 16 / static_cast<int>(sizeof(T));
  static constexpr int rows = 4;
  static constexpr int columns = 2 * lanes;
  static void run(std::int64_t k, const T* a, const T* b, T* c, std::int64_t ld) {
    Vector sum[rows][2] = {};
    for (std::int64_t q = 0; q < k; ++q, a += rows, b += columns) {
      Vector v[2];
      __builtin_memcpy(v, b, sizeof(v));
      for (int r = 0; r < rows; ++r) {
        sum[r][0] += a[r] * v[0];
        sum[r][1] += a[r] * v[1];
      }
    }
    for (int r = 0; r < rows; ++r)
      for (int s = 0; s < columns; ++s) c[r * ld + s] += sum[r][s / lanes][s % lanes];
  }
  static constexpr GemmKernel<T> kernel() { return {rows, columns, run}; }
};

/// One tile of the result.
struct GemmTile {
  std::int64_t batch;
  std::int64_t part;
  std::int64_t i;
  std::int64_t i_end;
  std::int64_t j;
  std::int64_t j_end;
  GemmRange range;
  MYLOS_FUNCTION std::int64_t rows() const { return i_end - i; }
  MYLOS_FUNCTION std::int64_t columns() const { return j_end - j; }
};

template <class T>
struct BlockGemm {
  /// The sums of a tile into `result`, `ld` apart; `work` has room as work_size() says.
  using Product = void (*)(const BlockGemm& g, const GemmTile& tile, T* result, T* work);
  using Transform = void (*)(const GemmParameters<T>& p, const GemmPanel* panel, const GemmSegment& segment, T* v,
                             T* room);

  GemmParameters<T> p;
  GemmKernel<T> kernel;
  Product product;
  Transform transform;
  bool in_place;      // the product writes c itself, alpha and beta included
  std::int64_t rows;  // of a tile, and columns: multiples of the kernel's
  std::int64_t columns;
  std::int64_t parts;
  std::int64_t part;
  int window;  // of what is packed at once
  std::int64_t workers;
  T* partial;  // [part][batch][m][n] where there are several
  T* memory;
  std::atomic<std::int64_t>* next;

  MYLOS_FUNCTION std::int64_t tile_rows() const { return (p.m + rows - 1) / rows; }
  MYLOS_FUNCTION std::int64_t tile_columns() const { return (p.n + columns - 1) / columns; }
  MYLOS_FUNCTION std::int64_t items() const { return p.batches * parts * tile_rows() * tile_columns(); }
  MYLOS_FUNCTION std::int64_t ld() const { return columns; }
  /// Elements of a worker's memory.
  MYLOS_FUNCTION std::int64_t result_size() const { return rows * columns; }
  MYLOS_FUNCTION std::int64_t work_size() const {
    return (rows + columns + 4 * most_gemm_panel) * window + 4 * (gemm_segment + 16);
  }
  MYLOS_FUNCTION std::int64_t memory_size() const { return result_size() + work_size(); }
};

/// With few results and a long k, k is cut: by the problem alone, so that the bits do not depend on the threads.
inline constexpr std::int64_t few_gemm_results = 512 * 512;
inline constexpr std::int64_t host_gemm_part = 32 * gemm_window;
inline constexpr std::int64_t most_host_gemm_parts = 64;

inline bool cuts_k(const GemmProblem& problem) {
  return problem.m * problem.n * problem.batch.count <= few_gemm_results && problem.k >= 2 * host_gemm_part &&
         problem.is_general() && problem.determinism != Determinism::batch_invariant;
}

MYLOS_FUNCTION std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

/// Tiles of at most `most_rows` x `most_columns`, near square, and no fewer than there are threads.
template <class T>
void choose_tiles(BlockGemm<T>& g, std::int64_t most_rows, std::int64_t most_columns) {
  const GemmParameters<T>& p = g.p;
  std::int64_t row_cuts = (p.m + most_rows - 1) / most_rows;
  std::int64_t column_cuts = (p.n + most_columns - 1) / most_columns;
  const auto height = [&] { return round_up((p.m + row_cuts - 1) / row_cuts, g.kernel.rows); };
  // Chains run over whole vectors of 16.
  const int unit = g.kernel.columns < 16 ? 16 : g.kernel.columns;
  const auto width = [&] { return round_up((p.n + column_cuts - 1) / column_cuts, unit); };
  while (p.batches * g.parts * row_cuts * column_cuts < g.workers) {
    // The longer side, while it is more than a few of the kernel's.
    if (height() >= width() && height() > 2 * g.kernel.rows)
      ++row_cuts;
    else if (width() > 2 * unit)
      ++column_cuts;
    else if (height() > 2 * g.kernel.rows)
      ++row_cuts;
    else
      break;
  }
  g.rows = height();
  g.columns = width();
}

template <class T>
BlockGemm<T> make_block_gemm(const GemmProblem& problem, int threads, const GemmKernel<T>& kernel) {
  BlockGemm<T> g{};
  g.p = make_gemm_parameters<T>(problem);
  g.kernel = kernel;
  g.window = gemm_window;
  g.workers = threads;
  g.parts = 1;
  if (cuts_k(problem)) {
    const std::int64_t wanted = g.p.k / host_gemm_part;
    g.parts = wanted < most_host_gemm_parts ? wanted : most_host_gemm_parts;
  }
  g.part = round_up((g.p.k + g.parts - 1) / g.parts, gemm_window);
  if (g.parts > 1) g.parts = (g.p.k + g.part - 1) / g.part;
  choose_tiles(g, 512, 1024);
  return g;
}

template <class T>
MYLOS_FUNCTION GemmTile tile_of(const BlockGemm<T>& g, std::int64_t item) {
  const GemmParameters<T>& p = g.p;
  const std::int64_t tiles = g.tile_rows() * g.tile_columns();
  GemmTile t;
  t.part = item / tiles % g.parts;
  t.batch = item / tiles / g.parts;
  t.i = item % tiles / g.tile_columns() * g.rows;
  t.j = item % tiles % g.tile_columns() * g.columns;
  t.i_end = t.i + g.rows < p.m ? t.i + g.rows : p.m;
  t.j_end = t.j + g.columns < p.n ? t.j + g.columns : p.n;
  t.range = p.range(t.i, t.i_end, t.j, t.j_end);
  // Windows of k begin at multiples of their length in every tile.
  t.range.begin = t.range.begin / gemm_window * gemm_window;
  const std::int64_t begin = t.part * g.part;
  const std::int64_t end = begin + g.part < p.k ? begin + g.part : p.k;
  if (t.range.begin < begin) t.range.begin = begin;
  if (t.range.end > end) t.range.end = end;
  return t;
}

/// One side of a window, in panels of `width`.
template <class T>
MYLOS_FUNCTION void pack_side(const BlockGemm<T>& g, const GemmTile& t, int side, std::int64_t q, int steps, T* to,
                              T* room) {
  const int width = side == 0 ? g.kernel.rows : g.kernel.columns;
  const std::int64_t begin = side == 0 ? t.i : t.j;
  const std::int64_t end = side == 0 ? t.i_end : t.j_end;
  const bool transformed = g.p.before.size != 0 && g.p.before_side == side;
  for (std::int64_t i = begin; i < end; i += width, to += std::int64_t{width} * steps) {
    const int count = static_cast<int>(end - i < width ? end - i : width);
    const GemmPanel panel{t.batch, i, count, width, q, steps};
    pack(g.p, g.p.factor[side], g.p.factor[side].structure, panel, to);
    // Behind a panel lies the next one, or room.
    if (transformed) g.transform(g.p, &panel, {}, to, room);
  }
}

template <class T>
MYLOS_FUNCTION void packed_product(const BlockGemm<T>& g, const GemmTile& t, T* result, T* work) {
  const std::int64_t rows = round_up(t.rows(), g.kernel.rows);
  const std::int64_t columns = round_up(t.columns(), g.kernel.columns);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t s = 0; s < columns; ++s) result[r * g.ld() + s] = T(0);
  T* left = work;
  T* right = left + rows * gemm_window + 16;
  T* room = right + columns * gemm_window + 16;
  for (std::int64_t q = t.range.begin; q < t.range.end; q += gemm_window) {
    const int steps = static_cast<int>(t.range.end - q < gemm_window ? t.range.end - q : gemm_window);
    pack_side(g, t, 0, q, steps, left, room);
    pack_side(g, t, 1, q, steps, right, room);
    for (std::int64_t s = 0; s < columns; s += g.kernel.columns)
      for (std::int64_t r = 0; r < rows; r += g.kernel.rows)
        g.kernel.run(steps, left + r * steps, right + s * steps, result + r * g.ld() + s, g.ld());
  }
}

/// c = after(alpha v + beta c) for one segment; v has room for a vector more, `room` for two.
template <class T>
MYLOS_FUNCTION void finish_segment(const BlockGemm<T>& g, const GemmSegment& s, T* v, T* room) {
  const GemmParameters<T>& p = g.p;
  if (p.alpha != T(1))
    for (int k = 0; k < s.n; ++k) v[k] *= p.alpha;
  if (p.beta != T(0)) {
    gather_segment(p, p.c, s, room);
    for (int k = 0; k < s.n; ++k) v[k] += p.beta * room[k];
  }
  if (p.after.size != 0) g.transform(p, nullptr, s, v, room);
  scatter_segment(p, s, v);
}

template <class T>
MYLOS_FUNCTION void finish_tile(const BlockGemm<T>& g, const GemmTile& t, T* result, T* work) {
  const std::int64_t n = t.columns();
  for (std::int64_t r = 0; r < t.rows(); ++r) {
    T* line = result + r * g.ld();
    if (g.partial != nullptr) {
      T* to = g.partial + ((t.part * g.p.batches + t.batch) * g.p.m + t.i + r) * g.p.n + t.j;
      for (std::int64_t k = 0; k < n; ++k) to[k] = line[k];
      continue;
    }
    for (std::int64_t at = 0; at < n; at += gemm_segment) {
      const int some = static_cast<int>(n - at < gemm_segment ? n - at : gemm_segment);
      finish_segment(g, {t.batch, t.i + r, t.j + at, some}, line + at, work);
    }
  }
}

/// Takes tiles until there are none. For the host alone, which has std::atomic.
template <class T>
inline __attribute__((always_inline)) void gemm_worker(const BlockGemm<T>& g, std::int64_t worker) {
  T* result = g.memory == nullptr ? nullptr : g.memory + worker * g.memory_size();
  T* work = result + (result == nullptr ? 0 : g.result_size());
  for (std::int64_t item = g.next->fetch_add(1, std::memory_order_relaxed); item < g.items();
       item = g.next->fetch_add(1, std::memory_order_relaxed)) {
    const GemmTile tile = tile_of(g, item);
    g.product(g, tile, result, work);
    if (!g.in_place) finish_tile(g, tile, result, work);
  }
}

/// Adds up the parts of one row and finishes it.
template <class T>
MYLOS_FUNCTION void add_gemm_parts(const BlockGemm<T>& g, std::int64_t line) {
  const GemmParameters<T>& p = g.p;
  const std::int64_t size = p.batches * p.m * p.n;
  alignas(64) T v[3 * (gemm_segment + 16)];
  for (std::int64_t at = 0; at < p.n; at += gemm_segment) {
    const int n = static_cast<int>(p.n - at < gemm_segment ? p.n - at : gemm_segment);
    const T* from = g.partial + line * p.n + at;
    for (int k = 0; k < n; ++k) {
      double sum = 0;
      for (std::int64_t part = 0; part < g.parts; ++part) sum += static_cast<double>(from[part * size + k]);
      v[k] = static_cast<T>(sum);
    }
    finish_segment(g, {line / p.m, line % p.m, at, n}, v, v + gemm_segment + 16);
  }
}

/// parallel(count, body) runs a body, which takes g and an index, on the instance's threads; scratch(elements) gives
/// memory that lives until this returns. `worker` and `rows` are gemm_worker and add_gemm_parts.
template <class T, class Parallel, class Scratch, class Worker, class Rows>
void run_block_gemm(BlockGemm<T>& g, const Parallel& parallel, const Scratch& scratch, const Worker& worker,
                    const Rows& rows) {
  std::atomic<std::int64_t> next{0};
  g.next = &next;
  if (g.workers > g.items()) g.workers = g.items();
  const std::int64_t size = g.p.batches * g.p.m * g.p.n;
  const std::int64_t memory = g.in_place ? 0 : g.workers * g.memory_size();
  const std::int64_t partial = g.parts == 1 ? 0 : g.parts * size;
  T* all = scratch(memory + partial);
  if (memory != 0) g.memory = all;
  if (partial != 0) g.partial = all + memory;
  parallel(g.workers, worker);
  if (g.parts > 1) parallel(g.p.batches * g.p.m, rows);
}

}  // namespace mylos::detail
