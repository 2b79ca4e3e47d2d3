// A network over blocks of samples that stay in the host's caches: a line of samples for each feature, so that every
// loop runs over samples and vectorises, and each weight is read once per block.
#pragma once

#include "mlp/samples.hpp"
#include "pointwise/block.hpp"

namespace mylos::detail {

/// Samples of a block: a line of 256 bytes.
template <class T>
inline constexpr int mlp_block = 256 / static_cast<int>(sizeof(T));

template <class T>
struct BlockMlp {
  MlpSamples samples;
  std::int64_t count;
  const MlpRecord<T>* record;
  int layers;
  // y = w x + b for `out` lines y of `in` lines x; x and y are not the same.
  void (*sums)(const MlpLayer<T>& layer, const T* x, T* y);
  // The layer's chain over its lines.
  void (*chain)(const MlpRecord<T>& record, T* v);

  std::int64_t blocks() const { return (count + mlp_block<T> - 1) / mlp_block<T>; }
};

/// Calls visit(number in the block, offset) for each of n samples from `first` on.
template <class Visit>
MYLOS_FUNCTION void for_each_mlp_sample(const MlpSamples& s, const Strides& strides, std::int64_t first, int n,
                                        const Visit& visit) {
  if (s.rank <= 1) {
    const std::int64_t step = s.rank == 0 ? 0 : strides.stride[0];
    const std::int64_t begin = first * step;
    for (int i = 0; i < n; ++i) visit(i, begin + i * step);
  } else {
    for (int i = 0; i < n; ++i) visit(i, s.offset(strides, first + i));
  }
}

template <class S, class T>
MYLOS_FUNCTION void gather_mlp(const MlpSamples& s, std::int64_t first, int n, T* lines) {
  constexpr int B = mlp_block<T>;
  const auto* x = static_cast<const S*>(s.x);
  if (s.rank == 1 && s.x_stride.stride[0] == 1) {
    for (int k = 0; k < s.in; ++k) {
      const S* from = x + first + k * s.x_feature;
      for (int i = 0; i < n; ++i) lines[k * B + i] = widen<T>(from[i]);
    }
  } else {
    for_each_mlp_sample(s, s.x_stride, first, n, [&](int i, std::int64_t offset) {
      for (int k = 0; k < s.in; ++k) lines[k * B + i] = widen<T>(x[offset + k * s.x_feature]);
    });
  }
  // What is behind the last sample is computed, too, and thrown away.
  for (int k = 0; k < s.in; ++k)
    for (int i = n; i < B; ++i) lines[k * B + i] = T(0);
}

template <class S, class T>
MYLOS_FUNCTION void scatter_mlp(const MlpSamples& s, std::int64_t first, int n, const T* lines) {
  constexpr int B = mlp_block<T>;
  auto* y = static_cast<S*>(s.y);
  if (s.rank == 1 && s.y_stride.stride[0] == 1) {
    for (int k = 0; k < s.out; ++k) {
      S* to = y + first + k * s.y_feature;
      for (int i = 0; i < n; ++i) to[i] = narrow<S>(lines[k * B + i]);
    }
  } else {
    for_each_mlp_sample(s, s.y_stride, first, n, [&](int i, std::int64_t offset) {
      for (int k = 0; k < s.out; ++k) y[offset + k * s.y_feature] = narrow<S>(lines[k * B + i]);
    });
  }
}

/// The chain over all lines of a layer; where an operand has a value per feature, line by line.
template <class T>
MYLOS_FUNCTION void chain_mlp_lines(const MlpRecord<T>& record, T* v) {
  constexpr int B = mlp_block<T>;
  const auto nothing = [](int, MemoryBlock<T>&) {};
  for (int s = 0; s < record.layer.steps; ++s) {
    const MlpStep<T>& from = record.step[s];
    const bool by_line = from.operand[0] != nullptr || from.operand[1] != nullptr;
    const int lines = by_line ? 1 : record.layer.out;
    for (int i = 0; i < record.layer.out; i += lines) {
      const LoweredStep<T> step{{from.parameter[0], from.parameter[1]},
                                {from.operand_of(0, i), from.operand_of(1, i)},
                                from.id,
                                false,
                                {-1, -1}};
      MemoryBlock<T> block{v + i * B, lines * B};
      apply_to_block(step, block, block, block, block, nothing);
    }
  }
}

/// The plain loops of y = w x + b.
template <class T>
MYLOS_FUNCTION void sum_mlp_lines(const MlpLayer<T>& layer, const T* x, T* y) {
  constexpr int B = mlp_block<T>;
  for (int i = 0; i < layer.out; ++i) {
    T sum[B];
    for (int j = 0; j < B; ++j) sum[j] = layer.bias[i];
    for (int k = 0; k < layer.in; ++k) {
      const T w = layer.weight[i * layer.in + k];
      for (int j = 0; j < B; ++j) sum[j] += w * x[k * B + j];
    }
    for (int j = 0; j < B; ++j) y[i * B + j] = sum[j];
  }
}

/// Block `index` from end to end.
template <class T>
MYLOS_FUNCTION void run_mlp_block(const BlockMlp<T>& p, std::int64_t index) {
  constexpr int B = mlp_block<T>;
  alignas(64) T storage[2][max_mlp_width * B];
  const std::int64_t first = index * B;
  const int n = p.count - first < B ? static_cast<int>(p.count - first) : B;
  T* values = storage[0];
  T* next = storage[1];
  with_floating(p.samples.x_dtype, [&](auto s) { gather_mlp<decltype(s)>(p.samples, first, n, values); });
  for (int l = 0; l < p.layers; ++l) {
    p.sums(p.record[l].layer, values, next);
    if (p.record[l].layer.steps != 0) p.chain(p.record[l], next);
    T* const done = values;
    values = next;
    next = done;
  }
  with_floating(p.samples.y_dtype, [&](auto s) { scatter_mlp<decltype(s)>(p.samples, first, n, values); });
}

}  // namespace mylos::detail
