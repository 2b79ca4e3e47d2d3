// The entry point of clang's libFuzzer.
#include "fuzz/calls.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  mylos::fuzz::call(bytes, size);
  return 0;
}
