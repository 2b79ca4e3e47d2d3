// How much memory a case needs at most: its tensors and what the operator takes besides.
#pragma once

#include <cstdint>
#include <optional>

namespace mylos::bench {

/// Host: the process' largest resident set since the watch began, which Linux resets on request, without what was
/// resident before. CUDA: what the device has less of, and the high-water mark of the pool that operators take their
/// scratch memory from. HIP: the former alone.
class MemoryWatch {
 public:
  MemoryWatch();

  /// When the tensors are there and nothing was called.
  void made();

  /// After the first call. Nothing where the system does not tell.
  std::optional<std::int64_t> high_water() const;

 private:
  [[maybe_unused]] bool readable_ = false;  // on the host
  std::int64_t before_ = 0;
  std::int64_t tensors_ = 0;
};

}  // namespace mylos::bench
