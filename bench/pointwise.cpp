// Benchmarks of the map skeleton: every step, chains, layouts, broadcasting, and what a small call costs.
#include <Kokkos_Core.hpp>

#include <mylos/mylos.hpp>

#include "support/program.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
using Space = Workspace<Exec>;
using Entries = std::vector<Entry<Exec>>;
using MakeCase = std::function<Case(Space&)>;

double bytes_of(const Placement& p, DType dtype) {
  return static_cast<double>(p.count()) * static_cast<double>(size_of(dtype));
}

/// map(chain) from x placed as `from` to y placed as `to`; `operand_bytes` are those of the chain's tensors.
Case map_case(Space& w, const Chain& chain, const Placement& from, const Placement& to, double operand_bytes = 0) {
  const Exec exec;
  return {to.shape(),
          bytes_of(from, w.dtype) + bytes_of(to, w.dtype) + operand_bytes,
          [&w, chain, from, to, exec](int turn) { map(exec, chain, w.x(turn, from), w.y(turn, to)); },
          {}};
}

/// As the library chooses and as the generic kernel does it.
void add_both(Entries& entries, const std::string& name, DType dtype, const MakeCase& make,
              Values values = Values::normal) {
  entries.push_back({name, dtype, "automatic", make, values, Path::automatic, Clock::device});
  entries.push_back({name, dtype, "generic", make, values, Path::generic, Clock::device});
}

void add_copies(Entries& entries, DType dtype) {
  const auto add = [&](const std::string& name, std::size_t which) {
    entries.push_back({name, dtype, "runtime", [which](Space& w) {
                         const CopyWay way = copy_ways(Exec(), w)[which];
                         const Placement all = Placement::right(w.rows, w.cols);
                         return Case{all.shape(), 2 * bytes_of(all, w.dtype), way.run, way.name};
                       }});
  };
  add("copy_deep_copy", 0);
  add("copy_memcpy", 1);
}

void add_steps(Entries& entries, DType dtype, Values values) {
  for (const StepCase& step : all_steps()) {
    if (step.positive != (values == Values::positive)) continue;
    const auto make = [step](Space& w) {
      const Placement all = Placement::right(w.rows, w.cols);
      double operand_bytes = 0;
      for (int i = 0; i < step.operand_count; ++i)
        if (step.operand[i].form == OperandForm::row)
          operand_bytes += bytes_of(Placement::right(1, w.cols), w.row(i, step.operand[i].row_dtype, 1).dtype);
      return map_case(w, w.chain_of(step, w.cols), all, all, operand_bytes);
    };
    add_both(entries, step.name, dtype, make, values);
  }
}

void add_chains(Entries& entries, DType dtype) {
  const auto add = [&](const std::string& name, const Chain& chain) {
    add_both(entries, name, dtype, [chain](Space& w) {
      const Placement all = Placement::right(w.rows, w.cols);
      return map_case(w, chain, all, all);
    });
  };
  const Chain four = silu() | mul(1.5) | clamp(-2, 2) | mylos::tanh();
  add("chain_1", silu());
  add("chain_2", silu() | mul(1.5));
  add("chain_4", four);
  add("chain_8", four | four);
  add("chain_4_cheap", mul(1.5) | mylos::add(0.5) | clamp(-2, 2) | relu());
}

/// A cheap step, so that what is seen is how the data is reached.
void add_layouts(Entries& entries, DType dtype) {
  const auto add = [&](const std::string& name, Placement (*from)(const Space&), Placement (*to)(const Space&)) {
    add_both(entries, name, dtype, [from, to](Space& w) { return map_case(w, mul(1.5), from(w), to(w)); });
  };
  using P = Placement;
  const auto right = [](const Space& w) { return P::right(w.rows, w.cols); };
  const auto left = [](const Space& w) { return P::left(w.rows, w.cols); };
  const auto padded = [](const Space& w) { return P::padded(w.rows, w.cols, Space::row_padding); };
  const auto shifted = [](const Space& w) { return P::right(w.rows, w.cols).shifted(1); };
  add("left_to_left", left, left);
  add("left_to_right", left, right);
  add("right_to_left", right, left);
  add("padded_rows", padded, padded);
  add("misaligned_x", shifted, right);
  add("misaligned_xy", shifted, shifted);
}

void add_broadcasts(Entries& entries, DType dtype) {
  using Shape = Placement (*)(const Space&);
  const auto add_bias = [&](const std::string& name, Shape shape, bool per_row) {
    add_both(entries, name, dtype, [shape, per_row](Space& w) {
      const Placement p = shape(w);
      if (p.count() == 0) throw std::runtime_error("less than one row");
      const std::int64_t n = p.extent[per_row ? 0 : 1];
      const Chain chain = mylos::add(per_row ? w.column(n) : w.row(0, w.dtype, n));
      return map_case(w, chain, p, p, bytes_of(Placement::right(n, 1), w.dtype));
    });
  };
  const auto right = [](const Space& w) { return Placement::right(w.rows, w.cols); };
  const auto left = [](const Space& w) { return Placement::left(w.rows, w.cols); };
  const auto odd = [](const Space& w) { return Placement::right(w.rows * w.cols / Space::odd_cols, Space::odd_cols); };
  add_bias("bias_axis0", right, true);
  add_bias("bias_axis1", right, false);
  add_bias("bias_axis0_left", left, true);
  add_bias("bias_axis1_left", left, false);
  add_bias("bias_axis0_odd", odd, true);
  add_bias("bias_axis1_odd", odd, false);
}

/// Operands as large as x: more to read for the same output.
void add_full_operands(Entries& entries, DType dtype) {
  const auto add = [&](const std::string& name, int tensors, bool mask, Chain (*chain)(Space&, int, const Placement&)) {
    add_both(entries, name, dtype, [=](Space& w) {
      const Placement all = Placement::right(w.rows, w.cols);
      const Exec exec;
      (void)chain(w, 0, all);  // makes the operands
      return Case{all.shape(),
                  bytes_of(all, w.dtype) * (2 + tensors) + (mask ? bytes_of(all, DType::u8) : 0),
                  [&w, chain, all, exec](int turn) { map(exec, chain(w, turn, all), w.x(turn, all), w.y(turn, all)); },
                  {}};
    });
  };
  add("add_tensor", 1, false, [](Space& w, int turn, const Placement& p) { return mylos::add(w.extra(0, turn, p)); });
  add("lerp_tensor", 1, false, [](Space& w, int turn, const Placement& p) { return lerp(w.extra(0, turn, p), 0.3); });
  add("addcmul_tensors", 2, false,
      [](Space& w, int turn, const Placement& p) { return addcmul(w.extra(0, turn, p), w.extra(1, turn, p)); });
  add("where_tensor", 1, true,
      [](Space& w, int turn, const Placement& p) { return where(w.mask(turn, p), w.extra(0, turn, p)); });
  add("masked_fill_tensor", 0, true,
      [](Space& w, int turn, const Placement& p) { return masked_fill(w.mask(turn, p)); });
}

/// To every dtype that fits into the output's memory.
void add_conversions(Entries& entries, DType dtype) {
  for (const DType to : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    if (to == dtype || size_of(to) > size_of(dtype)) continue;
    add_both(entries, std::string("convert_to_") + name_of(to), dtype, [to](Space& w) {
      const Placement all = Placement::right(w.rows, w.cols);
      const Exec exec;
      return Case{all.shape(),
                  bytes_of(all, w.dtype) + bytes_of(all, to),
                  [&w, all, exec, to](int turn) { convert(exec, w.x(turn, all), w.y_as(turn, to, all)); },
                  {}};
    });
  }
}

// ---- what a user would write without Mylos, and with it -------------------------------------------------------------

template <class T>
using Matrix = Kokkos::View<T**, Kokkos::LayoutRight, Exec::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

template <class T>
Matrix<T> matrix(const Tensor& tensor) {
  return Matrix<T>(static_cast<T*>(tensor.data), static_cast<std::size_t>(tensor.extent[0]),
                   static_cast<std::size_t>(tensor.extent[1]));
}

struct Selu {
  KOKKOS_FUNCTION float operator()(float x) const { return op::selu(x); }
};

struct SeluOfElement {
  const float* x;
  float* y;
  KOKKOS_FUNCTION void operator()(std::int64_t i) const { y[i] = Selu()(x[i]); }
};

struct SeluOfMatrix {
  Matrix<const float> x;
  Matrix<float> y;
  KOKKOS_FUNCTION void operator()(std::int64_t i, std::int64_t j) const { y(i, j) = Selu()(x(i, j)); }
};

void add_plain_kokkos(Entries& entries) {
  const auto add = [&](const std::string& name, auto call) {
    entries.push_back({name, DType::f32, "kokkos", [call](Space& w) {
                         const Placement all = Placement::right(w.rows, w.cols);
                         return Case{all.shape(), 2 * bytes_of(all, DType::f32),
                                     [&w, all, call](int turn) { call(w.x(turn, all), w.y(turn, all)); }, "user"};
                       }});
  };
  add("selu_range", [](const Tensor& x, const Tensor& y) {
    Kokkos::parallel_for("selu", Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(0, x.size()),
                         SeluOfElement{static_cast<const float*>(x.data), static_cast<float*>(y.data)});
  });
  add("selu_mdrange", [](const Tensor& x, const Tensor& y) {
    using Policy = Kokkos::MDRangePolicy<Exec, Kokkos::Rank<2>, Kokkos::IndexType<std::int64_t>>;
    Kokkos::parallel_for("selu", Policy({0, 0}, {x.extent[0], x.extent[1]}),
                         SeluOfMatrix{matrix<const float>(x), matrix<float>(y)});
  });
}

/// The same functor through Mylos.
void add_functor(Entries& entries) {
  const auto make = [](Space& w) {
    const Placement all = Placement::right(w.rows, w.cols);
    const Exec exec;
    return Case{all.shape(), 2 * bytes_of(all, DType::f32),
                [&w, all, exec](int turn) {
                  map(exec, Selu(), matrix<const float>(w.x(turn, all)), matrix<float>(w.y(turn, all)));
                },
                "map"};
  };
  entries.push_back({"selu_functor", DType::f32, "map", make});
}

// ---- what a call costs ----------------------------------------------------------------------------------------------

/// A thousand elements: nothing but the call itself.
void add_latencies(Entries& entries) {
  constexpr std::size_t n = 1000;
  using Vector = Kokkos::View<float*, Exec>;
  const auto add = [&](const std::string& name, Path path, const std::string& kernel, auto call) {
    for (const Clock clock : {Clock::enqueue, Clock::sync})
      entries.push_back({name, DType::f32, clock == Clock::sync ? "sync" : "enqueue",
                         [=](Space&) {
                           const Vector x("x", n);
                           const Vector y("y", n);
                           const Exec exec;
                           return Case{std::to_string(n), 0, [=](int) { call(exec, x, y); }, kernel};
                         },
                         Values::normal, path, clock});
  };
  const auto one = [](const Exec& exec, const Vector& x, const Vector& y) { relu(exec, x, y); };
  const auto four = [](const Exec& exec, const Vector& x, const Vector& y) {
    map(exec, silu() | mul(1.5) | clamp(-2, 2) | mylos::tanh(), x, y);
  };
  const auto none = [](const Exec& exec, const Vector&, const Vector&) {
    Kokkos::parallel_for("empty", Kokkos::RangePolicy<Exec>(exec, 0, n), Nothing());
  };
  add("relu_1000", Path::automatic, "", one);
  add("relu_1000_generic", Path::generic, "", one);
  add("chain_4_1000", Path::automatic, "", four);
  add("parallel_for_1000", Path::automatic, "empty", none);
}

void add_all(Entries& entries, DType dtype) {
  add_copies(entries, dtype);
  if (dtype == DType::f32) add_latencies(entries);
  add_steps(entries, dtype, Values::normal);
  add_chains(entries, dtype);
  add_layouts(entries, dtype);
  add_broadcasts(entries, dtype);
  add_conversions(entries, dtype);
  if (dtype == DType::f32) {
    add_plain_kokkos(entries);
    add_functor(entries);
  }
  add_steps(entries, dtype, Values::positive);
  add_full_operands(entries, dtype);  // last: they take memory
}

}  // namespace
}  // namespace mylos::bench

int main(int argc, char** argv) {
  using namespace mylos::bench;
  constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;
  CLI::App app("Times Mylos' pointwise operators and compares them with the copy bandwidth of the same run.",
               "mylos_bench_pointwise");
  return run_benchmarks<Exec>(app, {4096, on_host ? 16384 : 393216}, argc, argv,
                              [](Entries& entries, mylos::DType dtype, const Options&) { add_all(entries, dtype); });
}
