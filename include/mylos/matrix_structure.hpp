// Which elements of a square matrix a product reads. Free of Kokkos.
#pragma once

#include <cstdint>

namespace mylos {

/// What is not named is not read.
///   general          all elements
///   lower, upper     the triangle with its diagonal; the other elements count as zero, and work on them is skipped
///   symmetric_lower, symmetric_upper  that triangle, and its mirror image for the rest
enum class MatrixStructure : std::uint8_t { general, lower, upper, symmetric_lower, symmetric_upper };

constexpr MatrixStructure transposed(MatrixStructure structure) {
  switch (structure) {
    case MatrixStructure::lower:
      return MatrixStructure::upper;
    case MatrixStructure::upper:
      return MatrixStructure::lower;
    case MatrixStructure::symmetric_lower:
      return MatrixStructure::symmetric_upper;
    case MatrixStructure::symmetric_upper:
      return MatrixStructure::symmetric_lower;
    case MatrixStructure::general:
      break;
  }
  return structure;
}

}  // namespace mylos
