// One call of a C function for any bytes: which operator, descriptors, options and chains follow from them. What the
// library accepts lies in memory of its own; all else it must refuse before it looks at the data.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mylos::fuzz {

/// Whether the call succeeded. Any bytes are good; where there are too few, zeros follow.
bool call(const std::uint8_t* bytes, std::size_t size);

}  // namespace mylos::fuzz
