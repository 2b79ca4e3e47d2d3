// Runs y = ((x + operand 0) max operand 1) - operand 2 ... for tensors that lie anyhow in memory, on every kernel.
//
// All values are small integers, exact in every dtype, so results must be exact; what lies between and around the
// elements of y must stay untouched.
#pragma once

#include <gtest/gtest.h>

#include "support/kernels.hpp"
#include "support/matcher.hpp"

namespace mylos::test {

struct ShapeCase {
  std::string what;
  std::vector<std::int64_t> shape;
  TensorSpec x{};
  TensorSpec y{};
  std::vector<TensorSpec> operands{};
};

inline StepId step_of_operand(std::size_t i) {
  constexpr StepId steps[] = {StepId::add, StepId::max, StepId::sub, StepId::min};
  return steps[i % 4];
}

/// Integers from low to low + count - 1, by where the element lies.
template <class Exec>
void fill_integers(Data<Exec>& data, std::int64_t low, std::int64_t count, std::int64_t salt) {
  const Tensor& t = data.tensor();
  if (data.dtype() == DType::u8) low = 0;
  const std::vector<std::int64_t> own(t.extent, t.extent + t.rank);
  for_each_element(own, {t}, [&](const std::vector<std::int64_t>& offset) {
    const std::int64_t mixed = ((offset[0] * 7919 + salt) % count + count) % count;
    data.set(offset[0], static_cast<double>(low + mixed));
  });
  data.upload();
}

inline std::string text_of(const Tensor& t) {
  std::string text = std::string(name_of(t.dtype)) + " (";
  for (int d = 0; d < t.rank; ++d) text += std::to_string(t.extent[d]) + ":" + std::to_string(t.stride[d]) + " ";
  return text + "+" + std::to_string(reinterpret_cast<std::uintptr_t>(t.data) % 64) + ")";
}

template <class Exec>
void check_shape(const ShapeCase& c) {
  Data<Exec> x(c.x, c.shape);
  Data<Exec> y(c.y, c.shape);
  fill_integers(x, -60, 121, 13);
  std::vector<Data<Exec>> operands;
  std::vector<Tensor> tensors{x.tensor(), y.tensor()};
  Chain chain;
  std::string text = c.what + ": x " + text_of(x.tensor()) + ", y " + text_of(y.tensor());
  for (const TensorSpec& spec : c.operands) {
    operands.emplace_back(spec, c.shape);
    fill_integers(operands.back(), -3, 7, static_cast<std::int64_t>(operands.size()));
    const Operand operand = operands.back().tensor();
    chain.append(step_of_operand(operands.size() - 1), 0, 0, &operand, 1);
    tensors.push_back(operands.back().tensor());
    text += ", operand " + text_of(tensors.back());
  }
  for (const Kernel<Exec>& kernel : all_kernels<Exec>()) {
    y.poison();
    if (!kernel.run(Exec(), x.tensor(), y.tensor(), chain)) continue;
    y.download();
    Comparison comparison(std::string(Exec::name()) + " " + kernel.name + " " + text, c.y.dtype);
    std::int64_t count = 0;
    for_each_element(c.shape, tensors, [&](const std::vector<std::int64_t>& offset) {
      const double v = x.value(offset[0]);
      double exact = v;
      for (std::size_t o = 0; o < operands.size(); ++o)
        exact = reference::evaluate(step_of_operand(o), exact, 0.0, 0.0, operands[o].value(offset[o + 2]), 0.0);
      comparison.look({count++, v, y.value(offset[1]), y.bits(offset[1]), exact, {exact, exact, false}});
    });
    EXPECT_TRUE(comparison.result());
    EXPECT_EQ(y.written(), count) << Exec::name() << " " << kernel.name << " wrote beside y; " << text;
    if (testing::Test::HasFailure()) return;  // the first wrong case is enough to read
  }
}

}  // namespace mylos::test
