// A small network as a function for one sample, callable inside a kernel of your own.
//
//   const mylos::MlpFunction<float, 32> network(mylos::Mlp().layer(w1, b1, mylos::tanh()).layer(w2, b2));
//   Kokkos::parallel_for(n, KOKKOS_LAMBDA(int i) {
//     float x[8], y[4];
//     ...                 // whatever the sample is made of
//     network(x, y);
//     ...                 // and whatever becomes of it
//   });
//
// Template arguments: T, float or double, is the type of weights, biases and tensor operands, and what is computed in;
// Width, 1 to 128, the widest layer that can be held; Layers and Steps how many there can be of each, the latter per
// layer. Up to a Width of 32 the values stay in registers, beyond that in the thread's local memory.
// The object is plain data and copies into a kernel; it refers to the tensors, which must live as long as it is used
// and lie where the kernel runs. Weights may have any strides; they are read anew by every call, so keep them small. x:
// anything with x[k] for k < in(), y: anything with y[i] for i < out(), that converts from and to T: arrays, pointers,
// Views of rank 1. They may be the same. Bound, NaN and infinity as in mlp.hpp; the bits may differ from mlp()'s.
// Throws mylos::Error where it is constructed: a network that mlp() would refuse, another dtype than T, or one that is
// larger than the template arguments allow. Calls throw nothing.
#pragma once

#include <mylos/detail/mlp_layer.hpp>
#include <mylos/mlp.hpp>

namespace mylos {

namespace detail {

/// What a network is described by, one layer at a time; checks all of it. `function` is for messages.
void check_mlp(const char* function, const Mlp& network);
void check_mlp_size(const Mlp& network, DType dtype, int width, int layers, int steps);

template <class T>
const T* data_of(const Tensor& tensor) {
  return static_cast<const T*>(tensor.data);
}

/// Operands by their own strides: of one value, or one per feature.
template <class T>
MlpStep<T> mlp_step(const Chain& chain, int s) {
  const Step& from = chain.step(s);
  MlpStep<T> to{};
  to.id = from.id;
  for (int i = 0; i < 2; ++i) {
    to.parameter[i] = static_cast<T>(from.parameter[i]);
    to.scalar[i] = static_cast<T>(from.scalar[i]);
    if (from.tensor[i] < 0) continue;
    const Tensor& operand = chain.operand(from.tensor[i]);
    to.operand[i] = data_of<T>(operand);
    to.stride[i] = operand.rank == 0 || operand.extent[operand.rank - 1] == 1 ? 0 : operand.stride[operand.rank - 1];
  }
  return to;
}

template <class T>
MlpLayer<T> mlp_layer(const Mlp::Layer& from) {
  return {data_of<T>(from.weight),
          from.weight.stride[0],
          from.weight.stride[1],
          data_of<T>(from.bias),
          from.bias.stride[0],
          static_cast<int>(from.weight.extent[1]),
          static_cast<int>(from.weight.extent[0]),
          from.chain.size()};
}

}  // namespace detail

template <class T, int Width = 32, int Layers = 4, int Steps = 2>
class MlpFunction {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "mylos::MlpFunction: T is float or double");
  static_assert(Width >= 1 && Width <= max_mlp_width, "mylos::MlpFunction: Width is 1 to 128");
  static_assert(Layers >= 1 && Steps >= 1, "mylos::MlpFunction: at least one layer, and room for one step");

 public:
  explicit MlpFunction(const Mlp& network) {
    detail::check_mlp_size(network, dtype_of<T>, Width, Layers, Steps);
    layers_ = network.size();
    for (int l = 0; l < layers_; ++l) {
      layer_[l] = detail::mlp_layer<T>(network[l]);
      for (int s = 0; s < layer_[l].steps; ++s) step_[l][s] = detail::mlp_step<T>(network[l].chain, s);
    }
  }

  MYLOS_FUNCTION int in() const { return layer_[0].in; }
  MYLOS_FUNCTION int out() const { return layer_[layers_ - 1].out; }

  /// y = network(x).
  template <class X, class Y>
  MYLOS_FUNCTION void operator()(const X& x, Y&& y) const {
    T a[Width];
    T b[Width];
    detail::for_each_mlp_feature<Width>(in(), [&](int k) { a[k] = static_cast<T>(x[k]); });
    MYLOS_NO_UNROLL
    for (int l = 0; l < layers_; ++l) {
      detail::run_mlp_layer<Width>(layer_[l], step_[l], a, b);
      detail::for_each_mlp_feature<Width>(layer_[l].out, [&](int k) { a[k] = b[k]; });
    }
    detail::for_each_mlp_feature<Width>(out(), [&](int i) { y[i] = static_cast<std::decay_t<decltype(y[0])>>(a[i]); });
  }

 private:
  int layers_;
  detail::MlpLayer<T> layer_[Layers];
  detail::MlpStep<T> step_[Layers][Steps];
};

}  // namespace mylos
