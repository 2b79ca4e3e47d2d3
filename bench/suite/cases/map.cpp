#include "suite/cases/families.hpp"

namespace mylos::bench {
namespace {

constexpr std::int64_t sample_size = std::int64_t{1} << 16;

/// y against the chain at a sample of places.
ErrorFigures check_map(const Exec& exec, const Tensors& t, const Chain& chain) {
  const Shape shape = shape_of(t[1]);
  std::vector<Shape> places;
  for (const std::int64_t i : spread(sample_size, count_of(shape))) places.push_back(place_of(i, shape));
  const auto values_of = [&](const Tensor& tensor) {
    std::vector<std::int64_t> offsets;
    for (const Shape& place : places) offsets.push_back(broadcast_offset(tensor, shape, place));
    return read_at(exec, tensor, offsets);
  };
  const std::vector<double> x = values_of(t[0]);
  const std::vector<double> y = values_of(t[1]);
  std::vector<std::vector<double>> operands;
  for (int i = 0; i < chain.operand_count(); ++i) operands.push_back(values_of(chain.operand(i)));

  const Arithmetic arithmetic{t[0].dtype, t[1].dtype};
  ErrorMeter meter;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const OperandValue operand = [&](int tensor) { return operands[static_cast<std::size_t>(tensor)][i]; };
    const MlpValue exact = through(chain, {static_cast<Real>(x[i]), 0}, operand, arithmetic);
    meter.add_stored(y[i], exact.value, exact.error, arithmetic);
  }
  return meter.figures();
}

}  // namespace

CaseSpec map_case(const Title& title, const Shape& shape, const MapArguments& arguments) {
  CaseSpec spec = case_spec(title, "map", text_of(shape), arguments.layout);
  spec.tensors = {{"x", title.dtype, shape, Role::input, arguments.layout, arguments.content},
                  output("y", title.dtype, shape, arguments.layout)};
  spec.tensors.insert(spec.tensors.end(), arguments.operands.begin(), arguments.operands.end());
  spec.bind = [arguments](const Exec& exec, const Tensors& t) -> Call {
    if (arguments.call) return [exec, t, call = arguments.call] { call(exec, t); };
    return [exec, t, chain = arguments.chain(t)] { map(exec, chain, t[0], t[1]); };
  };
  spec.check = [make = arguments.chain](const Exec& exec, const Tensors& t) { return check_map(exec, t, make(t)); };
  return spec;
}

}  // namespace mylos::bench
