// The variants of the row operators, each compiled once per storage type in a source of its own.
#pragma once

#include "row/problem.hpp"

namespace mylos::cuda {

/// Short rows one behind the other, in shared memory (row_staged.cuh).
const char* refuse_staged(const detail::RowProblem& problem);
void run_staged(const detail::RowProblem& problem, const detail::Queue& queue);

/// Rows held in registers, a few lanes to a block a row (row_registers.cuh).
const char* refuse_registers(const detail::RowProblem& problem);
void run_registers(const detail::RowProblem& problem, const detail::Queue& queue);

/// Rows held in the registers and the shared memory of a few blocks (row_cluster.cuh).
const char* refuse_cluster(const detail::RowProblem& problem);
void run_cluster(const detail::RowProblem& problem, const detail::Queue& queue);

/// Rows held in the shared memory of a cluster (row_ring.cuh).
const char* refuse_ring(const detail::RowProblem& problem);
void run_ring(const detail::RowProblem& problem, const detail::Queue& queue);

/// Rows along a strided axis, held in registers (row_columns.cuh).
const char* refuse_columns(const detail::RowProblem& problem);
void run_columns(const detail::RowProblem& problem, const detail::Queue& queue);

/// Rows of any length in two reads (row_passes.cuh).
const char* refuse_passes(const detail::RowProblem& problem);
void run_passes(const detail::RowProblem& problem, const detail::Queue& queue);

/// The variants of one storage type; row_<dtype>.cu, row_<dtype>_long.cu and row_staged_<dtype>.cu have their
/// instances.
template <class S>
struct RowKernels {
  static void run_staged(const detail::RowProblem& problem, const detail::Queue& queue);
  static void run_registers(const detail::RowProblem& problem, const detail::Queue& queue);
  static void run_cluster(const detail::RowProblem& problem, const detail::Queue& queue);
  static void run_ring(const detail::RowProblem& problem, const detail::Queue& queue);
  static void run_columns(const detail::RowProblem& problem, const detail::Queue& queue);
  static void run_passes(const detail::RowProblem& problem, const detail::Queue& queue);
};

}  // namespace mylos::cuda
