// The ways in which this machine can copy, read, write and triad, as calls to be timed.
#pragma once

#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include <mylos/types.hpp>

#include "suite/device_kernels.hpp"
#include "support/copy.hpp"

namespace mylos::bench {

/// Three arrays to move data between.
struct MoveBuffers {
  using Exec = Kokkos::DefaultExecutionSpace;
  MoveBuffers(const Exec& exec, std::int64_t bytes_each);

  Exec exec;
  std::int64_t bytes;
  Kokkos::View<char*, Exec::memory_space> a, b, c;
};

struct MoveTask {
  Move kind = Move::copy;
  DType dtype = DType::f32;
  std::int64_t bytes = 0;  // of each array: as many as the buffers have, or fewer to stay in a cache
  int passes = 1;          // over them in one call

  double bytes_moved() const;
};

const char* name_of(Move kind);
int arrays_of(Move kind);

/// The first `copy_ways` of a copy through memory are those of copy.hpp.
std::vector<CopyWay> move_ways(const MoveBuffers& buffers, const MoveTask& task);

/// A call that does nothing but multiply and add, and the flops that it does: 0 for a dtype that this machine cannot.
struct FmaTask {
  std::function<void(int turn)> run;
  double flops = 0;
};
FmaTask fma_task(const MoveBuffers::Exec& exec, DType dtype);

}  // namespace mylos::bench
