#include "suite/cases/spec.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "support/context.hpp"
#include "support/workspace.hpp"

namespace mylos::bench {
namespace {

constexpr std::int64_t padding = 32;

/// What a check takes: pieces of a million elements on the device, whole rows on the host.
constexpr std::int64_t check_bytes = std::int64_t{on_host ? 256 : 32} << 20;

/// The tensors of a case in rotating copies, with nothing that depends on the operator.
class TensorCase : public RunningCase {
 public:
  TensorCase(const Exec& exec, const CaseSpec& spec, Path forced, int slots)
      : exec_(exec), specs_(spec.tensors), check_(spec.check), forced_(forced) {
    for (const TensorSpec& t : specs_)
      memory_.emplace_back(t.name.c_str(), std::max<std::int64_t>(t.bytes(), 1), slots);
    for (int slot = 0; slot < slots; ++slot) {
      Tensors tensors;
      for (std::size_t i = 0; i < specs_.size(); ++i) {
        void* const memory = memory_[i].at(slot);
        tensors.push_back(specs_[i].on(memory));
        // Outputs too, so that no page is touched for the first time while a clock runs.
        if (specs_[i].role == Role::output)
          bench::spoil(exec_, tensors.back());
        else if (slot == 0)
          fill_content(exec_, memory, specs_[i].dtype, specs_[i].storage(), specs_[i].content, i);
        else
          copy_bytes(exec_, memory_[i].at(0), memory, specs_[i].bytes());
      }
      const ScopedPath scope(forced_);
      calls_.push_back(spec.bind(exec_, tensors));
      copies_.push_back(std::move(tensors));
    }
    exec_.fence("mylos bench: a case is ready");
  }

  void call(int turn) override {
    const ScopedPath scope(forced_);
    calls_[static_cast<std::size_t>(turn) % calls_.size()]();
  }
  void spoil() override {
    each_output([&](const Tensor& t) { bench::spoil(exec_, t); });
  }
  ErrorFigures error() override {
    exec_.fence("mylos bench: before the check");
    return check_(exec_, copies_[0]);
  }
  std::uint64_t digest() override {
    std::uint64_t sum = 0;
    each_output([&](const Tensor& t) { sum = 31 * sum + bench::digest(exec_, t); });
    return sum;
  }

 private:
  template <class F>
  void each_output(const F& f) const {
    for (std::size_t i = 0; i < specs_.size(); ++i)
      if (specs_[i].role == Role::output) f(copies_[0][i]);
  }

  Exec exec_;
  std::vector<TensorSpec> specs_;
  Check check_;
  Path forced_;
  std::vector<RotatingBuffer<Exec>> memory_;
  std::vector<Tensors> copies_;
  std::vector<Call> calls_;
};

SuiteCase<Exec> case_of(const CaseSpec& spec, const std::string& path, Path forced) {
  SuiteCase<Exec> c;
  c.suite = spec.suite;
  c.name = spec.name;
  c.dtype = spec.dtype;
  c.shape = spec.shape;
  c.layout = name_of(spec.layout);
  c.path = path;
  c.op = spec.op;
  c.family = spec.family;
  c.forced = forced;
  c.bytes = spec.bytes();
  c.bytes_formula = spec.bytes_formula();
  c.write_share = spec.written_bytes() / spec.bytes();
  c.flops = spec.flops;
  c.flops_formula = spec.flops_formula;
  c.slot_bytes = spec.slot_bytes();
  c.scratch_bytes = check_bytes;
  c.error_unit = spec.error_unit;
  c.error_bound = spec.error_bound;
  c.reference = spec.reference;
  c.make = [spec, forced](const Exec& exec, int slots) -> std::unique_ptr<RunningCase> {
    return std::make_unique<TensorCase>(exec, spec, forced, slots);
  };
  return c;
}

}  // namespace

const char* name_of(Layout layout) {
  return layout == Layout::right ? "right" : (layout == Layout::left ? "left" : "strided");
}

Shape TensorSpec::strides() const {
  Shape strides(extents.size());
  std::int64_t next = layout == Layout::every_second ? 2 : 1;
  for (std::size_t n = 0; n < extents.size(); ++n) {
    const std::size_t d = layout == Layout::left ? n : extents.size() - 1 - n;
    strides[d] = next;
    next *= extents[d] + (n == 0 && layout == Layout::padded ? padding : 0);
  }
  return strides;
}

std::int64_t TensorSpec::storage() const {
  const Shape s = strides();
  std::int64_t last = 0;
  for (std::size_t d = 0; d < s.size(); ++d) last += (extents[d] - 1) * s[d];
  return last + 1;
}

Tensor TensorSpec::on(void* memory) const {
  const Shape s = strides();
  return Tensor(memory, dtype, static_cast<int>(extents.size()), extents.data(), s.data(), name.c_str());
}

double CaseSpec::bytes() const {
  double sum = 0;
  for (const TensorSpec& t : tensors) sum += t.moved_bytes() * (t.role == Role::state ? 2 : 1);
  return sum;
}

double CaseSpec::written_bytes() const {
  double sum = 0;
  for (const TensorSpec& t : tensors) sum += t.role == Role::input ? 0 : t.moved_bytes();
  return sum;
}

std::string CaseSpec::bytes_formula() const {
  std::string text;
  for (const TensorSpec& t : tensors) {
    if (!text.empty()) text += " + ";
    if (t.role == Role::state) text += "2 ";
    if (t.share != 1) text += "the part that is read of ";
    text += t.name;
  }
  return text;
}

std::int64_t CaseSpec::slot_bytes() const {
  std::int64_t sum = further_bytes;
  for (const TensorSpec& t : tensors) sum += t.bytes();
  return sum;
}

void add_path(Cases& cases, const CaseSpec& spec, Path path) {
  cases.push_back(case_of(spec, path == Path::generic ? "generic" : "automatic", path));
}

void add_both(Cases& cases, const CaseSpec& spec) {
  add_path(cases, spec, Path::automatic);
  add_path(cases, spec, Path::generic);
}

void add_quick_paths(Cases& cases, const CaseSpec& spec) {
  add_path(cases, spec, Path::automatic);
  if (!slow_generic(spec)) add_path(cases, spec, Path::generic);
}

void add_peer(Cases& cases, const CaseSpec& spec, const std::string& peer, const Bind& bind, double bound) {
  CaseSpec other = spec;
  other.bind = bind;
  other.error_bound = bound;
  other.further_bytes = 0;
  SuiteCase<Exec> c = case_of(other, peer, Path::automatic);
  c.kernel = peer;
  cases.push_back(std::move(c));
}

bool slow_generic(const CaseSpec& spec) {
  return spec.flops > std::ldexp(1.0, on_host ? 35 : 43) || spec.bytes() > std::ldexp(1.0, on_host ? 34 : 40);
}

std::int64_t memory_budget() {
  static const std::int64_t budget = [] {
    if (const char* text = std::getenv("MYLOS_BENCH_MEMORY"); text != nullptr && std::atof(text) > 0)
      return static_cast<std::int64_t>(std::atof(text));
    const MemoryBytes memory = device_memory();
    return std::min(memory.total / 10 * 6, memory.available / 10 * 8);
  }();
  return budget - check_bytes;
}

double work_budget() {
  return on_host ? std::ldexp(1.0, 36) * Exec().concurrency() : std::numeric_limits<double>::infinity();
}

}  // namespace mylos::bench
