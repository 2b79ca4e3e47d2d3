// A network prepared for a call: weights, biases and operands dense and in the compute type, in one piece of memory.
// Where that is on a device, a functor per layer writes it there: descriptions travel as kernel parameters.
#pragma once

#include <mylos/detail/mlp_layer.hpp>

#include "core/access.hpp"
#include "core/lowered.hpp"
#include "mlp/problem.hpp"

namespace mylos::detail {

/// A layer and its chain, as they lie in the prepared memory.
template <class T>
struct alignas(16) MlpRecord {
  MlpLayer<T> layer;
  MlpStep<T> step[max_steps];
};

/// A tensor of the user's, of up to two dimensions.
struct MlpSource {
  const void* data;
  DType dtype;
  std::int64_t row;
  std::int64_t column;
};

/// Writes one layer: index i of count() in any order.
template <class T>
struct MlpPack {
  MlpRecord<T> record;  // pointers lead to the prepared memory
  MlpRecord<T>* record_to;
  MlpSource weight;
  MlpSource bias;  // no data: zeros
  MlpSource operand[max_operands];
  int operands;

  MYLOS_FUNCTION std::int64_t weights() const { return std::int64_t{record.layer.in} * record.layer.out; }
  MYLOS_FUNCTION std::int64_t count() const { return weights() + (1 + operands) * record.layer.out; }

  /// Dense: weights, then the bias, then the operands.
  MYLOS_FUNCTION void operator()(std::int64_t i) const {
    if (i == 0) *record_to = record;
    auto* const to = const_cast<T*>(record.layer.weight);  // the prepared memory, which is ours to write
    if (i < weights()) {
      const std::int64_t row = i / record.layer.in;
      const std::int64_t column = i - row * record.layer.in;
      to[i] = load_element<T>(weight.dtype, weight.data, row * weight.row + column * weight.column);
      return;
    }
    const std::int64_t line = (i - weights()) / record.layer.out;
    const std::int64_t feature = i - weights() - line * record.layer.out;
    const MlpSource& from = line == 0 ? bias : operand[line - 1];
    to[i] = from.data == nullptr ? T(0) : load_element<T>(from.dtype, from.data, feature * from.column);
  }
};

/// Elements of T of one layer in the prepared memory, rounded up so that every layer begins at 16 bytes.
template <class T>
std::int64_t mlp_packed_elements(const Mlp::Layer& layer) {
  const std::int64_t out = layer.weight.extent[0];
  const std::int64_t all = out * layer.weight.extent[1] + (1 + layer.chain.operand_count()) * out;
  constexpr std::int64_t unit = 16 / static_cast<std::int64_t>(sizeof(T));
  return (all + unit - 1) / unit * unit;
}

template <class T>
std::size_t mlp_packed_bytes(const Mlp& network) {
  std::int64_t elements = 0;
  for (int l = 0; l < network.size(); ++l) elements += mlp_packed_elements<T>(network[l]);
  return static_cast<std::size_t>(network.size()) * sizeof(MlpRecord<T>) +
         static_cast<std::size_t>(elements) * sizeof(T);
}

inline MlpSource mlp_line(const Tensor& tensor) {
  const bool one = tensor.rank == 0 || tensor.extent[tensor.rank - 1] == 1;
  return {tensor.data, tensor.dtype, 0, one ? 0 : tensor.stride[tensor.rank - 1]};
}

/// Calls write(MlpPack<T>) for every layer; `memory` has mlp_packed_bytes() and is aligned to 16. The records come
/// first.
template <class T, class Write>
void pack_mlp(const Mlp& network, void* memory, const Write& write) {
  auto* const records = static_cast<MlpRecord<T>*>(memory);
  auto* at = reinterpret_cast<T*>(records + network.size());
  for (int l = 0; l < network.size(); ++l) {
    const Mlp::Layer& from = network[l];
    MlpPack<T> pack{};
    MlpLayer<T>& layer = pack.record.layer;
    layer.in = static_cast<int>(from.weight.extent[1]);
    layer.out = static_cast<int>(from.weight.extent[0]);
    layer.weight = at;
    layer.row = layer.in;
    layer.column = 1;
    layer.bias = at + pack.weights();
    layer.bias_stride = 1;
    layer.steps = from.chain.size();
    const LoweredChain<T> chain = lower<T>(from.chain);
    for (int s = 0; s < chain.size; ++s) {
      const LoweredStep<T>& step = chain.step[s];
      MlpStep<T>& to = pack.record.step[s];
      to.id = step.id;
      for (int i = 0; i < 2; ++i) {
        to.parameter[i] = step.parameter[i];
        to.scalar[i] = step.scalar[i];
        to.operand[i] = step.tensor[i] < 0 ? nullptr : layer.bias + (1 + step.tensor[i]) * layer.out;
        to.stride[i] = 1;
      }
    }
    pack.record_to = records + l;
    pack.weight = {from.weight.data, from.weight.dtype, from.weight.stride[0], from.weight.stride[1]};
    pack.bias = mlp_line(from.bias);
    pack.operands = from.chain.operand_count();
    for (int o = 0; o < pack.operands; ++o) pack.operand[o] = mlp_line(from.chain.operand(o));
    write(pack);
    at += mlp_packed_elements<T>(from);
  }
}

}  // namespace mylos::detail
