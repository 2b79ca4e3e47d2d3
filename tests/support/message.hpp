// What a call that should fail says.
#pragma once

#include <mylos/error.hpp>
#include <string>

namespace mylos::test {

/// The text of the mylos::Error that `call` throws.
template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace mylos::test
