// What Python passes for the library's own types, and how a signature names it.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cstring>
#include <mylos/axes.hpp>
#include <mylos/loss_reduction.hpp>
#include <mylos/matrix_structure.hpp>
#include <mylos/precision.hpp>

#include "array.hpp"

namespace mylos::python {

/// An array; None only where the argument is declared so.
struct Array {
  nb::handle handle;
};
/// A number or an array.
struct Value {
  nb::handle handle;
};
struct Result {
  nb::object object;
};
/// A dtype's name, as the parameter of a step.
struct DTypeName {
  double value = 1;
};

/// The values of an enumeration by their names.
template <class T>
struct Named {
  const char* name;
  T value;
};
inline constexpr Named<DType> dtype_names[] = {
    {"f64", DType::f64},     {"f32", DType::f32},     {"f16", DType::f16},     {"bf16", DType::bf16},
    {"float64", DType::f64}, {"float32", DType::f32}, {"float16", DType::f16}, {"bfloat16", DType::bf16}};
inline constexpr Named<LossReduction> loss_reduction_names[] = {{"none", LossReduction::none},
                                                                {"sum", LossReduction::sum},
                                                                {"mean", LossReduction::mean},
                                                                {"batch_mean", LossReduction::batch_mean},
                                                                {"batchmean", LossReduction::batch_mean}};
inline constexpr Named<Precision> precision_names[] = {
    {"standard", Precision::standard}, {"tf32", Precision::tf32}, {"half", Precision::half}};
inline constexpr Named<MatrixStructure> structure_names[] = {{"general", MatrixStructure::general},
                                                             {"lower", MatrixStructure::lower},
                                                             {"upper", MatrixStructure::upper},
                                                             {"symmetric_lower", MatrixStructure::symmetric_lower},
                                                             {"symmetric_upper", MatrixStructure::symmetric_upper}};

/// Finds the value that a str names; Error lists the names where there is none.
template <class T, std::size_t N>
T named(const char* what, const Named<T> (&names)[N], nb::handle text) {
  const char* given = PyUnicode_Check(text.ptr()) ? PyUnicode_AsUTF8(text.ptr()) : nullptr;
  std::string expected;
  for (const Named<T>& it : names) {
    if (given != nullptr && std::strcmp(it.name, given) == 0) return it.value;
    expected += std::string(expected.empty() ? "'" : ", '") + it.name + "'";
  }
  throw Error(std::string("mylos: ") + what + ": " + (given != nullptr ? "'" + std::string(given) + "'" : "no str") +
              " is not one of " + expected);
}

}  // namespace mylos::python

namespace nanobind::detail {

template <>
struct type_caster<mylos::python::Array> {
  NB_TYPE_CASTER(mylos::python::Array, const_name("mylos.typing.Array"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    value.handle = source;
    return true;
  }
};

template <>
struct type_caster<mylos::python::Value> {
  NB_TYPE_CASTER(mylos::python::Value, const_name("float | mylos.typing.Array"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    value.handle = source;
    return !source.is_none();
  }
};

template <>
struct type_caster<mylos::python::Result> {
  NB_TYPE_CASTER(mylos::python::Result, const_name("mylos.typing.Array"))
  static handle from_cpp(mylos::python::Result&& result, rv_policy, cleanup_list*) noexcept {
    return result.object.release();
  }
};

template <>
struct type_caster<mylos::Axes> {
  NB_TYPE_CASTER(mylos::Axes, const_name("int | collections.abc.Sequence[int] | None"))
  bool from_python(handle source, std::uint8_t, cleanup_list*) noexcept {
    value = mylos::Axes();
    if (source.is_none()) return true;
    if (PyLong_Check(source.ptr())) {
      value = mylos::Axes(static_cast<int>(PyLong_AsLong(source.ptr())));
      return PyErr_Occurred() == nullptr;
    }
    if (PySequence_Check(source.ptr()) == 0) return false;
    const Py_ssize_t count = PySequence_Size(source.ptr());
    int axes[mylos::max_rank] = {};
    if (count > mylos::max_rank) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
      const object item = steal(PySequence_GetItem(source.ptr(), i));
      if (!item.is_valid() || PyLong_Check(item.ptr()) == 0) return false;
      axes[i] = static_cast<int>(PyLong_AsLong(item.ptr()));
    }
    value = mylos::Axes(axes, static_cast<int>(count));
    return PyErr_Occurred() == nullptr;
  }
};

}  // namespace nanobind::detail
