// The one exception type of Mylos.
#pragma once

#include <stdexcept>
#include <string>

namespace mylos {

/// Thrown for bad arguments, before anything is launched or written, and for failed vendor calls.
/// what() reads "mylos::<function>: <argument>: <what is wrong>".
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace mylos
