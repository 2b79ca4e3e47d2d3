// Operators that do as they should, and that do wrong in each of the ways that mylos-bench has to notice; and a machine
// with made-up ceilings, which nothing reaches.
#pragma once

#include <csignal>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>

#include "suite/driver.hpp"

namespace mylos::bench::test {

using Exec = Kokkos::DefaultExecutionSpace;

enum class Fault {
  none,
  wrong_values,
  writes_nothing,
  stops_writing,
  differs,
  does_nothing,
  throws,
  out_of_memory,
  interrupted
};

/// What a case was asked to do, for tests that look at it afterwards.
struct Calls {
  int slots = 0;
  std::vector<int> turns;
};

/// y = 2 x, x = 1, in host memory: what is under test is the driver, not a device.
class Twice final : public RunningCase {
 public:
  static constexpr int count = 1000;

  Twice(Fault fault, int slots, std::shared_ptr<Calls> calls)
      : fault_(fault), calls_(std::move(calls)), y_(static_cast<std::size_t>(slots), std::vector<float>(count)) {
    calls_->slots = slots;
  }

  void call(int turn) override {
    calls_->turns.push_back(turn);
    const int number = ++number_of_calls_;
    if (fault_ == Fault::interrupted && number == 1) std::raise(SIGINT);
    if (fault_ == Fault::throws && number > 1) throw std::runtime_error("the operator refuses");
    if (fault_ == Fault::writes_nothing || fault_ == Fault::does_nothing) return;
    if (fault_ == Fault::stops_writing && number > 3) return;  // after the calls that the first check makes
    std::vector<float>& y = y_[static_cast<std::size_t>(turn) % y_.size()];
    for (float& value : y) value = fault_ == Fault::wrong_values ? 2.25F : 2.0F;
    if (fault_ == Fault::differs && number % 2 == 0) y.back() = 2.0F + 0x1p-22F;
  }

  void spoil() override {
    if (fault_ != Fault::does_nothing) y_[0].assign(count, std::numeric_limits<float>::quiet_NaN());
  }

  ErrorFigures error() override {
    if (fault_ == Fault::does_nothing) return {};
    ErrorFigures figures;
    for (const float value : y_[0]) {
      const double error = std::abs(static_cast<double>(value) - 2);
      figures.max = error > figures.max || error != error ? error : figures.max;
      figures.rms += error * error / count;
    }
    figures.rms = std::sqrt(figures.rms);
    return figures;
  }

  std::uint64_t digest() override {
    std::uint64_t digest = 0;
    for (const float value : y_[0]) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      digest = 31 * digest + bits;
    }
    return digest;
  }

 private:
  Fault fault_;
  std::shared_ptr<Calls> calls_;
  std::vector<std::vector<float>> y_;
  int number_of_calls_ = 0;
};

inline SuiteCase<Exec> twice(const std::string& name, Fault fault = Fault::none,
                             std::shared_ptr<Calls> calls = std::make_shared<Calls>()) {
  SuiteCase<Exec> c;
  c.suite = "doubles";
  c.name = name;
  c.shape = "1000";
  c.layout = "right";
  c.path = "automatic";
  c.op = "twice";
  c.family = "map";
  c.bytes = 8.0 * Twice::count;
  c.bytes_formula = "x + y";
  c.slot_bytes = 8 * Twice::count;
  c.error_unit = "the result";
  c.error_bound = 1e-6;
  c.kernel = "double";
  c.make = [fault, calls](const Exec&, int slots) -> std::unique_ptr<RunningCase> {
    if (fault == Fault::out_of_memory) throw std::bad_alloc();
    return std::make_unique<Twice>(fault, slots, calls);
  };
  return c;
}

inline Ceiling made_up(const std::string& kind, const std::string& level, const std::string& dtype, double gbs,
                       double tflops = 0) {
  Ceiling c;
  c.kind = kind;
  c.level = level;
  c.dtype = dtype;
  c.way = "made up";
  c.bytes = gbs * 1e6;  // in one ms
  c.flops = tflops * 1e9;
  c.time = {1, 1, 1, 15};
  return c;
}

/// 10 KB and 100 KB of cache, everything a thousand times faster than any machine.
inline Ceilings out_of_reach() {
  Ceilings c;
  c.caches = {{"l1", 10000}, {"l2", 100000}};
  for (const char* level : {"memory", "l1", "l2"})
    for (const char* kind : {"copy", "read", "write", "triad"}) c.list.push_back(made_up(kind, level, "f32", 1e9));
  c.list.push_back(made_up("fma", "", "f32", 0, 1e6));
  Ceiling launch = made_up("launch", "", "", 0);
  launch.time = {1e-9, 1e-9, 1e-9, 15};
  c.list.push_back(launch);
  return c;
}

/// Quiet and quick.
inline RunOptions quickly() {
  RunOptions options;
  options.quiet = true;
  options.measure.min_time_s = 0;
  return options;
}

}  // namespace mylos::bench::test
