// A case as plain data and two functions: what to call and how to judge the result. From one CaseSpec come the cases of
// all its paths.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "suite/case.hpp"
#include "suite/cases/content.hpp"
#include "support/shapes.hpp"

namespace mylos::bench {

/// state: read and written, as running statistics are; neither spoiled nor compared.
enum class Role : std::uint8_t { input, output, state };

/// How a tensor lies. padded: rows 32 elements longer in memory than they are; every_second: each element of the last
/// dimension followed by one that is not used.
enum class Layout : std::uint8_t { right, left, padded, every_second };
const char* name_of(Layout layout);

struct TensorSpec {
  std::string name;  // as it appears in the formula of bytes: "x"
  DType dtype = DType::f32;
  Shape extents;
  Role role = Role::input;
  Layout layout = Layout::right;
  Content content{};
  double share = 1;  // of its elements that must be read: half of a triangular matrix

  std::int64_t count() const { return count_of(extents); }
  std::int64_t storage() const;  // elements of memory from the first to the last
  std::int64_t bytes() const { return storage() * static_cast<std::int64_t>(size_of(dtype)); }
  double moved_bytes() const { return share * static_cast<double>(count()) * static_cast<double>(size_of(dtype)); }
  Shape strides() const;
  Tensor on(void* memory) const;
};

inline TensorSpec output(std::string name, DType dtype, Shape extents, Layout layout = Layout::right) {
  return {std::move(name), dtype, std::move(extents), Role::output, layout, {}, 1};
}

/// One copy of a case's tensors, in the order of its specs.
using Tensors = std::vector<Tensor>;
using Call = std::function<void()>;
/// Made once for each copy; what it holds (chains, prepared weights) lives as long as the Call.
using Bind = std::function<Call(const Exec&, const Tensors&)>;
using Check = std::function<ErrorFigures(const Exec&, const Tensors&)>;

struct CaseSpec {
  std::string suite;
  std::string name;
  DType dtype = DType::f32;
  std::string shape;
  Layout layout = Layout::right;
  std::string op;
  std::string family;
  std::vector<TensorSpec> tensors;
  Bind bind;
  Check check;
  double flops = 0;
  std::string flops_formula;
  std::string error_unit = "share of the operator's bound";
  double error_bound = 1;
  std::int64_t further_bytes = 0;  // of each copy, made by `bind`
  std::optional<ReferenceTimes> reference;

  double bytes() const;
  double written_bytes() const;
  std::string bytes_formula() const;
  std::int64_t slot_bytes() const;
};

using Cases = std::vector<SuiteCase<Exec>>;

/// As the library chooses, and by the generic kernel.
void add_both(Cases& cases, const CaseSpec& spec);
/// The generic kernel only where it takes about a second at most: `slow_generic` says.
void add_quick_paths(Cases& cases, const CaseSpec& spec);
void add_path(Cases& cases, const CaseSpec& spec, Path path);
/// Somebody else's way to do the same. `bound`: of its error, in the unit of the spec.
void add_peer(Cases& cases, const CaseSpec& spec, const std::string& peer, const Bind& bind, double bound);

/// More than 2^43 operations or 2^40 bytes on a GPU, 2^35 operations or 2^34 bytes on a host.
bool slow_generic(const CaseSpec& spec);

/// What one copy may take beside what its check takes: of MYLOS_BENCH_MEMORY bytes where that is set, else of six
/// tenths of all memory or eight tenths of what is free, whichever is less. Looked up once.
std::int64_t memory_budget();
/// Operations that one call may take; on a host 2^36 for each thread.
double work_budget();

/// make(shape) with the first extent halved (rounded up) until the case fits both budgets, or is 1.
template <class Make>
CaseSpec fitted(Shape shape, const Make& make) {
  for (;;) {
    CaseSpec spec = make(shape);
    if (shape[0] == 1 || (spec.slot_bytes() <= memory_budget() && spec.flops <= work_budget())) return spec;
    shape[0] = (shape[0] + 1) / 2;
  }
}

}  // namespace mylos::bench
