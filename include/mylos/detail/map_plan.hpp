// What the library prepares for a functor of the user's own: arguments checked, dimensions merged, plain data.
#pragma once

#include <cstdint>

#include <mylos/execution.hpp>
#include <mylos/tensor.hpp>

namespace mylos::detail {

/// Inputs of mylos::map at most, and outputs likewise.
inline constexpr int max_map_arguments = 4;
inline constexpr int max_map_tensors = 2 * max_map_arguments;

/// How a chunk of consecutive elements of a row is reached in one tensor.
///   vector:   as a whole
///   elements: consecutive, but not aligned to vectors
///   repeated: one element for the whole row (an input that is broadcast)
enum class MapAccess : std::uint8_t { vector, elements, repeated };

/// The box of all tensors (dimensions of extent 1 dropped, the others ordered so that the first output's fastest comes
/// last, neighbours merged), and how it divides into chunks. Tensors: the inputs, then the outputs.
struct MapPlan {
  int rank = 0;
  std::int64_t count = 0;  // elements; 0: nothing to do
  std::int64_t extent[max_rank];
  void* data[max_map_tensors];
  std::int64_t stride[max_map_tensors][max_rank];  // 0 where a tensor is broadcast
  int chunk = 1;                                   // elements of a chunk, which never crosses the end of a row
  std::int64_t lead = 0;  // elements by which the first chunk starts before the data, to be aligned
  MapAccess access[max_map_tensors];
  bool streams[max_map_tensors];  // an output that leaves the caches before it is read again (host)

  /// Stride of the fastest dimension.
  std::int64_t step(int tensor) const { return rank == 0 ? 1 : stride[tensor][rank - 1]; }
};

/// Checks the arguments of mylos::map and plans chunks of `chunk` elements, a power of two, or of one element where the
/// tensors do not allow it. Throws mylos::Error as map.hpp says.
MapPlan plan_map(const Execution& execution, const Tensor* inputs, int input_count, const Tensor* outputs,
                 int output_count, int chunk);

}  // namespace mylos::detail
