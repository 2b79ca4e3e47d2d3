// A whole small network (multilayer perceptron) over many samples in one pass over memory: the values between the
// layers never leave the chip.
//
//   const Mlp network = Mlp().layer(w1, b1, relu()).layer(w2, b2, relu()).layer(w3, b3);
//   mylos::mlp(exec, network, x, y);        // x (samples, in), y (samples, out), in any layout
//   mylos::mlp(exec, network, x, y, 0);     // x (in, nx, ny, nz), y (out, nx, ny, nz): the samples are the grid's
//   points
//
// Layer: v_i = chain(sum_k w_ik x_k + b_i), w (out, in) as PyTorch's nn.Linear keeps it, b (out) or none. The chain
// (chain.hpp) may be empty; its tensor operands have one value per feature, or one for all: they broadcast to (out).
// Shape: x and y of rank 1 to 8 with the same extents but along `axis`, the features' one (-1: the last), where x has
// the first layer's `in` and y the last layer's `out`; all other dimensions number samples. No rank but the axis: one
// sample. Widths are 1 to 128; any number of layers, one at least. 0 samples: nothing to do.
// dtype: x, y, weights and biases f64, f32, f16, bf16 in any combination; computed in f64 where one of them is f64,
// else in f32, f16 and bf16 being storage types. Values stay in the compute type between the layers and in the chains.
// Layout: any strides of x, y, weights, biases. Fastest where either samples or features are neighbours in memory.
//
// Aliasing: y may be x (same elements, same dtype), where in and out are equal. Any other overlap of y with x, a
// weight, a bias or an operand is an error. A sample's result depends on that sample alone: the same bits in every run,
// wherever it stands and however many others there are.
//
// Error: with u = 2^-24 for f32, 2^-53 for f64, a layer of n inputs that are off by e_k leaves its sum off by at most
//     sum_k |w_ik| e_k + (2 n + 32) u (sum_k |w_ik x_k| + |b_i|) + d max_k |w_ik| sum_k |x_k|,
// d = u / 8 for f32, 0 for f64, and a step of its chain makes of an error e at most L e, L being the step's largest
// derivative within e of its argument, plus the step's own bound (steps.def). So what one layer adds is as small as in
// any f32 product of that length, and from layer to layer it grows as the products of |w| do: for L layers whose rows
// have sum |w| <= s, at most as s^L. Storing y adds half a unit of its type. Products and sums below 2^-120 (f64:
// 2^-1000) may be off by as much. NaN and infinity go as IEEE arithmetic has it.
//
// Throws mylos::Error before anything is launched or written: no layer, widths that do not fit each other or exceed
// 128, extents that differ, dtypes not supported, memory that the execution space cannot reach, overlap, an output with
// a zero stride. Asynchronous on the given instance; no fence; safe in a graph capture. Weights are read by the call,
// so they may change from call to call; scratch memory, where they are prepared, is ordered with the instance's work.
// The Mlp itself need not outlive the call, the tensors it names must live until the work is done.
//
// For one sample inside a kernel of your own: mlp_device.hpp.
// Source: Rumelhart, Hinton and Williams 1986; torch.nn.Sequential of torch.nn.Linear.
#pragma once

#include <mylos/chain.hpp>
#include <mylos/mlp_network.hpp>
#include <mylos/path.hpp>
#include <mylos/view.hpp>

namespace mylos {

namespace detail {
void mlp(const Execution& exec, const Mlp& network, const Tensor& x, const Tensor& y, int axis);
}

/// y = network(x), the contract as above.
template <class Exec>
void mlp(const Exec& exec, const Mlp& network, Input<Exec> x, Output<Exec> y, int axis = -1) {
  detail::mlp(detail::Execution(exec), network, x, y, axis);
}

}  // namespace mylos
