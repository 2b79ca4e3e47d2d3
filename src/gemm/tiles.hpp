// Matrix products by Kokkos teams, for the generic kernel on a device: a team makes a tile of the result.
//
// Tiles of both factors pass through team scratch, the next ones on their way in registers meanwhile; each thread keeps
// a square of the result in registers, for a window of k, and the sum of the windows before it. Few tiles and a long k:
// k is cut into parts, whose sums go to scratch memory and are added by a second kernel, in order and in f64.
#pragma once

#include <Kokkos_Core.hpp>

#include "core/scratch.hpp"
#include "gemm/finish.hpp"

namespace mylos::detail {

/// M x N results by threads of R x R each, K products at a time.
template <class T, int M_, int N_, int K_, int R_>
struct GemmTileShape {
  static constexpr int M = M_;
  static constexpr int N = N_;
  static constexpr int K = K_;
  static constexpr int R = R_;
  static constexpr int threads = (M / R) * (N / R);
  static constexpr int V = 16 / static_cast<int>(sizeof(T));  // of R that lie side by side
  static constexpr int groups = R / V;
  static constexpr int pad = V;  // keeps vectors aligned and spreads what is stored along k over the banks
  static constexpr int stage = K * (M + N + 2 * pad);
  static_assert(gemm_window % K == 0 && R % V == 0 && M % R == 0 && N % R == 0);
};

/// On GPUs 128 x 128 with 8 x 8 each, in f64 64 x 64 with 4 x 4.
template <class T>
using GemmDeviceShape = GemmTileShape<T, 512 / int(sizeof(T)), 512 / int(sizeof(T)), 16, 32 / int(sizeof(T))>;

/// How the result and k are cut.
struct GemmTiling {
  std::int64_t rows;     // tiles
  std::int64_t columns;  // likewise
  std::int64_t parts;
  std::int64_t part;  // of k
  MYLOS_FUNCTION std::int64_t count() const { return rows * columns * parts; }
};

/// With fewer tiles than this, k is cut where it is long enough. By the problem alone, not by the device.
inline constexpr std::int64_t enough_gemm_tiles = 256;
inline constexpr std::int64_t least_gemm_part = 4 * gemm_window;

/// Cuts k where there are fewer than `enough` pieces of work without.
inline void cut_k(GemmTiling& t, std::int64_t k, std::int64_t pieces, std::int64_t enough) {
  const std::int64_t wanted = (enough + pieces - 1) / pieces;
  const std::int64_t most = k / least_gemm_part;
  t.parts = wanted < most ? wanted : most;
  if (t.parts < 1) t.parts = 1;
  t.part = ((k + t.parts - 1) / t.parts + gemm_window - 1) / gemm_window * gemm_window;
  if (t.parts > 1) t.parts = (k + t.part - 1) / t.part;
}

template <class Shape, class T>
GemmTiling gemm_tiling(const GemmParameters<T>& p, Determinism determinism) {
  GemmTiling t;
  t.rows = (p.m + Shape::M - 1) / Shape::M;
  t.columns = (p.n + Shape::N - 1) / Shape::N;
  const bool whole = determinism == Determinism::batch_invariant || !p.is_general();
  cut_k(t, p.k, t.rows * t.columns * p.batches, whole ? 1 : enough_gemm_tiles);
  return t;
}

/// A tile of one factor, Rows x Shape::K, on its way from memory to scratch: what one thread has of it.
template <class T, class Shape, int Rows, bool HasBefore>
struct GemmFetch {
  static constexpr int count = Rows * Shape::K / Shape::threads;
  RegisterTile<T, count> v;

  /// Element e of a thread's: neighbouring threads take neighbours in memory.
  static MYLOS_FUNCTION int row_of(int thread, int e, bool along) {
    if (!along) return Shape::threads % Rows == 0 ? thread % Rows : (thread + e * Shape::threads) % Rows;
    return Shape::threads % Shape::K == 0 ? thread / Shape::K + e * (Shape::threads / Shape::K)
                                          : (thread + e * Shape::threads) / Shape::K;
  }
  static MYLOS_FUNCTION int step_of(int thread, int e, bool along) {
    if (along) return Shape::threads % Shape::K == 0 ? thread % Shape::K : (thread + e * Shape::threads) % Shape::K;
    return Shape::threads % Rows == 0 ? thread / Rows + e * (Shape::threads / Rows)
                                      : (thread + e * Shape::threads) / Rows;
  }

  template <class S>
  MYLOS_FUNCTION void load_as(const GemmFactor& f, std::int64_t first, int thread, bool along, std::int64_t i,
                              std::int64_t i_end, std::int64_t q, std::int64_t q_end) {
    const S* data = static_cast<const S*>(f.data) + first;
    if (f.structure != MatrixStructure::general) {
      for (int e = 0; e < count; ++e) {
        std::int64_t row = i + row_of(thread, e, along);
        std::int64_t step = q + step_of(thread, e, along);
        const bool exists = row < i_end && step < q_end && locate_structured(f.structure, row, step);
        v[e] = exists ? widen<T>(data[row * f.row + step * f.column]) : T(0);
      }
      return;
    }
    const S* from = data + (i + row_of(thread, 0, along)) * f.row + (q + step_of(thread, 0, along)) * f.column;
    const std::int64_t next = (row_of(thread, 1, along) - row_of(thread, 0, along)) * f.row +
                              (step_of(thread, 1, along) - step_of(thread, 0, along)) * f.column;
    if (Shape::threads > 1 && i + Rows <= i_end && q + Shape::K <= q_end) {
      MYLOS_UNROLL
      for (int e = 0; e < count; ++e) v[e] = widen<T>(from[e * next]);
      return;
    }
    MYLOS_UNROLL
    for (int e = 0; e < count; ++e) {
      const int row = row_of(thread, e, along);
      const int step = step_of(thread, e, along);
      const bool exists = i + row < i_end && q + step < q_end;
      v[e] = exists ? widen<T>(data[(i + row) * f.row + (q + step) * f.column]) : T(0);
    }
  }

  MYLOS_FUNCTION void load(const GemmFactor& f, std::int64_t first, int thread, bool along, std::int64_t i,
                           std::int64_t i_end, std::int64_t q, std::int64_t q_end) {
    switch (f.dtype) {
      case DType::f64:
        return load_as<double>(f, first, thread, along, i, i_end, q, q_end);
      case DType::f32:
        return load_as<float>(f, first, thread, along, i, i_end, q, q_end);
      case DType::f16:
        return load_as<half>(f, first, thread, along, i, i_end, q, q_end);
      default:
        return load_as<bfloat16>(f, first, thread, along, i, i_end, q, q_end);
    }
  }

  /// Applies `before`, which leaves what does not exist alone.
  MYLOS_FUNCTION void transform(const GemmParameters<T>& p, const GemmFactor& f, std::int64_t batch, int thread,
                                bool along, std::int64_t i, std::int64_t i_end, std::int64_t q, std::int64_t q_end) {
    if constexpr (HasBefore) {
      const auto exists = [&](int e, std::int64_t& row, std::int64_t& step) {
        row = i + row_of(thread, e, along);
        step = q + step_of(thread, e, along);
        if (row >= i_end || step >= q_end) return false;
        return f.structure == MatrixStructure::general || locate_structured(f.structure, row, step);
      };
      apply<math::Precise>(p.before, v, [&](int o, RegisterTile<T, count>& to) {
        const GemmView& operand = p.operand[o];
        const std::int64_t first = p.batch_offset(operand, batch);
        for (int e = 0; e < count; ++e) {
          std::int64_t row = 0;
          std::int64_t step = 0;
          to[e] = exists(e, row, step)
                      ? load_element<T>(operand.dtype, operand.data, first + row * operand.row + step * operand.column)
                      : T(1);
        }
      });
      for (int e = 0; e < count; ++e) {
        std::int64_t row = 0;
        std::int64_t step = 0;
        if (!exists(e, row, step)) v[e] = T(0);
      }
    }
  }

  MYLOS_FUNCTION void store(T* tile, int thread, bool along) const {
    MYLOS_UNROLL
    for (int e = 0; e < count; ++e)
      tile[step_of(thread, e, along) * (Rows + Shape::pad) + row_of(thread, e, along)] = v[e];
  }
};

template <class T, class Shape, bool HasBefore>
struct GemmTiles {
  static constexpr int R = Shape::R;
  static constexpr int V = Shape::V;
  using Vector = Pack<T, V>;
  using Left = GemmFetch<T, Shape, Shape::M, HasBefore>;
  using Right = GemmFetch<T, Shape, Shape::N, HasBefore>;

  GemmParameters<T> p;
  GemmTiling tiling;
  T* parts;  // [part][batch][m][n]; null where k is in one part

  /// Which tile: by columns within bands of 8 rows of tiles, so that teams at work together share what they read.
  struct Tile {
    std::int64_t batch;
    std::int64_t part;
    std::int64_t i;
    std::int64_t j;
    std::int64_t q;  // the part of k, or what a triangle leaves of it
    std::int64_t q_end;
  };
  KOKKOS_FUNCTION Tile tile_of(std::int64_t index) const {
    constexpr std::int64_t band = 8;
    const std::int64_t tiles = tiling.rows * tiling.columns;
    const std::int64_t stack = index / tiles;
    const std::int64_t here = index % tiles;
    const std::int64_t group = here / (band * tiling.columns);
    const std::int64_t height = tiling.rows - group * band < band ? tiling.rows - group * band : band;
    const std::int64_t inside = here - group * band * tiling.columns;
    Tile t;
    t.part = stack % tiling.parts;
    t.batch = stack / tiling.parts;
    t.i = (group * band + inside % height) * Shape::M;
    t.j = inside / height * Shape::N;
    const GemmRange range = p.range(t.i, t.i + Shape::M, t.j, t.j + Shape::N);
    t.q = t.part * tiling.part;
    t.q_end = t.q + tiling.part < p.k ? t.q + tiling.part : p.k;
    if (range.begin > t.q) t.q = range.begin;
    if (range.end < t.q_end) t.q_end = range.end;
    return t;
  }

  /// Sums of a thread: those of the window at hand, and of the windows before it.
  struct Sums {
    T window[R][R];
    T total[R][R];
  };

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    T* scratch = static_cast<T*>(
        member.team_scratch(0).get_shmem_aligned(2 * sizeof(T) * static_cast<std::size_t>(Shape::stage), 16));
    const std::int64_t tiles = tiling.count() * p.batches;
    for (std::int64_t index = member.league_rank(); index < tiles; index += member.league_size()) {
      const Tile t = tile_of(index);
      Sums sums;
      multiply(member, scratch, t, sums);
      put(member.team_rank(), t, sums);
      member.team_barrier();  // before scratch is filled anew
    }
  }

  static KOKKOS_FUNCTION int first_row(int thread) { return thread / (Shape::N / R) * V; }
  static KOKKOS_FUNCTION int first_column(int thread) { return thread % (Shape::N / R) * V; }

  template <class Member>
  KOKKOS_FUNCTION void multiply(const Member& member, T* scratch, const Tile& t, Sums& sums) const {
    const int thread = member.team_rank();
    MYLOS_UNROLL
    for (int r = 0; r < R; ++r) {
      MYLOS_UNROLL
      for (int s = 0; s < R; ++s) sums.window[r][s] = sums.total[r][s] = T(0);
    }
    const auto is_along = [](const GemmFactor& f) {
      const std::int64_t row = f.row < 0 ? -f.row : f.row;
      const std::int64_t column = f.column < 0 ? -f.column : f.column;
      return row == 0 || (column != 0 && column <= row);
    };
    const bool left_along = is_along(p.factor[0]);
    const bool right_along = is_along(p.factor[1]);
    const std::int64_t left_first = p.batch_offset(p.factor[0], t.batch);
    const std::int64_t right_first = p.batch_offset(p.factor[1], t.batch);
    Left left;
    Right right;
    const auto load = [&](std::int64_t q) {
      left.load(p.factor[0], left_first, thread, left_along, t.i, p.m, q, t.q_end);
      right.load(p.factor[1], right_first, thread, right_along, t.j, p.n, q, t.q_end);
    };
    const auto store = [&](std::int64_t q, int stage) {
      if constexpr (HasBefore) {
        if (p.before_side == 0)
          left.transform(p, p.factor[0], t.batch, thread, left_along, t.i, p.m, q, t.q_end);
        else
          right.transform(p, p.factor[1], t.batch, thread, right_along, t.j, p.n, q, t.q_end);
      }
      left.store(scratch + stage * Shape::stage, thread, left_along);
      right.store(scratch + stage * Shape::stage + Shape::K * (Shape::M + Shape::pad), thread, right_along);
    };
    if (t.q < t.q_end) load(t.q);
    int stage = 0;
    int in_window = 0;
    for (std::int64_t q = t.q; q < t.q_end; q += Shape::K, stage = 1 - stage) {
      const bool more = q + Shape::K < t.q_end;
      // All are done with this stage: they had to be to pass the barrier before.
      store(q, stage);
      member.team_barrier();
      if (more) load(q + Shape::K);
      multiply_stage(scratch + stage * Shape::stage, thread, sums);
      in_window += Shape::K;
      if (in_window < gemm_window && more) continue;
      in_window = 0;
      MYLOS_UNROLL
      for (int r = 0; r < R; ++r) {
        MYLOS_UNROLL
        for (int s = 0; s < R; ++s) {
          sums.total[r][s] += sums.window[r][s];
          sums.window[r][s] = T(0);
        }
      }
    }
  }

  static KOKKOS_FUNCTION void multiply_stage(const T* tiles, int thread, Sums& sums) {
    const T* left = tiles + first_row(thread);
    const T* right = tiles + Shape::K * (Shape::M + Shape::pad) + first_column(thread);
    MYLOS_UNROLL
    for (int q = 0; q < Shape::K; ++q) {
      T a[R];
      T b[R];
      MYLOS_UNROLL
      for (int g = 0; g < Shape::groups; ++g) {
        const Vector va =
            *reinterpret_cast<const Vector*>(left + q * (Shape::M + Shape::pad) + g * (Shape::M / Shape::groups));
        const Vector vb =
            *reinterpret_cast<const Vector*>(right + q * (Shape::N + Shape::pad) + g * (Shape::N / Shape::groups));
        MYLOS_UNROLL
        for (int v = 0; v < V; ++v) {
          a[g * V + v] = va.value[v];
          b[g * V + v] = vb.value[v];
        }
      }
      MYLOS_UNROLL
      for (int r = 0; r < R; ++r) {
        MYLOS_UNROLL
        for (int s = 0; s < R; ++s) sums.window[r][s] += a[r] * b[s];
      }
    }
  }

  /// The results, or a part of their sums.
  KOKKOS_FUNCTION void put(int thread, const Tile& t, const Sums& sums) const {
    const std::int64_t column = t.j + first_column(thread);
    MYLOS_NO_UNROLL  // the chain's code once, not for each row
        for (int r = 0; r < R; ++r) {
      const std::int64_t row = t.i + first_row(thread) + r / V * (Shape::M / Shape::groups) + r % V;
      if (row >= p.m) continue;
      RegisterTile<T, R> v;
      MYLOS_UNROLL
      for (int s = 0; s < R; ++s) {
        v[s] = sums.total[0][s];
        // Chosen, not indexed: registers have no address.
        MYLOS_UNROLL
        for (int other = 1; other < R; ++other) v[s] = other == r ? sums.total[other][s] : v[s];
      }
      const GemmRow<R, V, T> line{p, {t.batch, row, column}, Shape::N / Shape::groups, p.n};
      if (parts == nullptr) {
        line.finish(v);
        continue;
      }
      T* to = parts + ((t.part * p.batches + t.batch) * p.m + row) * p.n;
      MYLOS_UNROLL
      for (int s = 0; s < R; ++s)
        if (line.column(s) < p.n) to[line.column(s)] = v[s];
    }
  }
};

/// Adds up the parts of one element, in order, and finishes it.
template <class T>
struct GemmParts {
  GemmParameters<T> p;
  Divider columns;
  Divider rows;
  const T* parts;
  std::int64_t count;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::int64_t size = p.batches * p.m * p.n;
    double sum = 0;
    for (std::int64_t part = 0; part < count; ++part) sum += static_cast<double>(parts[part * size + index]);
    const auto line = static_cast<std::int64_t>(columns.divide(static_cast<std::uint64_t>(index)));
    const auto batch = static_cast<std::int64_t>(rows.divide(static_cast<std::uint64_t>(line)));
    RegisterTile<T, 1> v;
    v[0] = static_cast<T>(sum);
    GemmRow<1, 1, T>{p, {batch, line - batch * p.m, index - line * p.n}, 1, p.n}.finish(v);
  }
};

template <int Threads, class Exec, class Functor>
void launch_gemm_teams(const Exec& exec, const std::string& label, std::int64_t teams, std::size_t scratch_bytes,
                       const Functor& functor) {
  using Policy = Kokkos::TeamPolicy<Exec, Kokkos::IndexType<std::int64_t>, Kokkos::LaunchBounds<Threads, 1>>;
  Policy policy(exec, static_cast<int>(teams < (1 << 30) ? teams : 1 << 30), Threads);
  policy.set_scratch_size(0, Kokkos::PerTeam(scratch_bytes + 64));
  Kokkos::parallel_for(
      label, Kokkos::Experimental::require(policy, Kokkos::Experimental::WorkItemProperty::HintLightWeight), functor);
}

/// launch(parts) makes the sums; where k is cut, into `parts`, which are then added up.
template <class Exec, class T, class Launch>
void run_with_parts(const Exec& exec, const std::string& label, const GemmParameters<T>& p, const GemmTiling& tiling,
                    const Launch& launch) {
  static_assert(sizeof(GemmParts<T>) <= 4096);
  const std::int64_t outputs = p.batches * p.m * p.n;
  const bool single = tiling.parts == 1;
  const Scratch<Exec> parts(exec, single ? 0 : static_cast<std::size_t>(outputs * tiling.parts) * sizeof(T));
  launch(static_cast<T*>(parts.data()));
  if (single) return;
  const Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>> range(exec, 0, outputs);
  Kokkos::parallel_for(label,
                       Kokkos::Experimental::require(range, Kokkos::Experimental::WorkItemProperty::HintLightWeight),
                       GemmParts<T>{p, Divider(p.n), Divider(p.m), static_cast<const T*>(parts.data()), tiling.parts});
}

template <class Shape, bool HasBefore, class Exec, class T>
void run_gemm_tiles_of(const Exec& exec, const std::string& label, const GemmParameters<T>& p,
                       Determinism determinism) {
  using Tiles = GemmTiles<T, Shape, HasBefore>;
  // As kernel parameters: larger functors Kokkos copies through constant memory, and waits for it.
  static_assert(sizeof(Tiles) <= 4096);
  Tiles tiles{p, gemm_tiling<Shape>(p, determinism), nullptr};
  run_with_parts(exec, label, p, tiles.tiling, [&](T* parts) {
    tiles.parts = parts;
    launch_gemm_teams<Shape::threads>(exec, label, tiles.tiling.count() * p.batches,
                                      2 * sizeof(T) * static_cast<std::size_t>(Shape::stage), tiles);
  });
}

template <template <class> class Shape, class Exec>
void run_gemm_tiles(const Exec& exec, const std::string& label, const GemmProblem& problem) {
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const GemmParameters<T> p = make_gemm_parameters<T>(problem);
    if (problem.before->empty())
      run_gemm_tiles_of<Shape<T>, false>(exec, label, p, problem.determinism);
    else
      run_gemm_tiles_of<Shape<T>, true>(exec, label, p, problem.determinism);
  };
  problem.computes_in_f64() ? run(double()) : run(float());
}

}  // namespace mylos::detail
