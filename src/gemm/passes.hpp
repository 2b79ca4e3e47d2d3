// What a vendor's product needs besides, as Kokkos kernels: chains over a whole matrix before and after it, structures
// written out. For backends without kernels of their own for these.
#pragma once

#include "gemm/tiles.hpp"
#include "gemm/vendor_plan.hpp"
#include "pointwise/run.hpp"

namespace mylos::detail {

/// to = chain(from), rows x columns for each batch that `to` tells apart; the chain's operands are those of the problem
/// from `first` on. `from` may be `to`.
inline void pass_chain(const Execution& execution, const std::string& label, const GemmProblem& problem,
                       const GemmMatrix& from, const GemmMatrix& to, std::int64_t columns, const Chain& chain,
                       int first) {
  // Over [batch, rows, columns], with one matrix for what `to` has once.
  const auto stack = [&](const auto& matrix, const void* data, DType dtype) {
    Tensor t;
    t.data = const_cast<void*>(data);
    t.dtype = dtype;
    t.rank = static_cast<std::int8_t>(problem.batch.rank + 2);
    for (int d = 0; d < problem.batch.rank; ++d) {
      t.extent[d] = to.batch.stride[d] == 0 ? 1 : problem.batch.extent[d];
      t.stride[d] = matrix.batch.stride[d];
    }
    t.extent[t.rank - 2] = problem.m;
    t.stride[t.rank - 2] = matrix.row;
    t.extent[t.rank - 1] = columns;
    t.stride[t.rank - 1] = matrix.column;
    return t;
  };
  PointwiseProblem pass{from.data, to.data, from.dtype, to.dtype, &chain, {}};
  const Tensor x = stack(from, from.data, from.dtype);
  const Tensor y = stack(to, to.data, to.dtype);
  Tensor operand[max_operands];
  BoxTensor list[max_operands + 2] = {{&x, &pass.geometry.x}, {&y, &pass.geometry.y}};
  for (int o = 0; o < chain.operand_count(); ++o) {
    operand[o] = stack(problem.operand[first + o], chain.operand(o).data, chain.operand(o).dtype);
    list[o + 2] = {&operand[o], &pass.geometry.operand[o]};
  }
  pass.geometry.box = canonical_box(y, list, chain.operand_count() + 2);
  run_generic_pointwise(execution, label, pass);
}

/// One element of a stack of n x n matrices, its zeros and its mirror image written out. Bits are copied: S stands for
/// every type of its size.
template <class S>
struct ExpandStructure {
  const S* from;
  S* to;
  MatrixStructure structure;
  std::int64_t from_row;
  std::int64_t from_column;
  Divider n;
  int rank;
  Divider extent[max_batch_rank];
  std::int64_t from_batch[max_batch_rank];

  /// `to` lies row by row, matrix after matrix.
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    const std::uint64_t line = n.divide(static_cast<std::uint64_t>(index));
    std::uint64_t rest = n.divide(line);
    auto i = static_cast<std::int64_t>(line - rest * n.divisor);
    auto q = static_cast<std::int64_t>(static_cast<std::uint64_t>(index) - line * n.divisor);
    const S* matrix = from;
    for (int d = rank - 1; d >= 0; --d) {
      const std::uint64_t next = extent[d].divide(rest);
      matrix += static_cast<std::int64_t>(rest - next * extent[d].divisor) * from_batch[d];
      rest = next;
    }
    to[index] = locate_structured(structure, i, q) ? matrix[i * from_row + q * from_column] : S(0);
  }
};

/// What run_vendor() (gemm/vendor.hpp) asks of a backend besides the library, on a Kokkos instance.
template <class Exec>
struct KokkosPasses {
  const Exec& exec;
  const char* label;

  void pass_before(const GemmProblem& problem, const GemmMatrix& to) const {
    pass_chain(Execution(exec), label, problem, problem.a, to, problem.k, *problem.before, 0);
  }

  void pass_after(const GemmProblem& problem, const GemmMatrix& from, const GemmSlices& slices, double beta) const {
    if (slices.count == 1 && beta == 0)
      return pass_chain(Execution(exec), label, problem, from, problem.c, problem.n, *problem.after,
                        problem.before->operand_count());
    GemmProblem rest = problem;  // without the factor that the library has applied
    rest.alpha = 1;
    rest.beta = beta;
    problem.computes_in_f64() ? add_slices<double>(rest, from, slices) : add_slices<float>(rest, from, slices);
  }

  /// `to` is a DenseCopy's.
  void expand_structure(const GemmMatrix& from, const GemmMatrix& to, std::int64_t n, const Box& batch) const {
    switch (size_of(from.dtype)) {
      case 2:
        return expand<std::uint16_t>(from, to, n, batch);
      case 4:
        return expand<std::uint32_t>(from, to, n, batch);
      default:
        return expand<std::uint64_t>(from, to, n, batch);
    }
  }

 private:
  template <class Functor>
  void run(std::int64_t count, const Functor& functor) const {
    static_assert(sizeof(Functor) <= 4096);  // see launch_gemm_teams()
    const Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>> range(exec, 0, count);
    Kokkos::parallel_for(
        label, Kokkos::Experimental::require(range, Kokkos::Experimental::WorkItemProperty::HintLightWeight), functor);
  }

  /// Results lie as wide_like() has them, which is how the kernels number them.
  template <class T>
  void add_slices(const GemmProblem& problem, const GemmMatrix& from, const GemmSlices& slices) const {
    const GemmParameters<T> p = make_gemm_parameters<T>(problem);
    run(p.batches * p.m * p.n,
        GemmParts<T>{p, Divider(p.n), Divider(p.m), static_cast<const T*>(from.data), slices.count});
  }

  template <class S>
  void expand(const GemmMatrix& from, const GemmMatrix& to, std::int64_t n, const Box& batch) const {
    ExpandStructure<S> e{static_cast<const S*>(from.data),
                         static_cast<S*>(to.data),
                         from.structure,
                         from.row,
                         from.column,
                         Divider(n),
                         batch.rank,
                         {},
                         {}};
    std::int64_t count = n * n;
    for (int d = 0; d < batch.rank; ++d) {
      const std::int64_t extent = to.batch.stride[d] == 0 ? 1 : batch.extent[d];
      e.extent[d] = Divider(extent);
      e.from_batch[d] = from.batch.stride[d];
      count *= extent;
    }
    run(count, e);
  }
};

}  // namespace mylos::detail
