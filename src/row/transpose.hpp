// Rows into columns and back, by square tiles in registers, so that neither side moves by single elements.
//
// A Memory has the tiles of an instruction set: side<T> and transpose(from, from_step, to, to_step), which writes
// to[i * to_step + k] = from[k * from_step + i] for 0 <= i, k < side<T>; and `vectors`, whether it has statistics of
// rows at once too (policy_loops.hpp, backends/host/row_vectors.hpp).
#pragma once

#include <mylos/types.hpp>

namespace mylos::detail {

/// MYLOS_FUNCTION without the device: vector types are the host's.
#define MYLOS_ROW_HOST inline __attribute__((always_inline))

/// Tiles in the vectors that every host has.
struct PlainTiles {
  static constexpr bool vectors = false;
  template <class T>
  static constexpr int side = std::is_same_v<T, float> ? 4 : 1;

  MYLOS_ROW_HOST static void transpose(const float* from, std::int64_t from_step, float* to, std::int64_t to_step) {
    using Four = float __attribute__((vector_size(16)));
    Four v[4];
    for (int i = 0; i < 4; ++i) __builtin_memcpy(&v[i], from + i * from_step, sizeof(Four));
    const Four a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5);
    const Four b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const Four c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7);
    const Four d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
    for (int i = 0; i < 4; ++i) __builtin_memcpy(to + i * to_step, &v[i], sizeof(Four));
  }
  MYLOS_ROW_HOST static void transpose(const double* from, std::int64_t, double* to, std::int64_t) { *to = *from; }
};

/// to[i * to_step + k] = from[k * from_step + i] for 0 <= k < lines, 0 <= i < n.
template <class Memory, class T>
MYLOS_ROW_HOST void transpose(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, int lines, int n) {
  constexpr int side = Memory::template side<T>;
  const int whole_lines = lines / side * side;
  const int whole_n = n / side * side;
  for (int k = 0; k < whole_lines; k += side)
    for (int i = 0; i < whole_n; i += side)
      Memory::transpose(from + k * from_step + i, from_step, to + i * to_step + k, to_step);
  if (whole_lines == lines && whole_n == n) return;
  for (int k = 0; k < lines; ++k)
    for (int i = k < whole_lines ? whole_n : 0; i < n; ++i) to[i * to_step + k] = from[k * from_step + i];
}

}  // namespace mylos::detail
