#include "core/checks.hpp"

#include "core/geometry.hpp"

namespace mylos::detail {

void fail(const char* function, const char* argument, const Tensor& tensor, const std::string& message) {
  std::string text = std::string("mylos::") + function + ": " + argument;
  if (tensor.label[0] != '\0') text += std::string(" \"") + tensor.label + '"';
  throw Error(text + ": " + message);
}

std::string shape_of(const Tensor& tensor) {
  std::string text = "(";
  for (int d = 0; d < tensor.rank; ++d) text += (d != 0 ? ", " : "") + std::to_string(tensor.extent[d]);
  return text + ")";
}

void check_floating(const char* function, const char* argument, const Tensor& tensor) {
  if (!is_floating(tensor.dtype))
    fail(function, argument, tensor,
         std::string("dtype ") + name_of(tensor.dtype) + ", expected f64, f32, f16 or bf16");
}

void check_reachable(const char* function, const char* argument, const Tensor& tensor, bool on_device) {
  for (int d = 0; d < tensor.rank; ++d)
    if (tensor.extent[d] < 0) fail(function, argument, tensor, "negative extent in " + shape_of(tensor));
  if (tensor.data == nullptr && tensor.size() != 0)
    fail(function, argument, tensor, "null pointer with extents " + shape_of(tensor));
  const Memory unreachable = on_device ? Memory::host : Memory::device;
  if (tensor.memory == unreachable)
    fail(function, argument, tensor,
         on_device ? "is in host memory, expected memory that the device reaches"
                   : "is in device memory, expected memory that the host reaches");
}

void check_broadcasts(const char* function, const char* argument, const Tensor& tensor, const Tensor& shape) {
  bool fits = tensor.rank <= shape.rank;
  for (int d = 0; fits && d < tensor.rank; ++d) {
    const std::int64_t own = tensor.extent[d];
    fits = own == 1 || own == shape.extent[d + shape.rank - tensor.rank];
  }
  if (!fits)
    fail(function, argument, tensor,
         "extents " + shape_of(tensor) + ", expected extents that broadcast to " + shape_of(shape));
}

void check_output(const char* function, const char* argument, const Tensor& tensor) {
  if (tensor.size() == 0) return;  // strides of an empty tensor are 0 and mean nothing
  for (int d = 0; d < tensor.rank; ++d)
    if (tensor.extent[d] > 1 && tensor.stride[d] == 0)
      fail(function, argument, tensor,
           "stride 0 in dimension " + std::to_string(d) + ", expected an output whose elements are distinct");
}

void check_overlap(const char* function, const char* argument, const Tensor& input, const Tensor& output) {
  if (overlap(input, output) == Overlap::partial)
    fail(function, argument, input,
         "overlaps the output in part, expected the same elements (extents, strides and dtype) or none in common");
}

}  // namespace mylos::detail
