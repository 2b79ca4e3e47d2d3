// Chains: how they are put together and their limits, and long ones against the steps applied one after the other in
// fp64, with the stated bounds carried along.
#include <mylos/chain.hpp>

#include <gtest/gtest.h>

#include <random>

#include "support/kernels.hpp"
#include "support/matcher.hpp"
#include "support/steps.hpp"

namespace mylos::test {
namespace {

std::vector<StepId> ids_of(const Chain& chain) {
  std::vector<StepId> ids;
  for (int s = 0; s < chain.size(); ++s) ids.push_back(chain.step(s).id);
  return ids;
}

Chain repeated(const Chain& chain, int times) {
  Chain all;
  for (int i = 0; i < times; ++i) all.append(chain);
  return all;
}

TEST(ChainOfSteps, KeepsOrderParametersAndOperands) {
  float bias[4] = {};
  double factor[2] = {};
  const Chain chain = gelu() | mul(2) | add(Tensor(bias, {4})) | clamp(-1, 3) | addcmul(Tensor(factor, {2}), 0.5, 7);
  EXPECT_EQ(ids_of(chain),
            (std::vector<StepId>{StepId::gelu, StepId::mul, StepId::add, StepId::clamp, StepId::addcmul}));
  EXPECT_EQ(chain.step(1).scalar[0], 2);
  EXPECT_EQ(chain.step(1).tensor[0], -1);
  EXPECT_EQ(chain.step(2).tensor[0], 0);
  EXPECT_EQ(chain.step(3).parameter[0], -1);
  EXPECT_EQ(chain.step(3).parameter[1], 3);
  EXPECT_EQ(chain.step(4).tensor[0], 1);
  EXPECT_EQ(chain.step(4).tensor[1], -1);
  EXPECT_EQ(chain.step(4).scalar[1], 0.5);
  EXPECT_EQ(chain.step(4).parameter[0], 7);
  ASSERT_EQ(chain.operand_count(), 2);
  EXPECT_EQ(chain.operand(0).data, bias);
  EXPECT_EQ(chain.operand(1).data, factor);
  EXPECT_EQ(chain.operand(1).dtype, DType::f64);
}

TEST(ChainOfSteps, DefaultsAreThoseOfTheTable) {
#define MYLOS_STEP_1(name, p, dp, ...) EXPECT_EQ(steps::name().step(0).parameter[0], dp) << #name;
#define MYLOS_STEP_2(name, p, dp, q, dq, ...)                 \
  EXPECT_EQ(steps::name().step(0).parameter[0], dp) << #name; \
  EXPECT_EQ(steps::name().step(0).parameter[1], dq) << #name;
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) EXPECT_EQ(steps::name(1).step(0).parameter[0], dp) << #name;
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...) EXPECT_EQ(steps::name(1, 2).step(0).parameter[0], dp) << #name;

#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
}

TEST(ChainOfSteps, EveryStepHasItsName) {
#define MYLOS_STEP_ANY(name, ...) EXPECT_STREQ(name_of(StepId::name), #name);

#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
  EXPECT_STREQ(name_of(StepId::count), "unknown");
}

TEST(ChainOfSteps, CopiesAreIndependent) {
  float bias[4] = {};
  const Chain original = relu() | add(Tensor(bias, {4}));
  Chain copy = original;
  copy.append(neg());
  EXPECT_EQ(original.size(), 2);
  EXPECT_EQ(copy.size(), 3);
  Chain assigned = repeated(abs(), 7);
  assigned = original;
  EXPECT_EQ(ids_of(assigned), ids_of(original));
  EXPECT_EQ(assigned.operand(0).data, bias);
}

TEST(ChainOfSteps, AssignedToItselfStaysAsItIs) {
  Chain chain = relu() | neg();
  const Chain& same = chain;
  chain = same;
  EXPECT_EQ(ids_of(chain), (std::vector<StepId>{StepId::relu, StepId::neg}));
}

TEST(ChainOfSteps, AppendedToItselfDoubles) {
  float bias[4] = {};
  Chain chain = relu() | add(Tensor(bias, {4}));
  ASSERT_NO_THROW(chain.append(chain));
  EXPECT_EQ(ids_of(chain), (std::vector<StepId>{StepId::relu, StepId::add, StepId::relu, StepId::add}));
  EXPECT_EQ(chain.step(3).tensor[0], 1);
}

TEST(ChainOfSteps, EmptyChainsAreNeutral) {
  EXPECT_TRUE(Chain().empty());
  EXPECT_EQ(ids_of(Chain() | relu() | Chain()), (std::vector<StepId>{StepId::relu}));
}

TEST(ChainOfSteps, HoldsSixteenStepsAndOperandsAndNoMore) {
  float bias[4] = {};
  const Tensor operand(bias, {4});
  EXPECT_EQ(repeated(relu(), 16).size(), 16);
  EXPECT_THROW(repeated(relu(), 17), Error);
  EXPECT_THROW(repeated(relu(), 9) | repeated(neg(), 8), Error);
  EXPECT_EQ(repeated(add(operand), 16).operand_count(), 16);
  EXPECT_EQ(repeated(lerp(operand, operand), 8).operand_count(), 16);
  EXPECT_THROW(repeated(lerp(operand, operand), 9), Error);
}

// ---- what they compute

constexpr std::int64_t rows = 13;
constexpr std::int64_t columns = 40;

/// Steps that are continuous and do not let values grow much, so that errors can be carried along.
constexpr StepId smooth_steps[] = {
    StepId::relu,     StepId::leaky_relu, StepId::elu,        StepId::celu,        StepId::selu,
    StepId::gelu,     StepId::gelu_tanh,  StepId::sigmoid,    StepId::tanh,        StepId::softplus,
    StepId::softsign, StepId::silu,       StepId::mish,       StepId::hardsigmoid, StepId::hardswish,
    StepId::hardtanh, StepId::relu6,      StepId::softshrink, StepId::tanhshrink,  StepId::abs,
    StepId::neg,      StepId::sin,        StepId::cos,        StepId::erf,         StepId::log_sigmoid,
    StepId::clamp,    StepId::prelu,      StepId::add,        StepId::sub,         StepId::rsub,
    StepId::mul,      StepId::min,        StepId::max,        StepId::masked_fill, StepId::where,
    StepId::lerp,     StepId::addcmul};

int operands_of_step(StepId id) {
#define MYLOS_STEP_OPERAND(name, ...) \
  if (id == StepId::name) return 1;
#define MYLOS_STEP_OPERAND_1(name, ...) \
  if (id == StepId::name) return 1;
#define MYLOS_STEP_OPERANDS(name, ...) \
  if (id == StepId::name) return 2;
#define MYLOS_STEP_OPERANDS_1(name, ...) \
  if (id == StepId::name) return 2;

#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
  return 0;
}

Parameters standard_parameters(StepId id) {
  switch (id) {
#define MYLOS_STEP_1(name, p, dp, ...) \
  case StepId::name:                   \
    return {dp, 0};
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) \
  case StepId::name:                          \
    return {dp, dq};
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) \
  case StepId::name:                              \
    return {dp, 0};
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...) \
  case StepId::name:                                    \
    return {dp, 0};

#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
    default:
      return {};
  }
}

/// A chain with all that is needed to repeat it elsewhere.
template <class Exec>
struct RandomChain {
  explicit RandomChain(std::mt19937& random, DType dtype) {
    const auto draw = [&](std::size_t n) { return random() % n; };
    for (std::size_t left = 1 + draw(16); left > 0; --left) {
      const StepId id = smooth_steps[draw(std::size(smooth_steps))];
      std::vector<Operand> operand;
      for (int o = 0; o < operands_of_step(id); ++o) {
        const bool mask = (id == StepId::where || id == StepId::masked_fill) && o == 0;
        const bool as_tensor = draw(2) == 0 && tensors.size() < 16;
        if (as_tensor) {
          add_tensor(random, mask ? DType::u8 : dtype);
          operand.emplace_back(tensors.back().tensor());
        } else {
          operand.emplace_back(mask ? static_cast<double>(draw(2)) : static_cast<double>(draw(9)) / 4 - 1);
        }
      }
      const Parameters p = standard_parameters(id);
      chain.append(id, p.p, p.q, operand.data(), static_cast<int>(operand.size()));
    }
  }

  /// Multiples of a quarter from -1 to 1, whole or one per row or column; for masks 0 and 1.
  void add_tensor(std::mt19937& random, DType dtype) {
    TensorSpec spec{dtype};
    spec.broadcast = {random() % 3 == 0, random() % 3 == 0};
    tensors.emplace_back(spec, std::vector<std::int64_t>{rows, columns});
    Data<Exec>& data = tensors.back();
    for (std::int64_t i = 0; i < data.tensor().size(); ++i)
      data.set(i, dtype == DType::u8 ? static_cast<double>(random() % 2) : static_cast<double>(random() % 9) / 4 - 1);
    data.upload();
  }

  Chain chain;
  std::vector<Data<Exec>> tensors;
};

struct Carried {
  long double exact;
  long double error;
};

/// One more step: how far an error so far can reach through it, and the step's own.
Carried carry(const Step& step, Carried v, const double* operand, const Arithmetic& arithmetic) {
  const auto f = [&](long double x) {
    return reference::evaluate<long double>(step.id, x, arithmetic.parameter(step.parameter[0]),
                                            arithmetic.parameter(step.parameter[1]), operand[0], operand[1]);
  };
  const long double exact = f(v.exact);
  const long double reach = std::max(std::fabs(f(v.exact + v.error) - exact), std::fabs(f(v.exact - v.error) - exact));
  const reference::StepBound bound = reference::bound_of(step.id);
  const reference::Format format = reference::format_of(arithmetic.compute());
  const long double own = bound.ulp * reference::ulp_of(std::fabs(exact) + reach, format) +
                          bound.input_ulp * reference::ulp_of(std::fabs(v.exact) + v.error, format);
  return {exact, 1.01L * reach + (arithmetic.reduced() ? 128 : 1) * own};
}

template <class Exec>
class ChainOnTensors : public testing::Test {
 protected:
  static void check(RandomChain<Exec>& random, DType dtype, const std::string& what) {
    const Arithmetic arithmetic{dtype, dtype};
    Data<Exec> x(TensorSpec{dtype}, {rows, columns});
    Data<Exec> y(TensorSpec{dtype}, {rows, columns});
    for (std::int64_t i = 0; i < rows * columns; ++i) x.set(i, static_cast<double>(i * 7 % 129 - 64) / 16);
    x.upload();
    const std::vector<Element> expected = evaluate(random, x, arithmetic);
    for (const Kernel<Exec>& kernel : distinct_kernels<Exec>()) {
      y.poison();
      if (!kernel.run(Exec(), x.tensor(), y.tensor(), random.chain)) continue;
      y.download();
      Comparison comparison(std::string(Exec::name()) + " " + kernel.name + " " + what, dtype);
      for (Element e : expected) {
        e.got = y.value(e.index);
        e.bits = y.bits(e.index);
        comparison.look(e);
      }
      EXPECT_TRUE(comparison.result());
    }
  }

 private:
  static std::vector<Element> evaluate(RandomChain<Exec>& random, Data<Exec>& x, const Arithmetic& arithmetic) {
    std::vector<Tensor> tensors{x.tensor()};
    for (const Data<Exec>& t : random.tensors) tensors.push_back(t.tensor());
    std::vector<Element> expected;
    for_each_element({rows, columns}, tensors, [&](const std::vector<std::int64_t>& offset) {
      Carried v{x.value(offset[0]), 0};
      for (int s = 0; s < random.chain.size(); ++s) {
        const Step& step = random.chain.step(s);
        double operand[2] = {};
        for (int o = 0; o < 2; ++o) {
          const auto t = static_cast<std::size_t>(step.tensor[o] < 0 ? 0 : step.tensor[o]);
          operand[o] =
              step.tensor[o] < 0 ? arithmetic.parameter(step.scalar[o]) : random.tensors[t].value(offset[t + 1]);
        }
        v = carry(step, v, operand, arithmetic);
      }
      expected.push_back({static_cast<std::int64_t>(expected.size()), x.value(offset[0]), 0, 0,
                          static_cast<double>(v.exact), accept(v.exact, 0, v.error + 1e-300L, arithmetic)});
    });
    return expected;
  }
};
TYPED_TEST_SUITE(ChainOnTensors, ExecutionSpaces, SpaceName);

TYPED_TEST(ChainOnTensors, LongChainsStayWithinTheirStepsBounds) {
  std::mt19937 random(11);
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64})
    for (int i = 0; i < 60 / thinning + 10 && !this->HasFailure(); ++i) {
      RandomChain<TypeParam> chain(random, dtype);
      std::string what = std::string(name_of(dtype)) + " chain " + std::to_string(i);
      for (const StepId id : ids_of(chain.chain)) what += std::string(" | ") + name_of(id);
      this->check(chain, dtype, what);
    }
}

// Steps are applied in the order they are written, and values between them are not rounded to the tensors' type.
TYPED_TEST(ChainOnTensors, OrderAndWidthBetweenSteps) {
  Data<TypeParam> x(DType::f16, 3);
  Data<TypeParam> y(DType::f16, 3);
  for (std::int64_t i = 0; i < 3; ++i) x.set(i, static_cast<double>(i + 1));
  x.upload();
  const auto run = [&](const Kernel<TypeParam>& kernel, const Chain& chain) {
    y.poison();
    kernel.run(TypeParam(), x.tensor(), y.tensor(), chain);
    y.download();
    return std::vector<double>{y.value(0), y.value(1), y.value(2)};
  };
  for (const Kernel<TypeParam>& kernel : all_kernels<TypeParam>()) {
    if (!kernel.run(TypeParam(), x.tensor(), y.tensor(), Chain())) continue;
    EXPECT_EQ(run(kernel, mul(2) | add(3)), (std::vector<double>{5, 7, 9})) << kernel.name;
    EXPECT_EQ(run(kernel, add(3) | mul(2)), (std::vector<double>{8, 10, 12})) << kernel.name;
    EXPECT_EQ(run(kernel, mul(1e6) | mul(1e-6)), (std::vector<double>{1, 2, 3})) << kernel.name;
    EXPECT_EQ(run(kernel, add(8192.25) | sub(8192)), (std::vector<double>{1.25, 2.25, 3.25})) << kernel.name;
    EXPECT_EQ(run(kernel, add(8192.25) | cast(DType::f16) | sub(8192)), (std::vector<double>{0, 0, 0})) << kernel.name;
    EXPECT_EQ(run(kernel, repeated(add(1), 16)), (std::vector<double>{17, 18, 19})) << kernel.name;
  }
}

}  // namespace
}  // namespace mylos::test
