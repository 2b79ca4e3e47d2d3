// What an operator that multiplies matrices may trade for speed. Free of Kokkos.
#pragma once

#include <cstdint>

namespace mylos {

/// How exact products of f32 matrices are.
///   standard  f32 accuracy, however it is reached: an error against fp64 no larger, in maximum and in root mean
///   square,
///             than that of a plain f32 GEMM on the same data
///   tf32      operands rounded to 10 explicit bits (TensorFloat-32), sums in f32
///   half      operands rounded to f16, sums in f32
/// Other dtypes ignore it. A backend without the units for the last two computes `standard`.
enum class Precision : std::uint8_t { standard, tf32, half };

/// Results never change from run to run. batch_invariant: neither does a row of the result when other rows or batches
/// come or go, which rules out choosing kernels or splits of the sum by the number of rows.
enum class Determinism : std::uint8_t { run_to_run, batch_invariant };

}  // namespace mylos
