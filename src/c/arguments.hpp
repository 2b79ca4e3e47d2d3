// From the C descriptors to those of C++. Whatever a caller may put into them, each either converts or throws
// mylos::Error: nothing is computed with them before.
#pragma once

#include <mylos/mylos.h>
#include <mylos/axes.hpp>
#include <mylos/chain.hpp>
#include <mylos/gemm.hpp>
#include <mylos/loss_reduction.hpp>
#include <mylos/mlp_network.hpp>
#include <mylos/scan.hpp>

namespace mylos::c {

/// Converts the arguments of one call; `function` and the arguments' names are for messages.
struct Arguments {
  const char* function;

  [[noreturn]] void fail(const char* argument, const std::string& what) const;

  Tensor tensor(const char* argument, const mylos_tensor* given) const;
  /// NULL: a Tensor with neither pointer nor rank.
  Tensor tensor_or_none(const char* argument, const mylos_tensor* given) const;
  Operand operand(const char* argument, const mylos_operand& given) const;
  /// NULL: no steps.
  Chain chain(const char* argument, const mylos_chain* given) const;
  Mlp network(const char* argument, const mylos_layer* layers, std::int32_t count) const;
  Axes axes(const char* argument, const mylos_axes& given) const;
  bool flag(const char* argument, std::int32_t given) const;

  LossReduction loss_reduction(const char* argument, mylos_loss_reduction given) const;
  Scan scan(const char* argument, mylos_scan given) const;
  Precision precision(const char* argument, mylos_precision given) const;
  Determinism determinism(const char* argument, mylos_determinism given) const;
  MatrixStructure matrix_structure(const char* argument, mylos_matrix_structure given) const;

  /// The parameter of the step `cast`.
  void check_cast(double dtype) const;
  /// The options of another version, or not initialised.
  void check_size(std::size_t given, std::size_t expected) const;

 private:
  std::int32_t choice(const char* argument, std::int32_t given, std::int32_t last) const;
  Step step(const char* argument, const mylos_step& given, int operands) const;
};

}  // namespace mylos::c
