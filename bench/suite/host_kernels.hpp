// The loops behind the ceilings of the host, in the widest vectors that the processor has.
#pragma once

#include <cstdint>

#include <mylos/types.hpp>

#include "suite/device_kernels.hpp"

namespace mylos::bench {

/// Moves `bytes` bytes, a multiple of 64 at addresses that are multiples of 64: a = b; sum of a; a = constant;
/// a = b + 3 c, `passes` times over. `streaming`: past the caches, where the move writes and the processor can.
void host_move(Move kind, DType dtype, bool streaming, void* a, const void* b, const void* c, std::int64_t bytes,
               int passes);

/// Whether `streaming` differs from the plain stores.
bool host_can_stream();

/// Multiply-adds in registers, by one thread; returns the flops that it did, 0 for a dtype without such instructions.
double host_fma(DType dtype, std::int64_t steps);

}  // namespace mylos::bench
