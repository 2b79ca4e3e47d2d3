#include "binding.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mylos::fortran {
namespace {

#define _Bool bool  // CFI_type_Bool speaks C
constexpr CFI_type_t logical_bool = CFI_type_Bool;
#undef _Bool

/// -1: none of Mylos.
mylos_dtype dtype_of(CFI_type_t type) {
  if (type == CFI_type_double) return mylos_dtype_f64;
  if (type == CFI_type_float) return mylos_dtype_f32;
  if (type == CFI_type_int64_t) return mylos_dtype_i64;
  if (type == CFI_type_int32_t) return mylos_dtype_i32;
  if (type == CFI_type_int8_t || type == logical_bool) return mylos_dtype_u8;
  return -1;
}

bool is_descriptor(const CFI_cdesc_t& given) {
  return given.elem_len == sizeof(mylos_tensor) && (given.type == CFI_type_struct || given.type == CFI_type_other);
}

}  // namespace

void Call::fail(const char* argument, const std::string& what) const {
  throw BadArgument{std::string("mylos_") + name_ + ": " + argument + ": " + what};
}

const mylos_tensor* Call::tensor(const char* argument, const CFI_cdesc_t* given) {
  if (given == nullptr) return nullptr;
  if (given->rank == 0 && is_descriptor(*given)) return static_cast<const mylos_tensor*>(given->base_addr);
  mylos_tensor& t = tensors_[count_++];
  t.data = given->base_addr;
  t.dtype = dtype_of(given->type);
  t.rank = given->rank;
  if (t.dtype < 0)
    fail(argument,
         "a type that is not supported, expected real32, real64, int32, int64, logical(c_bool), int8 or "
         "type(mylos_tensor)");
  if (t.rank > mylos_max_rank) fail(argument, "rank " + std::to_string(t.rank) + ", expected 0 to 8");
  const auto bytes = static_cast<std::int64_t>(given->elem_len);
  const int shift = bytes == 8 ? 3 : bytes == 4 ? 2 : 0;  // a division takes longer than all the rest
  for (int d = 0; d < t.rank; ++d) {
    const CFI_dim_t& dimension = given->dim[d];
    t.extent[d] = dimension.extent;
    t.stride[d] = dimension.sm >> shift;
    if (dimension.extent < 0) fail(argument, "an assumed-size array, expected one whose shape is known");
    if (dimension.extent > 1 && (dimension.sm & (bytes - 1)) != 0)
      fail(argument, "elements " + std::to_string(dimension.sm) + " bytes apart, expected a multiple of " +
                         std::to_string(bytes));
  }
  return &t;
}

mylos_operand Call::operand(const char* argument, const CFI_cdesc_t* given) {
  if (given != nullptr && given->rank == 0 && given->base_addr != nullptr) {
    const auto as = [given](auto value) {
      std::memcpy(&value, given->base_addr, sizeof(value));
      return mylos_number(static_cast<double>(value));
    };
    switch (dtype_of(given->type)) {
      case mylos_dtype_f64:
        return as(double());
      case mylos_dtype_f32:
        return as(float());
      case mylos_dtype_i64:
        return as(std::int64_t());
      case mylos_dtype_i32:
        return as(std::int32_t());
      case mylos_dtype_u8:
        return as(std::uint8_t());
      default:
        break;
    }
  }
  return mylos_elements(tensor(argument, given));
}

std::int32_t Call::axis(const char* argument, int given) const {
  if (given == 0) fail(argument, "axis 0, expected 1 for the first dimension, or -1 for the last");
  return given > 0 ? given - 1 : given;
}

mylos_axes Call::axes(const char* argument, const CFI_cdesc_t* given) const {
  mylos_axes axes = mylos_all_axes();
  if (given->rank > 1) fail(argument, "an array of rank " + std::to_string(given->rank) + ", expected 0 or 1");
  const std::int64_t count = given->rank == 0 ? 1 : given->dim[0].extent;
  if (count < 0 || count > mylos_max_rank) fail(argument, std::to_string(count) + " axes, expected 0 to 8");
  axes.count = static_cast<std::int32_t>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t offset = given->rank == 0 ? 0 : i * given->dim[0].sm;
    int value = 0;
    std::memcpy(&value, static_cast<const char*>(given->base_addr) + offset, sizeof(value));
    axes.axis[i] = axis(argument, value);
  }
  return axes;
}

Layers Call::layers(const char* argument, const CFI_cdesc_t* given) const {
  const CFI_dim_t& dimension = given->dim[0];
  if (given->elem_len != sizeof(mylos_layer))
    fail(argument, "the module and the library disagree on type(mylos_layer)");
  if (dimension.extent > 1 && dimension.sm != static_cast<std::int64_t>(given->elem_len))
    fail(argument, "layers with gaps between them, expected a contiguous array");
  return {static_cast<const mylos_layer*>(given->base_addr),
          static_cast<std::int32_t>(std::clamp<std::int64_t>(dimension.extent, 0, INT32_MAX))};
}

void report(mylos_status status, const char* text, int* stat, CFI_cdesc_t* errmsg) {
  if (errmsg != nullptr) {
    char* to = static_cast<char*>(errmsg->base_addr);
    const std::size_t kept = std::min(std::strlen(text), errmsg->elem_len);
    std::memcpy(to, text, kept);
    std::memset(to + kept, ' ', errmsg->elem_len - kept);
  }
  if (stat != nullptr) {
    *stat = status;
    return;
  }
  std::fprintf(stderr, "ERROR STOP %s\n", text);
  std::exit(1);
}

}  // namespace mylos::fortran
