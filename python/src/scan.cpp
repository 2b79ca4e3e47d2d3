#include <mylos/scan.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

using detail::ScanId;

struct Options {
  int axis;
  bool reverse;
  bool exclusive;
  Array mask;
  const PyChain* before;
  const PyChain* after;
};

nb::object scan(ScanId id, const char* function, Array x, const Options& o, bool indices, Array out) {
  Call call(function);
  const Tensor from = call.input(x.handle, "x");
  const Chain before = call.chain(o.before);
  const Chain after = call.chain(o.after);
  const Tensor mask = call.optional_input(o.mask.handle, "mask");
  nb::handle first = out.handle;
  nb::handle second = nb::handle(Py_None);
  if (indices && !out.handle.is_none()) {
    if (PyTuple_Check(out.handle.ptr()) == 0 || PyTuple_GET_SIZE(out.handle.ptr()) != 2)
      call.refuse("out", "a tuple of two arrays is expected");
    first = PyTuple_GET_ITEM(out.handle.ptr(), 0);
    second = PyTuple_GET_ITEM(out.handle.ptr(), 1);
  }
  const Extents extents(from);
  const bool integer = !is_floating(from.dtype);
  const Tensor y = call.output(first, extents, integer ? DType::i64 : from.dtype, &from);
  const Tensor places = indices ? call.output(second, extents, DType::i64, &from) : Tensor();
  const Scan flags = (o.reverse ? Scan::reverse : Scan::forward) | (o.exclusive ? Scan::exclusive : Scan::forward);
  return call.run([&](const detail::Execution& exec) {
    detail::scan(exec, {id, function, from, y, places, mask, o.axis, flags}, before, after);
  });
}

std::string about(const char* formula) {
  return std::string(formula) +
         "\n\nx: any shape and strides. reverse: from the end; exclusive: without the element itself. mask: a bool "
         "array\n"
         "that broadcasts to x; elements where it is False count as the identity. Returns an array of x's shape and\n"
         "element type (sums and products of integers: int64), or `out`, which may be x. `before` acts on x, `after` "
         "on\n"
         "what is written. Raises Error for the axis, shapes, element types and partial overlap.";
}

void bind_plain(nb::module_& m, const char* name, ScanId id, const char* formula) {
  m.def(
      name,
      [name, id](Array x, int axis, bool reverse, bool exclusive, Array mask, const PyChain* before,
                 const PyChain* after, Array out) {
        return Result{scan(id, name, x, {axis, reverse, exclusive, mask, before, after}, false, out)};
      },
      nb::arg("x"), nb::arg("axis") = -1, nb::kw_only(), nb::arg("reverse") = false, nb::arg("exclusive") = false,
      nb::arg("mask").none() = none(), nb::arg("before").none() = none(), nb::arg("after").none() = none(),
      nb::arg("out").none() = none(), documented(about(formula)));
}

void bind_extremum(nb::module_& m, const char* name, ScanId id, const char* formula) {
  m.def(
      name,
      [name, id](Array x, int axis, bool indices, bool reverse, bool exclusive, Array mask, const PyChain* before,
                 const PyChain* after, Array out) {
        return scan(id, name, x, {axis, reverse, exclusive, mask, before, after}, indices, out);
      },
      nb::arg("x"), nb::arg("axis") = -1, nb::kw_only(), nb::arg("indices") = false, nb::arg("reverse") = false,
      nb::arg("exclusive") = false, nb::arg("mask").none() = none(), nb::arg("before").none() = none(),
      nb::arg("after").none() = none(), nb::arg("out").none() = none(),
      documented(about(formula) + "\nindices: returns (values, positions), and `out` is such a pair."));
}

}  // namespace

void bind_scan(nb::module_& m) {
  bind_plain(m, "cumsum", ScanId::cumsum, "x_0 + ... + x_i along the axis.");
  bind_plain(m, "cumprod", ScanId::cumprod, "x_0 x_1 ... x_i along the axis.");
  bind_plain(m, "logcumsumexp", ScanId::logcumsumexp, "log(e^x_0 + ... + e^x_i) along the axis.");
  bind_extremum(m, "cummax", ScanId::cummax, "max(x_0, ..., x_i) along the axis.");
  bind_extremum(m, "cummin", ScanId::cummin, "min(x_0, ..., x_i) along the axis.");
}

}  // namespace mylos::python
