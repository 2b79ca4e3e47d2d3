// Descriptors of dense tensors. What overflows is refused by the call that gets them.
#include <cstdint>

#include <mylos/mylos.h>

namespace {

mylos_tensor dense(void* data, mylos_dtype dtype, std::int32_t rank, const std::int64_t* extents, bool row_major) {
  mylos_tensor t = {data, dtype, rank, {0}, {0}};
  if (rank < 0 || rank > mylos_max_rank) return t;
  std::uint64_t stride = 1;
  for (int i = 0; i < rank; ++i) {
    const int d = row_major ? rank - 1 - i : i;
    t.extent[d] = extents[d];
    t.stride[d] = static_cast<std::int64_t>(stride);
    stride *= static_cast<std::uint64_t>(extents[d]);
  }
  return t;
}

}  // namespace

extern "C" {

mylos_tensor mylos_row_major(void* data, mylos_dtype dtype, int32_t rank, const int64_t* extents) {
  return dense(data, dtype, rank, extents, true);
}

mylos_tensor mylos_column_major(void* data, mylos_dtype dtype, int32_t rank, const int64_t* extents) {
  return dense(data, dtype, rank, extents, false);
}

}  // extern "C"
