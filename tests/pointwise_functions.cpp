// One step, three ways: the named function, the chain's step and the inline function of op.hpp in a kernel of one's own
// give the same answer, and so do the paths wherever nothing but exact or correctly rounded arithmetic is done.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>

#include "support/accuracy.hpp"

namespace mylos::test {
namespace {

constexpr std::int64_t extent = 2003;

/// Numbers from -8 to 8, zeros, infinities and NaN.
template <class Exec>
void fill(Data<Exec>& data) {
  for (std::int64_t i = 0; i < extent; ++i)
    data.set(i, reference::round_to(static_cast<double>(i * 7 % extent - extent / 2) / (extent / 16.0), data.dtype()));
  const double special[] = {0.0, -0.0, INFINITY, -INFINITY, std::nan(""), 1e-30, -1e-30, 1e4, -1e4};
  for (std::size_t i = 0; i < std::size(special); ++i)
    data.set(static_cast<std::int64_t>(i) * 101, reference::round_to(special[i], data.dtype()));
  data.upload();
}

template <class Exec>
struct Tensors {
  explicit Tensors(DType dtype)
      : x(dtype, extent), a(dtype, extent), b(dtype, extent), y(dtype, extent), z(dtype, extent) {
    fill(x);
    for (std::int64_t i = 0; i < extent; ++i) {
      a.set(i, reference::round_to(static_cast<double>(i % 5) - 1.75, dtype));
      b.set(i, reference::round_to(static_cast<double>(i % 3) * 0.5, dtype));
    }
    a.upload();
    b.upload();
  }
  /// Elements of y and z that differ; both must be written.
  std::int64_t differences() {
    Exec().fence();
    y.download();
    z.download();
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < extent; ++i)
      n += y.is_poison(i) || !(y.value(i) == z.value(i) || (y.value(i) != y.value(i) && z.value(i) != z.value(i))) ? 1
                                                                                                                   : 0;
    return n;
  }
  void poison() {
    y.poison();
    z.poison();
  }
  Data<Exec> x, a, b, y, z;
};

template <class Exec>
class PointwiseFunctions : public testing::Test {};
TYPED_TEST_SUITE(PointwiseFunctions, ExecutionSpaces, SpaceName);

TYPED_TEST(PointwiseFunctions, NamedFunctionsAreTheChainsSteps) {
  const TypeParam exec;
  Tensors<TypeParam> t(DType::f32);
  const auto check = [&](const char* name, const Chain& chain, const auto& call) {
    t.poison();
    call();
    map(exec, chain, t.x.tensor(), t.z.tensor());
    EXPECT_EQ(t.differences(), 0) << name;
  };
  const Tensor x = t.x.tensor();
  const Tensor y = t.y.tensor();
  const Tensor a = t.a.tensor();
  const Tensor b = t.b.tensor();
#define MYLOS_STEP(name, ...) check(#name, steps::name(), [&] { mylos::name(exec, x, y); });
#define MYLOS_STEP_1(name, ...)                                  \
  check(#name, steps::name(), [&] { mylos::name(exec, x, y); }); \
  check(#name, steps::name(1.0), [&] { mylos::name(exec, x, y, 1.0); });
#define MYLOS_STEP_2(name, ...)                                          \
  check(#name, steps::name(), [&] { mylos::name(exec, x, y); });         \
  check(#name, steps::name(0.5), [&] { mylos::name(exec, x, y, 0.5); }); \
  check(#name, steps::name(0.5, 2.0), [&] { mylos::name(exec, x, y, 0.5, 2.0); });
#define MYLOS_STEP_OPERAND(name, ...)                                \
  check(#name, steps::name(a), [&] { mylos::name(exec, x, a, y); }); \
  check(#name, steps::name(0.75), [&] { mylos::name(exec, x, 0.75, y); });
#define MYLOS_STEP_OPERAND_1(name, ...)                              \
  check(#name, steps::name(a), [&] { mylos::name(exec, x, a, y); }); \
  check(#name, steps::name(b, 3.0), [&] { mylos::name(exec, x, b, y, 3.0); });
#define MYLOS_STEP_OPERANDS(name, ...)                                     \
  check(#name, steps::name(a, b), [&] { mylos::name(exec, x, a, b, y); }); \
  check(#name, steps::name(0, b), [&] { mylos::name(exec, x, 0, b, y); }); \
  check(#name, steps::name(b, 3), [&] { mylos::name(exec, x, b, 3, y); });
#define MYLOS_STEP_OPERANDS_1(name, ...)                                   \
  check(#name, steps::name(a, b), [&] { mylos::name(exec, x, a, b, y); }); \
  check(#name, steps::name(b, 2, 0.25), [&] { mylos::name(exec, x, b, 2, y, 0.25); });
#include <mylos/steps.def>
  check("scale", mul(a), [&] { map(exec, scale(a), x, y); });
  check("convert", Chain(), [&] { convert(exec, x, y); });
}

/// A kernel of a user's own; one for all steps, because there are many execution spaces to compile it for.
template <class T>
struct UserKernel {
  StepId id;
  T p, q;
  const T* x;
  const T* a;
  const T* b;
  T* y;
  KOKKOS_FUNCTION void operator()(const int i) const {
    switch (id) {
#define MYLOS_STEP(name, ...) \
  case StepId::name:          \
    y[i] = op::name(x[i]);    \
    return;
#define MYLOS_STEP_1(name, ...) \
  case StepId::name:            \
    y[i] = op::name(x[i], p);   \
    return;
#define MYLOS_STEP_2(name, ...)  \
  case StepId::name:             \
    y[i] = op::name(x[i], p, q); \
    return;
#define MYLOS_STEP_OPERAND(name, ...) \
  case StepId::name:                  \
    y[i] = op::name(x[i], a[i]);      \
    return;
#define MYLOS_STEP_OPERAND_1(name, ...) \
  case StepId::name:                    \
    y[i] = op::name(x[i], a[i], p);     \
    return;
#define MYLOS_STEP_OPERANDS(name, ...) \
  case StepId::name:                   \
    y[i] = op::name(x[i], a[i], b[i]); \
    return;
#define MYLOS_STEP_OPERANDS_1(name, ...)  \
  case StepId::name:                      \
    y[i] = op::name(x[i], a[i], b[i], p); \
    return;
#include <mylos/steps.def>
      case StepId::count:
        return;
    }
  }
};

template <class T, class Exec>
void check_in_user_kernels() {
  const DType dtype = dtype_of<T>;
  const Arithmetic arithmetic{dtype, dtype};
  Tensors<Exec> t(dtype);
  const auto pointer = [](Data<Exec>& data) { return static_cast<T*>(data.tensor().data); };
  for (const StepCase& step : all_step_cases()) {
    t.y.poison();
    const T p = static_cast<T>(step.parameters.p);
    const T q = static_cast<T>(step.parameters.q);
    const UserKernel<T> kernel{step.id, p, q, pointer(t.x), pointer(t.a), pointer(t.b), pointer(t.y)};
    const Exec exec;
    Kokkos::parallel_for("user", Kokkos::RangePolicy<Exec>(exec, 0, static_cast<int>(extent)), kernel);
    exec.fence();
    t.y.download();
    Comparison comparison(std::string(Exec::name()) + " op::" + step.name(), dtype);
    for (std::int64_t i = 0; i < extent; ++i) {
      const long double x = t.x.value(i);
      const auto exact = reference::evaluate<long double>(step.id, x, p, q, t.a.value(i), t.b.value(i));
      comparison.look({i, t.x.value(i), t.y.value(i), t.y.bits(i), static_cast<double>(exact),
                       accept(step.id, exact, x, arithmetic)});
    }
    EXPECT_TRUE(comparison.result());
  }
}

TYPED_TEST(PointwiseFunctions, InlineFunctionsInKernelsOfOnesOwn) {
  check_in_user_kernels<float, TypeParam>();
  check_in_user_kernels<double, TypeParam>();
}

/// Whether a step's arithmetic has one right answer on the host: no elementary function, no product and sum to fuse.
bool is_exactly_determined(StepId id) {
  switch (id) {
    case StepId::relu:
    case StepId::leaky_relu:
    case StepId::softsign:
    case StepId::hardtanh:
    case StepId::relu6:
    case StepId::threshold:
    case StepId::softshrink:
    case StepId::hardshrink:
    case StepId::abs:
    case StepId::neg:
    case StepId::sign:
    case StepId::square:
    case StepId::sqrt:
    case StepId::reciprocal:
    case StepId::floor:
    case StepId::ceil:
    case StepId::round:
    case StepId::clamp:
    case StepId::cast:
    case StepId::prelu:
    case StepId::add:
    case StepId::sub:
    case StepId::rsub:
    case StepId::mul:
    case StepId::div:
    case StepId::rdiv:
    case StepId::min:
    case StepId::max:
    case StepId::masked_fill:
    case StepId::where:
      return true;
    default:
      return false;
  }
}

// On a GPU generic and hand-written kernels call the same functions, so there all steps agree.
TYPED_TEST(PointwiseFunctions, PathsAgreeBitForBit) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    Tensors<TypeParam> t(dtype);
    for (const StepCase& step : all_step_cases()) {
      if (on_host<TypeParam> && !is_exactly_determined(step.id)) continue;
      const Chain chain = step.chain({t.a.tensor(), t.b.tensor()});
      for (const Kernel<TypeParam>& kernel : all_kernels<TypeParam>()) {
        t.poison();
        if (!kernel.run(TypeParam(), t.x.tensor(), t.y.tensor(), chain)) continue;
        const ScopedPath generic(Path::generic);
        map(TypeParam(), chain, t.x.tensor(), t.z.tensor());
        EXPECT_EQ(t.differences(), 0) << kernel.name << " " << step.name() << " " << name_of(dtype);
      }
    }
  }
}

// What IEEE says of the sign of zero, where equality of numbers does not see it.
TYPED_TEST(PointwiseFunctions, SignsOfZero) {
  Tensors<TypeParam> t(DType::f32);
  const auto negative = [&](const Chain& chain, double x) {
    t.x.set(0, x);
    t.x.upload();
    std::vector<bool> signs;
    for (const Kernel<TypeParam>& kernel : all_kernels<TypeParam>()) {
      t.poison();
      if (!kernel.run(TypeParam(), t.x.tensor(), t.y.tensor(), chain)) continue;
      t.y.download();
      EXPECT_EQ(t.y.value(0), 0);
      signs.push_back(std::signbit(t.y.value(0)));
    }
    EXPECT_EQ(std::count(signs.begin(), signs.end(), signs.front()), static_cast<std::ptrdiff_t>(signs.size()));
    return static_cast<bool>(signs.front());
  };
  EXPECT_TRUE(negative(neg(), 0.0));
  EXPECT_FALSE(negative(neg(), -0.0));
  EXPECT_FALSE(negative(abs(), -0.0));
  for (const Chain& odd :
       {sqrt(), sin(), steps::tanh(), erf(), expm1(), log1p(), floor(), ceil(), round(), softsign()}) {
    EXPECT_TRUE(negative(odd, -0.0)) << name_of(odd.step(0).id);
    EXPECT_FALSE(negative(odd, 0.0)) << name_of(odd.step(0).id);
  }
  EXPECT_TRUE(negative(round(), -0.3));
  EXPECT_TRUE(negative(ceil(), -0.3));
}

}  // namespace
}  // namespace mylos::test
