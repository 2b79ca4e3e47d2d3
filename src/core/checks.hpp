// Checks of arguments: each throws mylos::Error that names the function, the argument, what is wrong and what is
// expected.
#pragma once

#include <mylos/tensor.hpp>

namespace mylos::detail {

/// "mylos::<function>: <argument>[ "label"]: <message>"
[[noreturn]] void fail(const char* function, const char* argument, const Tensor& tensor, const std::string& message);

std::string shape_of(const Tensor& tensor);

/// A floating dtype, a pointer unless empty, and memory that the backend (on a device or not) can reach.
void check_floating(const char* function, const char* argument, const Tensor& tensor);
void check_reachable(const char* function, const char* argument, const Tensor& tensor, bool on_device);

/// `tensor` broadcasts to `shape` as in NumPy.
void check_broadcasts(const char* function, const char* argument, const Tensor& tensor, const Tensor& shape);

/// No two elements of an output share an address through a zero stride.
void check_output(const char* function, const char* argument, const Tensor& tensor);

/// `input` and `output` are the same elements or share none.
void check_overlap(const char* function, const char* argument, const Tensor& input, const Tensor& output);

}  // namespace mylos::detail
