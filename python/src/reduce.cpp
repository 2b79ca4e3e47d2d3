#include <mylos/reduce.hpp>

#include "bind.hpp"

namespace mylos::python {
namespace {

enum class Kind { value, index, count, logical };

struct Type {
  DType dtype;
  bool boolean = false;
};

// Integers keep to integers where the operator lets them; means and the like of integers are f64, as NumPy's.
Type result_type(ReductionId id, Kind kind, const Tensor& x) {
  if (kind == Kind::logical) return {DType::u8, true};
  if (kind == Kind::index || kind == Kind::count) return {DType::i64};
  if (is_floating(x.dtype)) return {x.dtype};
  if (id == ReductionId::sum || id == ReductionId::prod) return {DType::i64};
  const bool extreme = id == ReductionId::amax || id == ReductionId::amin || id == ReductionId::amax_argmax ||
                       id == ReductionId::amin_argmin;
  return {extreme ? x.dtype : DType::f64};
}

struct Options {
  double parameter;
  bool keepdims;
  const PyChain* before;
  const PyChain* after;
};

Extents reduced(const Tensor& x, const Axes& axes, bool keepdims) {
  int axis[max_rank];
  for (int i = 0; i < axes.size(); ++i) axis[i] = axes[i];
  return python::reduced(x, axis, axes.size(), keepdims);
}

Result reduce_one(ReductionId id, const char* function, Kind kind, Array x, const Axes& axes, const Options& options,
                  Array out) {
  Call call(function);
  const Tensor from = call.input(x.handle, "x");
  const Chain before = call.chain(options.before);
  const Chain after = call.chain(options.after);
  const Type type = result_type(id, kind, from);
  const Tensor y = call.output(out.handle, reduced(from, axes, options.keepdims), type.dtype, nullptr, type.boolean);
  return {call.run([&](const detail::Execution& exec) {
    detail::reduce(id, function, exec, from, y, Tensor(), axes, options.parameter, before, after);
  })};
}

nb::object item(nb::handle pair, const Call& call, int i) {
  if (pair.is_none()) return nb::none();
  if (PyTuple_Check(pair.ptr()) == 0 || PyTuple_GET_SIZE(pair.ptr()) != 2)
    call.refuse("out", "a tuple of two arrays is expected");
  return nb::borrow(PyTuple_GET_ITEM(pair.ptr(), i));
}

nb::object reduce_two(ReductionId id, const char* function, Array x, const Axes& axes, const Options& options,
                      Array out) {
  Call call(function);
  const Tensor from = call.input(x.handle, "x");
  const Chain before = call.chain(options.before);
  const Extents extents = reduced(from, axes, options.keepdims);
  const DType first = result_type(id, Kind::value, from).dtype;
  const DType second = id == ReductionId::moments ? first : DType::i64;
  const Tensor y = call.output(item(out.handle, call, 0), extents, first);
  const Tensor z = call.output(item(out.handle, call, 1), extents, second);
  return call.run([&](const detail::Execution& exec) {
    detail::reduce(id, function, exec, from, y, z, axes, options.parameter, before, Chain());
  });
}

std::string about(const char* formula, const char* result, const char* source) {
  return std::string(formula) +
         "\n\nx: any shape and strides. axis: an int, several, or None for all. Returns an array without these axes, "
         "or\n"
         "with extent 1 along them (keepdims), of " +
         result +
         "; or `out`.\n"
         "`before` acts on x as it is read, `after` on each result. Raises Error for axes that do not exist, `out` of\n"
         "another shape, element types and overlap. Source: " +
         source + ".";
}

const char* type_text(Kind kind) {
  switch (kind) {
    case Kind::value:
      return "x's element type (of integers: int64 for sums and products, float64 for means)";
    case Kind::logical:
      return "bool";
    case Kind::index:
    case Kind::count:
      break;
  }
  return "int64";
}

}  // namespace

void bind_reduce(nb::module_& m) {
#define MYLOS_TAIL                                                                                                 \
  nb::kw_only(), nb::arg("keepdims") = false, nb::arg("before").none() = none(), nb::arg("after").none() = none(), \
                 nb::arg("out").none() = none()
#define MYLOS_REDUCTION(name, result, monoid, prepare, finish, formula, bound, source)                         \
  m.def(                                                                                                       \
      #name,                                                                                                   \
      [](Array x, const Axes& axes, bool keepdims, const PyChain* before, const PyChain* after, Array out) {   \
        return reduce_one(ReductionId::name, #name, Kind::result, x, axes, {0, keepdims, before, after}, out); \
      },                                                                                                       \
      nb::arg("x"), nb::arg("axis").none() = none(), MYLOS_TAIL,                                               \
      documented(about(formula, type_text(Kind::result), source)));
#define MYLOS_REDUCTION_1(name, p, dp, result, monoid, prepare, finish, formula, bound, source)                        \
  m.def(                                                                                                               \
      #name,                                                                                                           \
      [](Array x, const Axes& axes, double parameter, bool keepdims, const PyChain* before, const PyChain* after,      \
         Array out) {                                                                                                  \
        return reduce_one(ReductionId::name, #name, Kind::result, x, axes, {parameter, keepdims, before, after}, out); \
      },                                                                                                               \
      nb::arg("x"), nb::arg("axis").none() = none(), nb::arg(#p) = double(dp), MYLOS_TAIL,                             \
      documented(about(formula, type_text(Kind::result), source)));
#include <mylos/reductions.def>
#undef MYLOS_TAIL

#define MYLOS_TAIL \
  nb::kw_only(), nb::arg("keepdims") = false, nb::arg("before").none() = none(), nb::arg("out").none() = none()
#define MYLOS_EXTREMA(name, text)                                                                  \
  m.def(                                                                                           \
      #name,                                                                                       \
      [](Array x, const Axes& axes, bool keepdims, const PyChain* before, Array out) {             \
        return reduce_two(ReductionId::name, #name, x, axes, {0, keepdims, before, nullptr}, out); \
      },                                                                                           \
      nb::arg("x"), nb::arg("axis").none() = none(), MYLOS_TAIL,                                   \
      documented(                                                                                  \
          about(text, "x's element type and of int64; `out` is a pair, too", "PyTorch max and min with a dim")));
  MYLOS_EXTREMA(amax_argmax, "The largest values and their indices, in one pass: (values, indices).")
  MYLOS_EXTREMA(amin_argmin, "The smallest values and their indices, in one pass: (values, indices).")
#undef MYLOS_EXTREMA
  m.def(
      "moments",
      [](Array x, const Axes& axes, double correction, bool keepdims, const PyChain* before, Array out) {
        return reduce_two(ReductionId::moments, "moments", x, axes, {correction, keepdims, before, nullptr}, out);
      },
      nb::arg("x"), nb::arg("axis").none() = none(), nb::arg("correction") = 0.0, MYLOS_TAIL,
      documented(about("Mean and variance in one pass: (mean, variance).", "x's element type; `out` is a pair, too",
                       "PyTorch var_mean")));
#undef MYLOS_TAIL
}

}  // namespace mylos::python
