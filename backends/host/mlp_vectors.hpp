// y = w x + b over lines of samples, for one instruction set and one type: included once for each, with the name in
// MYLOS_MLP_SUMS, the type in MYLOS_MLP_TYPE, the attribute in MYLOS_MLP_ATTRIBUTE, the bytes of a vector in
// MYLOS_MLP_BYTES. No #pragma once, and no templates that others share: see scan_vectors.hpp.
//
// Four outputs and two vectors of samples stay in registers while the inputs pass.

struct MYLOS_MLP_SUMS {
  using T = MYLOS_MLP_TYPE;
  using Vector = T __attribute__((vector_size(MYLOS_MLP_BYTES)));
  static constexpr int lanes = MYLOS_MLP_BYTES / static_cast<int>(sizeof(T));
  static constexpr int line = detail::mlp_block<T>;

  MYLOS_MLP_ATTRIBUTE static void four(const T* w, int in, const T* b, const T* x, T* y) {
    for (int s = 0; s < line; s += 2 * lanes) {
      Vector sum[4][2];
      for (int r = 0; r < 4; ++r) sum[r][0] = sum[r][1] = Vector{} + b[r];
      for (int k = 0; k < in; ++k) {
        Vector v[2];
        for (int c = 0; c < 2; ++c) __builtin_memcpy(&v[c], x + k * line + s + c * lanes, sizeof(v[c]));
        for (int r = 0; r < 4; ++r) {
          const T weight = w[r * in + k];
          sum[r][0] += weight * v[0];
          sum[r][1] += weight * v[1];
        }
      }
      for (int r = 0; r < 4; ++r)
        for (int c = 0; c < 2; ++c) __builtin_memcpy(y + r * line + s + c * lanes, &sum[r][c], sizeof(sum[r][c]));
    }
  }

  MYLOS_MLP_ATTRIBUTE static void one(const T* w, int in, const T* b, const T* x, T* y) {
    for (int s = 0; s < line; s += 4 * lanes) {
      Vector sum[4];
      for (Vector& each : sum) each = Vector{} + b[0];
      for (int k = 0; k < in; ++k) {
        Vector v[4];
        for (int c = 0; c < 4; ++c) __builtin_memcpy(&v[c], x + k * line + s + c * lanes, sizeof(v[c]));
        for (int c = 0; c < 4; ++c) sum[c] += w[k] * v[c];
      }
      for (int c = 0; c < 4; ++c) __builtin_memcpy(y + s + c * lanes, &sum[c], sizeof(sum[c]));
    }
  }

  MYLOS_MLP_ATTRIBUTE static void sums(const detail::MlpLayer<T>& layer, const T* x, T* y) {
    int i = 0;
    for (; i + 4 <= layer.out; i += 4) four(layer.weight + i * layer.in, layer.in, layer.bias + i, x, y + i * line);
    for (; i < layer.out; ++i) one(layer.weight + i * layer.in, layer.in, layer.bias + i, x, y + i * line);
  }
};

#undef MYLOS_MLP_SUMS
#undef MYLOS_MLP_TYPE
