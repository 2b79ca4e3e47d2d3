// Halves that are made while products of them run: a few multiprocessors split the factors, in the order in which tiles
// need them, and the others multiply what is there. Memory is busy while the tensor cores are; one after the other, one
// of the two always waits.
//
// The kernel that splits lets the one that multiplies begin as soon as all of its own blocks run. They wait for
// nothing, so what products wait for is always on its way, wherever and whenever blocks run. A multiprocessor that has
// nothing left to split multiplies, too.
#pragma once

#include "cuda/gemm_tensor.hpp"

namespace mylos::cuda {

/// Why not, or null. `is_split`: which factors are to be split.
const char* refuse_overlap(const GemmParameters& parameters, const Halves (&halves)[2], const bool (&is_split)[2]);

/// That split_beside() takes.
std::size_t overlap_counters(const TensorParameters& parameters, const bool (&is_split)[2]);

/// Begins to fill those halves that are to be split, and says in `parameters` how their progress is seen; the next
/// kernel of the stream is to be launch_tensor(). `counters`: so many zeros.
void split_beside(TensorParameters& parameters, const bool (&is_split)[2], unsigned* counters, void* stream);

}  // namespace mylos::cuda
