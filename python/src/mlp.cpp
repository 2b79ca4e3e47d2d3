#include <mylos/mlp.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

/// A small network that keeps its arrays.
class PyMlp {
 public:
  struct Layer {
    nb::object weight;
    nb::object bias;
    PyChain chain;
  };

  PyMlp& layer(Array weight, Array bias, const PyChain* chain) {
    layers_.push_back({nb::borrow(weight.handle), nb::borrow(bias.handle), chain != nullptr ? *chain : PyChain()});
    return *this;
  }

  Mlp resolve(Call& call) const {
    Mlp network;
    for (const Layer& layer : layers_) {
      const Tensor weight = call.input(layer.weight, "weight");
      const Tensor bias = call.optional_input(layer.bias, "bias");
      network.layer(weight, bias, layer.chain.resolve(call));
    }
    return network;
  }

  /// Features that come out, 0 where that cannot be said: the operator says what is wrong.
  static std::int64_t width(const Mlp& network) {
    if (network.size() == 0) return 0;
    const Tensor& weight = network[network.size() - 1].weight;
    return weight.rank > 0 ? weight.extent[0] : 0;
  }
  int size() const { return static_cast<int>(layers_.size()); }

 private:
  std::vector<Layer> layers_;
};

Result run(const PyMlp& network, Array x, int axis, Array out) {
  Call call("mlp");
  const Tensor from = call.input(x.handle, "x");
  const Mlp resolved = network.resolve(call);
  Extents extents(from);
  const int features = axis < 0 ? axis + extents.rank : axis;
  if (features >= 0 && features < extents.rank) extents.extent[features] = PyMlp::width(resolved);
  const Tensor y = call.output(out.handle, extents, from.dtype, &from);
  return {call.run([&](const detail::Execution& exec) { detail::mlp(exec, resolved, from, y, axis); })};
}

}  // namespace

void bind_mlp(nb::module_& m) {
  nb::class_<PyMlp>(m, "Mlp", "The layers of a small network: Mlp().layer(w1, b1, steps.relu()).layer(w2, b2).")
      .def(nb::init<>())
      .def("layer", &PyMlp::layer, nb::arg("weight"), nb::arg("bias").none() = none(), nb::arg("chain").none() = none(),
           nb::rv_policy::reference_internal, "Adds a layer: weight (out, in), bias (out), widths 1 to 128.")
      .def("__len__", &PyMlp::size);
  m.def("mlp", &run, nb::arg("network"), nb::arg("x"), nb::arg("axis") = -1, nb::kw_only(),
        nb::arg("out").none() = none(),
        "The network at all samples in one pass: x has the first layer's `in` features along the axis, the result the "
        "last\n"
        "layer's `out`.\n\n"
        "Any strides; f64, f32, f16, bf16. Returns an array of x's element type, or `out`, which may be x. Raises "
        "Error for\n"
        "networks without layers, widths that do not fit or exceed 128, shapes, element types and overlap.");
}

}  // namespace mylos::python
