// Inner loops of the host that are written for one instruction set at a time.
#pragma once

namespace mylos::detail {

/// None: the plain loops. backends/host/*_vectors.hpp have others.
struct OneByOne {
  static constexpr bool vectors = false;
};

}  // namespace mylos::detail
