// Chain: a short run-time list of pointwise steps, `gelu() | mul(2) | add(bias)`, which every operator applies in
// registers while its data passes. Free of Kokkos and vendor headers.
#pragma once

#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>

#include <mylos/tensor.hpp>

#define MYLOS_INFINITY std::numeric_limits<double>::infinity()

namespace mylos {

/// One number per step, in the order of steps.def: first those without tensor operands, then those with one, then two.
enum class StepId : std::uint8_t {
#define MYLOS_STEP_ANY(name, ...) name,
#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
  count
};

inline constexpr int max_steps = 16;
inline constexpr int max_operands = 16;

namespace detail {

/// Up to N values in place, the unused ones never constructed: an empty chain must cost nothing to make or to copy.
template <class T, int N>
class FixedVector {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  FixedVector() {}  // NOLINT(modernize-use-equals-default): FixedVector() would then fill all of it with zeros
  FixedVector(const FixedVector& other) { *this = other; }
  FixedVector& operator=(const FixedVector& other) {
    if (this == &other) return *this;
    for (size_ = 0; size_ < other.size_;) push_back(other[size_]);
    return *this;
  }
  int size() const { return size_; }
  const T& operator[](int i) const { return *std::launder(reinterpret_cast<const T*>(storage_) + i); }
  void push_back(const T& value) {
    ::new (static_cast<void*>(storage_ + sizeof(T) * static_cast<unsigned>(size_++))) T(value);
  }

 private:
  int size_ = 0;
  alignas(T) unsigned char storage_[sizeof(T) * N];
};

}  // namespace detail

/// A scalar or a tensor that broadcasts (as in NumPy, aligned at the last dimension) to the shape the chain runs over.
/// The tensor is not owned and must live until the operator has run.
class Operand {
 public:
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  Operand(T scalar) : scalar_(static_cast<double>(scalar)) {}           // NOLINT(google-explicit-constructor)
  Operand(const Tensor& tensor) : tensor_(tensor), is_tensor_(true) {}  // NOLINT(google-explicit-constructor)
  template <class V, class = detail::EnableIfView<V>>
  Operand(const V& view) : tensor_(view), is_tensor_(true) {}  // NOLINT(google-explicit-constructor)

  bool is_tensor() const { return is_tensor_; }
  double scalar() const { return scalar_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Tensor tensor_;
  double scalar_ = 0;
  bool is_tensor_ = false;
};

/// One step: its number, its scalar parameters, and for each operand either a scalar or the index of a tensor.
struct Step {
  StepId id = StepId::count;
  std::int8_t tensor[2] = {-1, -1};
  double parameter[2] = {0, 0};
  double scalar[2] = {0, 0};
};

/// Up to 16 steps and 16 tensor operands, applied in order. Values are f32 between the steps, f64 where an operator's
/// input or output is f64; 16-bit tensors use the reduced elementary functions (docs/numerics.md).
class Chain {
 public:
  Chain() {}  // NOLINT(modernize-use-equals-default): as FixedVector's
  int size() const { return steps_.size(); }
  bool empty() const { return size() == 0; }
  const Step& step(int i) const { return steps_[i]; }
  int operand_count() const { return operands_.size(); }
  const Tensor& operand(int i) const { return operands_[i]; }

  /// Adds one step at the end. Throws Error beyond 16 steps or 16 tensor operands.
  Chain& append(StepId id, double p, double q, const Operand* operands, int count) {
    Step step;
    step.id = id;
    step.parameter[0] = p;
    step.parameter[1] = q;
    for (int i = 0; i < count; ++i) {
      if (operands[i].is_tensor())
        step.tensor[i] = append_operand(operands[i].tensor());
      else
        step.scalar[i] = operands[i].scalar();
    }
    return append_step(step);
  }

  Chain& append(const Chain& other) {
    for (int s = 0, n = other.size(); s < n; ++s) {  // n: `other` may be this chain
      Step step = other.step(s);
      for (std::int8_t& tensor : step.tensor)
        if (tensor >= 0) tensor = append_operand(other.operand(tensor));
      append_step(step);
    }
    return *this;
  }

 private:
  Chain& append_step(const Step& step) {
    if (size() == max_steps) throw Error("mylos::Chain: more than 16 steps");
    steps_.push_back(step);
    return *this;
  }
  std::int8_t append_operand(const Tensor& tensor) {
    if (operand_count() == max_operands) throw Error("mylos::Chain: more than 16 tensor operands");
    operands_.push_back(tensor);
    return static_cast<std::int8_t>(operand_count() - 1);
  }

  detail::FixedVector<Step, max_steps> steps_;
  detail::FixedVector<Tensor, max_operands> operands_;
};

/// The steps of a, then those of b.
inline Chain operator|(const Chain& a, const Chain& b) {
  Chain both(a);
  both.append(b);
  return both;
}

inline const char* name_of(StepId id) {
  switch (id) {
#define MYLOS_STEP_ANY(name, ...) \
  case StepId::name:              \
    return #name;
#include <mylos/steps.def>
#undef MYLOS_STEP_ANY
    case StepId::count:
      break;
  }
  return "unknown";
}

inline namespace steps {

inline Chain one_step(StepId id, double p = 0, double q = 0) { return Chain().append(id, p, q, nullptr, 0); }

// The constructors of the steps: gelu(), leaky_relu(0.2), add(bias), where(mask, 0), ...
#define MYLOS_STEP(name, ...) \
  inline Chain name() { return one_step(StepId::name); }
#define MYLOS_STEP_1(name, p, dp, ...) \
  inline Chain name(double p = dp) { return one_step(StepId::name, p); }
#define MYLOS_STEP_2(name, p, dp, q, dq, ...) \
  inline Chain name(double p = dp, double q = dq) { return one_step(StepId::name, p, q); }
#define MYLOS_STEP_OPERAND(name, o, ...) \
  inline Chain name(const Operand& o) { return Chain().append(StepId::name, 0, 0, &o, 1); }
#define MYLOS_STEP_OPERAND_1(name, o, p, dp, ...) \
  inline Chain name(const Operand& o, double p = dp) { return Chain().append(StepId::name, p, 0, &o, 1); }
#define MYLOS_STEP_OPERANDS(name, o1, o2, ...)              \
  inline Chain name(const Operand& o1, const Operand& o2) { \
    const Operand operands[] = {o1, o2};                    \
    return Chain().append(StepId::name, 0, 0, operands, 2); \
  }
#define MYLOS_STEP_OPERANDS_1(name, o1, o2, p, dp, ...)                    \
  inline Chain name(const Operand& o1, const Operand& o2, double p = dp) { \
    const Operand operands[] = {o1, o2};                                   \
    return Chain().append(StepId::name, p, 0, operands, 2);                \
  }
#include <mylos/steps.def>

/// Another name of mul(factor).
inline Chain scale(const Operand& factor) { return mul(factor); }

/// Rounds to `dtype` (f32, f16 or bf16; f64 changes nothing) and back.
inline Chain cast(DType dtype) { return cast(static_cast<double>(static_cast<int>(dtype))); }

}  // namespace steps
}  // namespace mylos
