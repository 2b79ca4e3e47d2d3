// What a suite is made of: cases as plain data, and a case at work on memory of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include <mylos/path.hpp>
#include <mylos/types.hpp>

namespace mylos::bench {

/// Of a result against fp64, in the unit that SuiteCase::error_unit names; NaN where the result has NaN and fp64 not.
struct ErrorFigures {
  double max = 0;
  double rms = 0;
};

/// A case on its own tensors, in `slots` copies that are taken in turn: more than the last-level cache where a run is
/// to find nothing there, one where it is to find everything.
class RunningCase {
 public:
  virtual ~RunningCase() = default;

  /// Enqueues the operator on copy `turn` % slots. Nothing is waited for.
  virtual void call(int turn) = 0;

  /// Fills the outputs of copy 0 with NaN (integers with their largest value), so that an operator that writes nothing
  /// is found out.
  virtual void spoil() = 0;

  /// Of the outputs of copy 0, as call(0) left them, against fp64: all of them or a sample spread over all of them.
  /// Waits.
  virtual ErrorFigures error() = 0;

  /// Of every bit of the outputs of copy 0: equal for equal bits. Waits.
  virtual std::uint64_t digest() = 0;
};

/// Times in ms that somebody else measured for the same problem, and on which machine.
struct ReferenceTimes {
  std::string machine;
  double eager_ms = 0;
  double compile_ms = 0;
};

/// One case of a suite, apart from the state of the cache.
template <class Exec>
struct SuiteCase {
  // Its name: suite/name/dtype/shape/layout/path (and then /cold or /warm).
  std::string suite;  // "seeds"
  std::string name;   // "selu", "25_Swish"
  DType dtype = DType::f32;
  std::string shape;   // "4096x393216"
  std::string layout;  // "right", "left", "strided"
  std::string path;    // "automatic", "generic", or the peer's name

  std::string op;      // "selu"
  std::string family;  // "map", "row", "reduce", "scan", "loss", "contract", "mlp"
  Path forced = Path::automatic;

  // What must move and be computed at least, and how that was counted ("x + y", "2 m n k").
  double bytes = 0;
  std::string bytes_formula;
  double flops = 0;  // 0 where bytes alone bind
  std::string flops_formula;

  std::int64_t slot_bytes = 0;     // memory of one copy: all inputs, outputs and operands
  std::int64_t scratch_bytes = 0;  // memory that exists once, beside the copies

  std::string error_unit;  // "share of the operator's bound": what ErrorFigures are counted in
  double error_bound = 1;  // of ErrorFigures::max

  std::function<std::unique_ptr<RunningCase>(const Exec& exec, int slots)> make;
  std::string kernel;  // empty: mylos::last_kernel()
  std::optional<ReferenceTimes> reference;

  // Of `bytes`, what is written: says which of copy, read, write and triad binds. Below 0: as usual in the family.
  double write_share = -1;

  std::string full_name() const {
    return suite + '/' + name + '/' + name_of(dtype) + '/' + shape + '/' + layout + '/' + path;
  }
};

/// Every case of a suite, in the order in which they run; throws std::runtime_error for a name that is none.
template <class Exec>
std::vector<SuiteCase<Exec>> suite_cases(const std::string& suite);

/// "quick", "seeds", "kernelbench1", "hpc", "sweep"
const std::vector<std::string>& suite_names();

}  // namespace mylos::bench
