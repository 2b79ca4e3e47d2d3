#include "c/arguments.hpp"

namespace mylos::c {
namespace {

// More than any machine addresses; products of two such numbers still fit 128 bits, sums of many 64.
constexpr std::int64_t largest = std::int64_t{1} << 48;

/// The wide type for products that may leave 64 bits.
__extension__ typedef __int128 Wide;

int operand_count(StepId id) {
  switch (id) {
#define MYLOS_STEP_ANY(name, ...)
#define MYLOS_STEP_OPERAND(name, ...) case StepId::name:
#define MYLOS_STEP_OPERAND_1(name, ...) case StepId::name:
#include <mylos/steps.def>
    return 1;
#define MYLOS_STEP_ANY(name, ...)
#define MYLOS_STEP_OPERANDS(name, ...) case StepId::name:
#define MYLOS_STEP_OPERANDS_1(name, ...) case StepId::name:
#include <mylos/steps.def>
    return 2;
    default:
      return 0;
  }
}

}  // namespace

void Arguments::fail(const char* argument, const std::string& what) const {
  throw Error(std::string("mylos::") + function + ": " + argument + ": " + what);
}

std::int32_t Arguments::choice(const char* argument, std::int32_t given, std::int32_t last) const {
  if (given < 0 || given > last)
    fail(argument, "value " + std::to_string(given) + ", expected 0 to " + std::to_string(last));
  return given;
}

Tensor Arguments::tensor(const char* argument, const mylos_tensor* given) const {
  if (given == nullptr) fail(argument, "NULL, expected a tensor");
  const mylos_tensor& t = *given;
  if (t.dtype < 0 || t.dtype > mylos_dtype_i64)
    fail(argument, "dtype " + std::to_string(t.dtype) + ", expected one of mylos_dtype");
  if (t.rank < 0 || t.rank > max_rank) fail(argument, "rank " + std::to_string(t.rank) + ", expected 0 to 8");
  Tensor tensor;
  tensor.data = t.data;
  tensor.dtype = static_cast<DType>(t.dtype);
  tensor.rank = static_cast<std::int8_t>(t.rank);
  const auto bytes = static_cast<std::int64_t>(size_of(tensor.dtype));
  std::int64_t elements = 1;
  Wide low = 0;
  Wide high = bytes;
  bool empty = false;
  for (int d = 0; d < t.rank; ++d) {
    const std::int64_t extent = tensor.extent[d] = t.extent[d];
    const std::int64_t stride = tensor.stride[d] = t.stride[d];
    if (extent < 0)
      fail(argument,
           "extent " + std::to_string(extent) + " in dimension " + std::to_string(d) + ", expected 0 or more");
    if (stride < -largest || stride > largest || extent > largest)
      fail(argument, "dimension " + std::to_string(d) + " has extent " + std::to_string(extent) + " and stride " +
                         std::to_string(stride) + ", expected at most 2^48");
    empty = empty || extent == 0;
    if (extent == 0) continue;
    if (Wide{elements} * extent > largest) fail(argument, "more than 2^48 elements");
    elements *= extent;
    const Wide reach = Wide{extent - 1} * stride * bytes;
    (reach < 0 ? low : high) += reach;
  }
  if (high - low > largest) fail(argument, "its elements are further apart than 2^48 bytes");
  const auto address = reinterpret_cast<std::uintptr_t>(t.data);
  if ((address & static_cast<std::uintptr_t>(bytes - 1)) != 0) fail(argument, "data is not aligned to its dtype");
  if (!empty && t.data != nullptr && (Wide{address} + low < 0 || Wide{address} + high > Wide{INTPTR_MAX}))
    fail(argument, "its elements reach beyond the address space");
  return tensor;
}

Tensor Arguments::tensor_or_none(const char* argument, const mylos_tensor* given) const {
  return given == nullptr ? Tensor() : tensor(argument, given);
}

Operand Arguments::operand(const char* argument, const mylos_operand& given) const {
  return given.tensor == nullptr ? Operand(given.number) : Operand(tensor(argument, given.tensor));
}

Step Arguments::step(const char* argument, const mylos_step& given, int operands) const {
  Step step;
  step.id = static_cast<StepId>(choice(argument, given.id, mylos_step_count - 1));
  step.parameter[0] = given.parameter[0];
  step.parameter[1] = given.parameter[1];
  if (step.id == StepId::cast) check_cast(given.parameter[0]);
  for (int i = 0; i < operand_count(step.id); ++i) {
    if (given.operand[i] < -1 || given.operand[i] >= operands)
      fail(argument,
           "operand " + std::to_string(given.operand[i]) + ", expected -1 to " + std::to_string(operands - 1));
    step.tensor[i] = static_cast<std::int8_t>(given.operand[i]);
    step.scalar[i] = given.number[i];
  }
  return step;
}

Chain Arguments::chain(const char* argument, const mylos_chain* given) const {
  Chain chain;
  if (given == nullptr) return chain;
  if (given->step_count < 0 || given->step_count > max_steps)
    fail(argument, std::to_string(given->step_count) + " steps, expected 0 to 16");
  if (given->operand_count < 0 || given->operand_count > max_operands)
    fail(argument, std::to_string(given->operand_count) + " operands, expected 0 to 16");
  for (int s = 0; s < given->step_count; ++s) {
    const Step converted = step(argument, given->step[s], given->operand_count);
    const int operands = operand_count(converted.id);
    Operand operand[2] = {0, 0};
    for (int i = 0; i < operands; ++i)
      operand[i] = converted.tensor[i] < 0 ? Operand(converted.scalar[i])
                                           : Operand(tensor(argument, &given->operand[converted.tensor[i]]));
    chain.append(converted.id, converted.parameter[0], converted.parameter[1], operand, operands);
  }
  return chain;
}

Mlp Arguments::network(const char* argument, const mylos_layer* layers, std::int32_t count) const {
  if (count < 0 || count > 4096) fail(argument, std::to_string(count) + " layers, expected 1 to 4096");
  if (layers == nullptr && count != 0) fail(argument, "NULL, expected layers");
  Mlp network;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::string at = std::string(argument) + "[" + std::to_string(i) + "]";
    network.layer(tensor((at + ".weight").c_str(), &layers[i].weight), tensor((at + ".bias").c_str(), &layers[i].bias),
                  chain((at + ".chain").c_str(), &layers[i].chain));
  }
  return network;
}

Axes Arguments::axes(const char* argument, const mylos_axes& given) const {
  if (given.count < 0 || given.count > max_rank) fail(argument, std::to_string(given.count) + " axes, expected 0 to 8");
  return Axes(given.axis, given.count);
}

bool Arguments::flag(const char* argument, std::int32_t given) const { return choice(argument, given, 1) != 0; }

LossReduction Arguments::loss_reduction(const char* argument, mylos_loss_reduction given) const {
  return static_cast<LossReduction>(choice(argument, given, mylos_loss_reduction_batch_mean));
}
Scan Arguments::scan(const char* argument, mylos_scan given) const {
  return static_cast<Scan>(choice(argument, given, mylos_scan_reverse | mylos_scan_exclusive));
}
Precision Arguments::precision(const char* argument, mylos_precision given) const {
  return static_cast<Precision>(choice(argument, given, mylos_precision_half));
}
Determinism Arguments::determinism(const char* argument, mylos_determinism given) const {
  return static_cast<Determinism>(choice(argument, given, mylos_determinism_batch_invariant));
}
MatrixStructure Arguments::matrix_structure(const char* argument, mylos_matrix_structure given) const {
  return static_cast<MatrixStructure>(choice(argument, given, mylos_matrix_structure_symmetric_upper));
}

void Arguments::check_cast(double dtype) const {
  if (!(dtype == 0 || dtype == 1 || dtype == 2 || dtype == 3))  // f64, f32, f16, bf16
    fail("dtype", "value " + std::to_string(dtype) + ", expected the number of f64, f32, f16 or bf16");
}

void Arguments::check_size(std::size_t given, std::size_t expected) const {
  if (given != expected)
    fail("options", "struct_size is " + std::to_string(given) + ", expected " + std::to_string(expected) +
                        ": start from mylos_" + function + "_defaults(), and use the header of this library");
}

}  // namespace mylos::c
