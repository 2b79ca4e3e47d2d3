#include "suite/ceilings.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include <Kokkos_Core.hpp>

#include "suite/moves.hpp"
#include "support/context.hpp"
#include "support/gemm_peers.hpp"
#include "support/launch.hpp"

namespace mylos::bench {
namespace {

using Exec = Kokkos::DefaultExecutionSpace;
constexpr bool on_host = Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible;

/// What a move through memory goes over: on the host four times the caches, as cold cases do, and no more, so that of
/// many samples some are left alone by whatever else runs; on a device so much that a launch is nothing beside it.
std::int64_t memory_bytes() {
  return on_host ? std::max(4 * cache_levels().back().bytes, std::int64_t{64} << 20) : std::int64_t{12} << 30;
}

/// Of one array.
std::int64_t array_bytes(const CeilingOptions& options) {
  const std::int64_t wanted = on_host ? memory_bytes() : memory_bytes() / 3;
  const std::int64_t room = options.memory_limit > 0 ? options.memory_limit / 4 : wanted;
  return std::max<std::int64_t>(std::min(wanted, room), 1 << 20);
}

/// What one measurement works on, shared by all of them.
class Measurement {
 public:
  explicit Measurement(const CeilingOptions& options) : options_(options) {}

  Ceiling move(Move kind, DType dtype, const std::string& level) {
    const MoveTask task = task_of(kind, dtype, level);
    Ceiling best = blank(name_of(kind), level, name_of(dtype));
    best.bytes = task.bytes_moved();
    for (const CopyWay& way : move_ways(buffers(), task)) keep_faster(best, way.name, samples_of(way.run));
    return best;
  }

  /// A copy and the plain memcpy, sample by sample, so that a machine whose speed drifts is compared with itself.
  std::pair<Ceiling, Ceiling> copy_and_memcpy(DType dtype) {
    Ceiling best = move(Move::copy, dtype, "memory");
    const MoveTask task = task_of(Move::copy, dtype, "memory");
    const std::vector<CopyWay> ways = move_ways(buffers(), task);
    const CopyWay plain =
        copy_ways(
            exec_, task.bytes, [this](int) { return buffers().b.data(); }, [this](int) { return buffers().a.data(); })
            .back();
    const auto same = [&](const CopyWay& way) { return way.name == best.way; };
    const CopyWay fastest = *std::find_if(ways.begin(), ways.end(), same);
    std::vector<double> plain_ms;
    std::vector<double> fastest_ms;
    for (int i = 0; i < 2 * options_.samples; ++i)
      for (const auto& [way, ms] : {std::pair(&plain, &plain_ms), std::pair(&fastest, &fastest_ms)})
        ms->push_back(sample_ms(exec_, {0, 1, 1, 0}, way->run).front());
    Ceiling memcpy_ceiling = blank("memcpy", "memory", name_of(dtype));
    memcpy_ceiling.bytes = best.bytes;
    keep_faster(memcpy_ceiling, plain.name, plain_ms);
    keep_faster(best, fastest.name, fastest_ms);
    if (fastest.name == plain.name) keep_faster(best, plain.name, plain_ms);
    return {best, memcpy_ceiling};
  }

  Ceiling fma(DType dtype) {
    const FmaTask task = fma_task(exec_, dtype);
    Ceiling best = blank("fma", "", name_of(dtype));
    best.flops = task.flops;
    if (task.flops > 0) keep_faster(best, "registers", samples_of(task.run));
    return best;
  }

  Ceiling gemm(DType dtype) {
    Ceiling best = blank("gemm", "", name_of(dtype));
    for (const std::int64_t n : on_host ? std::vector<std::int64_t>{512, 1024} : std::vector<std::int64_t>{4096, 8192})
      if (3 * n * n * static_cast<std::int64_t>(size_of(dtype)) <= 3 * array_bytes(options_)) square(best, dtype, n);
    return best;
  }

  Ceiling launch() {
    Ceiling result = blank("launch", "", "");
    keep_faster(result, "empty kernel", sample_ms(exec_, {20, 100, 100, 0}, [this](int) { bare_launch(exec_); }));
    return result;
  }

 private:
  static Ceiling blank(const std::string& kind, const std::string& level, const std::string& dtype) {
    Ceiling ceiling;
    ceiling.kind = kind;
    ceiling.level = level;
    ceiling.dtype = dtype;
    return ceiling;
  }

  MoveBuffers& buffers() {
    if (!buffers_) buffers_ = std::make_unique<MoveBuffers>(exec_, array_bytes(options_));
    return *buffers_;
  }

  std::vector<double> samples_of(const std::function<void(int)>& run) const {
    return sample_ms(exec_, {2, 7, 2 * options_.samples, 0.4}, run);
  }

  static void keep_faster(Ceiling& best, const std::string& way, const std::vector<double>& samples) {
    const Statistics time = summarize(samples);
    if (best.time.samples > 0 && best.time.p10 <= time.p10) return;
    best.time = time;
    best.way = way;
  }

  /// Half of the cache, which leaves room for what else it holds; often enough that a launch is nothing beside it.
  MoveTask task_of(Move kind, DType dtype, const std::string& level) {
    MoveTask task{kind, dtype, std::min(buffers().bytes, memory_bytes() / arrays_of(kind)), 1};
    for (const CacheLevel& cache : cache_levels())
      if (cache.name == level) {
        task.bytes = std::min(task.bytes, cache.bytes / 2 / arrays_of(kind));
        const double enough = on_host ? 128e6 : 2e9;
        task.passes = std::max(2, static_cast<int>(enough / task.bytes_moved()));
      }
    const std::int64_t grain = on_host ? std::int64_t{64} * exec_.concurrency() : 4096;
    task.bytes = std::max(task.bytes / grain, std::int64_t{1}) * grain;
    return task;
  }

  /// The libraries on square matrices of n rows, within the buffers.
  void square(Ceiling& best, DType dtype, std::int64_t n) {
    const std::int64_t extents[] = {1, n, n};
    const auto matrix = [&](const auto& view) { return Tensor(view.data(), dtype, 3, extents, nullptr); };
    const Tensor a = matrix(buffers().a);
    const Tensor b = matrix(buffers().b);
    const Tensor c = matrix(buffers().c);
    fill(exec_, a.data, dtype, n * n, Values::normal, 1);
    fill(exec_, b.data, dtype, n * n, Values::normal, 2);
    const double flops = 2.0 * std::pow(static_cast<double>(n), 3);
    for (const GemmPeer<Exec>& peer : gemm_peers<Exec>()) {
      if (!peer.run(exec_, a, b, c)) continue;
      const Statistics time = summarize(samples_of([&](int) { (void)peer.run(exec_, a, b, c); }));
      if (best.flops > 0 && flops / time.p10 <= best.flops / best.time.p10) continue;
      best.flops = flops;
      best.time = time;
      best.way = peer.name;
    }
    fill(exec_, a.data, DType::f32, buffers().bytes / 4, Values::positive);
    fill(exec_, b.data, DType::f32, buffers().bytes / 4, Values::positive);
  }

  Exec exec_;
  CeilingOptions options_;
  std::unique_ptr<MoveBuffers> buffers_;
};

void print(const Ceiling& c) {
  const std::string what = c.kind + (c.dtype.empty() ? "" : ' ' + c.dtype) + (c.level.empty() ? "" : ", " + c.level);
  if (c.bytes > 0)
    std::printf("  %-20s %10.1f GB/s    by %s\n", what.c_str(), c.gbs(), c.way.c_str());
  else if (c.flops > 0)
    std::printf("  %-20s %10.3f TFLOP/s by %s\n", what.c_str(), c.tflops(), c.way.c_str());
  else
    std::printf("  %-20s %10.2f us\n", what.c_str(), 1e3 * c.best_ms());
  std::fflush(stdout);
}

/// The same bits moved by the same code.
void add_moves_of_f16_as_bf16(std::vector<Ceiling>& list) {
  for (std::size_t i = 0, n = list.size(); i < n; ++i) {
    if (list[i].dtype != "f16" || list[i].level.empty()) continue;
    list.push_back(list[i]);
    list.back().dtype = "bf16";
  }
}

constexpr Move all_moves[] = {Move::copy, Move::read, Move::write, Move::triad};

}  // namespace

std::vector<CacheLevel> cache_levels() {
  std::vector<CacheLevel> levels;
#if defined(KOKKOS_ENABLE_CUDA)
  levels.push_back({"l2", last_level_cache()});
#elif defined(KOKKOS_ENABLE_HIP)
  hipDeviceProp_t properties{};
  if (hipGetDeviceProperties(&properties, Kokkos::HIP().hip_device()) == hipSuccess && properties.l2CacheSize > 0)
    levels.push_back({"l2", properties.l2CacheSize});
  levels.push_back({"l3", last_level_cache()});
#else
  const benchmark::CPUInfo& cpu = benchmark::CPUInfo::Get();
  for (const auto& cache : cpu.caches) {
    if (cache.type == "Instruction" || cache.size <= 0) continue;
    const int instances = cache.num_sharing > 0 ? std::max(1, cpu.num_cpus / cache.num_sharing) : 1;
    levels.push_back({'l' + std::to_string(cache.level), std::int64_t{cache.size} * instances});
  }
  if (levels.empty()) levels.push_back({"l3", last_level_cache()});
  std::sort(levels.begin(), levels.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
#endif
  return levels;
}

const Ceiling* Ceilings::find(const std::string& kind, const std::string& level, const std::string& dtype) const {
  for (const Ceiling& ceiling : list)
    if (ceiling.kind == kind && ceiling.level == level && ceiling.dtype == dtype) return &ceiling;
  return nullptr;
}

double Ceilings::launch_ms() const {
  const Ceiling* launch = find("launch", "", "");
  return launch != nullptr ? launch->best_ms() : 0;
}

Ceilings measure_ceilings(const CeilingOptions& options) {
  Ceilings ceilings;
  ceilings.caches = cache_levels();
  Measurement measurement(options);
  const auto add = [&](Ceiling ceiling) {
    if (ceiling.time.samples == 0) return;
    print(ceiling);
    ceilings.list.push_back(std::move(ceiling));
  };
  const auto asked = [&](DType dtype) {
    return std::find(options.dtypes.begin(), options.dtypes.end(), dtype) != options.dtypes.end();
  };
  for (const DType dtype : options.dtypes) {
    add(measurement.fma(dtype));
    add(measurement.gemm(dtype));
    if (dtype == DType::bf16 && asked(DType::f16)) {
      add_moves_of_f16_as_bf16(ceilings.list);
      continue;
    }
    auto [copy, plain] = measurement.copy_and_memcpy(dtype);
    if (std::fabs(copy.gbs() / plain.gbs() - 1) > 0.02)
      std::printf("  WARNING: the best copy and a plain memcpy differ by %.1f %%\n",
                  100 * (copy.gbs() / plain.gbs() - 1));
    add(copy);
    add(plain);
    for (const Move kind : {Move::read, Move::write, Move::triad}) add(measurement.move(kind, dtype, "memory"));
    for (const CacheLevel& cache : ceilings.caches)
      for (const Move kind : all_moves) add(measurement.move(kind, dtype, cache.name));
  }
  // What products of f32 that are split into halves are held against.
  if (asked(DType::f32) && !asked(DType::f16)) add(measurement.gemm(DType::f16));
  add(measurement.launch());
  return ceilings;
}

void measure_again(Ceiling& ceiling, const CeilingOptions& options) {
  Measurement measurement(options);
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    if (ceiling.dtype != name_of(dtype)) continue;
    Ceiling fresh = ceiling;
    if (ceiling.kind == "fma") fresh = measurement.fma(dtype);
    if (ceiling.kind == "gemm") fresh = measurement.gemm(dtype);
    for (const Move kind : all_moves)
      if (ceiling.kind == name_of(kind)) fresh = measurement.move(kind, dtype, ceiling.level);
    if (fresh.gbs() > ceiling.gbs() || fresh.tflops() > ceiling.tflops()) ceiling = fresh;
  }
}

}  // namespace mylos::bench
