// Matrix times vector by Kokkos teams, for the generic kernel on a device: the result is a row, or has been turned into
// one, and the matrix is read once.
//
// Where the elements of a sum are neighbours in memory, up to 32 lanes share a sum; else neighbouring threads make
// neighbouring sums. Few sums: k is cut into parts, as for tiles.
#pragma once

#include "gemm/tiles.hpp"

namespace mylos::detail {

template <class T, int Threads>
struct GemmVectors {
  static constexpr int V = 8;  // loads on their way at once

  GemmParameters<T> p;
  GemmTiling tiling;  // columns: blocks of sums
  bool along;         // the elements of a sum are neighbours
  T* parts;           // as in GemmTiles

  static constexpr int most_lanes = Threads < 32 ? Threads : 32;
  MYLOS_FUNCTION int lanes() const { return along ? most_lanes : 1; }
  MYLOS_FUNCTION int sums() const { return Threads / lanes(); }  // of a team

  template <class Member>
  KOKKOS_FUNCTION void operator()(const Member& member) const {
    T* shared =
        static_cast<T*>(member.team_scratch(0).get_shmem_aligned(sizeof(T) * static_cast<std::size_t>(Threads), 16));
    const std::int64_t blocks = tiling.count() * p.batches;
    const int thread = member.team_rank();
    for (std::int64_t index = member.league_rank(); index < blocks; index += member.league_size()) {
      const std::int64_t stack = index / tiling.columns;
      const std::int64_t batch = stack / tiling.parts;
      const std::int64_t part = stack % tiling.parts;
      const std::int64_t column = index % tiling.columns * sums() + thread / lanes();
      const std::int64_t end = (part + 1) * tiling.part < p.k ? (part + 1) * tiling.part : p.k;
      shared[thread] = column < p.n ? sum(batch, column, part * tiling.part + thread % lanes(), end) : T(0);
      member.team_barrier();
      if (thread % lanes() == 0 && column < p.n) {
        RegisterTile<T, 1> v;
        v[0] = T(0);
        for (int lane = 0; lane < lanes(); ++lane) v[0] += shared[thread + lane];
        if (parts == nullptr)
          GemmRow<1, 1, T>{p, {batch, 0, column}, 1, p.n}.finish(v);
        else
          parts[(part * p.batches + batch) * p.n + column] = v[0];
      }
      member.team_barrier();
    }
  }

  /// Of every lanes()-th product from `begin` on.
  KOKKOS_FUNCTION T sum(std::int64_t batch, std::int64_t column, std::int64_t begin, std::int64_t end) const {
    const GemmFactor& matrix = p.factor[1];
    const std::int64_t first = p.batch_offset(matrix, batch) + column * matrix.row;
    switch (matrix.dtype) {
      case DType::f64:
        return sum_of(static_cast<const double*>(matrix.data) + first, batch, begin, end);
      case DType::f32:
        return sum_of(static_cast<const float*>(matrix.data) + first, batch, begin, end);
      case DType::f16:
        return sum_of(static_cast<const half*>(matrix.data) + first, batch, begin, end);
      default:
        return sum_of(static_cast<const bfloat16*>(matrix.data) + first, batch, begin, end);
    }
  }
  template <class S>
  MYLOS_FUNCTION T sum_of(const S* from, std::int64_t batch, std::int64_t begin, std::int64_t end) const {
    const GemmFactor& vector = p.factor[0];
    const std::int64_t origin = p.batch_offset(vector, batch);
    const std::int64_t step = lanes();
    const std::int64_t column = p.factor[1].column;
    T total = 0;
    for (std::int64_t window = begin; window < end; window += gemm_window * step) {
      const std::int64_t window_end = window + gemm_window * step < end ? window + gemm_window * step : end;
      T here = 0;
      std::int64_t q = window;
      for (; q + (V - 1) * step < window_end; q += V * step) {
        T a[V];
        T x[V];
        const S* at = from + q * column;
        MYLOS_UNROLL
        for (int v = 0; v < V; ++v) a[v] = widen<T>(at[v * step * column]);
        load_vector(vector, origin + q * vector.column, step * vector.column, x);
        MYLOS_UNROLL
        for (int v = 0; v < V; ++v) here += a[v] * x[v];
      }
      for (; q < window_end; q += step)
        here += widen<T>(from[q * column]) * load_element<T>(vector.dtype, vector.data, origin + q * vector.column);
      total += here;
    }
    return total;
  }
  /// V elements, the dtype asked for once.
  static MYLOS_FUNCTION void load_vector(const GemmFactor& vector, std::int64_t first, std::int64_t step, T* x) {
    const auto load = [&](auto stored) {
      using S = decltype(stored);
      const S* from = static_cast<const S*>(vector.data) + first;
      MYLOS_UNROLL
      for (int v = 0; v < V; ++v) x[v] = widen<T>(from[v * step]);
    };
    switch (vector.dtype) {
      case DType::f64:
        return load(double());
      case DType::f32:
        return load(float());
      case DType::f16:
        return load(half());
      default:
        return load(bfloat16());
    }
  }
};

/// Whether this is the kernel for it: a row alone, whose bits it may choose.
inline bool is_vector_product(const GemmProblem& problem) {
  return (problem.m == 1 || problem.n == 1) && problem.is_general() && problem.before->empty() &&
         problem.determinism != Determinism::batch_invariant;
}

template <int Threads, class Exec, class T>
void run_gemm_vectors_of(const Exec& exec, const std::string& label, const GemmParameters<T>& p) {
  using Vectors = GemmVectors<T, Threads>;
  static_assert(sizeof(Vectors) <= 4096);  // as for tiles
  constexpr std::int64_t enough_teams = 2048;
  const auto magnitude = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  Vectors vectors{p, {}, p.n == 1 || magnitude(p.factor[1].column) <= magnitude(p.factor[1].row), nullptr};
  GemmTiling& tiling = vectors.tiling;
  tiling.rows = 1;
  tiling.columns = (p.n + vectors.sums() - 1) / vectors.sums();
  cut_k(tiling, p.k, tiling.columns * p.batches, enough_teams);
  run_with_parts(exec, label, p, tiling, [&](T* parts) {
    vectors.parts = parts;
    launch_gemm_teams<Threads>(exec, label, tiling.count() * p.batches, sizeof(T) * static_cast<std::size_t>(Threads),
                               vectors);
  });
}

template <int Threads, class Exec>
void run_gemm_vectors(const Exec& exec, const std::string& label, const GemmProblem& problem) {
  if (problem.computes_in_f64())
    return run_gemm_vectors_of<Threads>(exec, label, make_gemm_parameters<double>(problem));
  run_gemm_vectors_of<Threads>(exec, label, make_gemm_parameters<float>(problem));
}

}  // namespace mylos::detail
