#include "suite/roofline.hpp"

#include <algorithm>
#include <cmath>

namespace mylos::bench {
namespace {

/// What two measurements of the same thing differ by on a quiet machine; data in caches lies differently each time.
constexpr double memory_tolerance = 0.03;
constexpr double cache_tolerance = 0.10;
constexpr double compute_tolerance = 0.03;

/// Not every cache drops the oldest line first. One that drops any keeps a fifth of a set twice its size from turn to
/// turn, and a fiftieth of one four times its size.
constexpr std::int64_t cold_factor = 4;
constexpr int most_slots = 256;

struct Mix {
  const char* kind;
  double write_share;
};
constexpr Mix mixes[] = {{"read", 0}, {"triad", 1.0 / 3}, {"copy", 0.5}, {"write", 1}};

double usual_write_share(const std::string& family) {
  if (family == "reduce" || family == "loss") return 0;
  if (family == "map" || family == "row" || family == "scan") return 0.5;
  return -1;  // anything
}

/// The dtype whose moves stand for another's: bytes are bytes.
const Ceiling* move_ceiling(const Ceilings& ceilings, const char* kind, const std::string& level, DType dtype) {
  for (const char* name : {name_of(dtype), "f32", "f64", "f16", "bf16"})
    if (const Ceiling* ceiling = ceilings.find(kind, level, name)) return ceiling;
  return nullptr;
}

}  // namespace

std::string level_of(std::int64_t working_set, const Ceilings& ceilings) {
  for (const CacheLevel& cache : ceilings.caches)
    if (working_set <= cache.bytes) return cache.name;
  if (working_set < cold_factor * ceilings.last_level_cache()) return ceilings.caches.back().name;
  return "memory";
}

int cold_slots(std::int64_t slot_bytes, const Ceilings& ceilings) {
  const std::int64_t enough = cold_factor * ceilings.last_level_cache();
  const std::int64_t each = std::max<std::int64_t>(slot_bytes, 1);
  return static_cast<int>(std::clamp<std::int64_t>((enough + each - 1) / each, 1, most_slots));
}

bool can_be_warm(std::int64_t slot_bytes, const Ceilings& ceilings) {
  return slot_bytes <= ceilings.last_level_cache() / 2;
}

const Ceiling* memory_ceiling(const Work& work, const Ceilings& ceilings) {
  const std::string level = level_of(work.working_set, ceilings);
  const double share = work.write_share >= 0 ? work.write_share : usual_write_share(work.family);
  const Ceiling* best = nullptr;
  for (std::size_t i = 0; i < std::size(mixes); ++i) {
    const double below = i == 0 ? 0 : mixes[i - 1].write_share;
    const double above = i + 1 == std::size(mixes) ? 1 : mixes[i + 1].write_share;
    // Next to a share are the mix that has it, else the one below and the one above.
    const bool has_it = std::fabs(mixes[i].write_share - share) < 0.02;
    const bool next_to_it = share > below && share < above &&
                            std::none_of(std::begin(mixes), std::end(mixes),
                                         [&](const Mix& m) { return std::fabs(m.write_share - share) < 0.02; });
    if (share >= 0 && !has_it && !next_to_it) continue;
    const Ceiling* ceiling = move_ceiling(ceilings, mixes[i].kind, level, work.dtype);
    if (ceiling != nullptr && (best == nullptr || ceiling->gbs() > best->gbs())) best = ceiling;
  }
  return best;
}

Ceiling compute_ceiling(DType dtype, const Ceilings& ceilings) {
  Ceiling best;
  const auto consider = [&](const char* kind, DType of, double products) {
    const Ceiling* ceiling = ceilings.find(kind, "", name_of(of));
    if (ceiling == nullptr || ceiling->tflops() / products <= best.tflops()) return;
    best = *ceiling;
    best.flops /= products;
    if (products > 1) best.way += ", a third of it";
  };
  const bool sixteen = is_sixteen_bit(dtype);
  const DType arithmetic = dtype == DType::f64 || sixteen ? dtype : DType::f32;
  for (const char* kind : {"fma", "gemm"}) {
    consider(kind, arithmetic, 1);
    if (sixteen) consider(kind, DType::f32, 1);
  }
  if (arithmetic == DType::f32) consider("gemm", DType::f16, 3);
  return best;
}

Roof roof_of(const Work& work, const Ceilings& ceilings) {
  Roof roof;
  roof.bound = "launch";
  roof.ms = ceilings.launch_ms();
  if (const Ceiling* launch = ceilings.find("launch", "", "")) roof.ceiling = *launch;
  const auto raise = [&](double ms, const char* bound, const Ceiling& ceiling, double tolerance) {
    if (ms > roof.least_ms) {
      roof.least_ms = ms;
      roof.least = ceiling;
      roof.tolerance = tolerance;
    }
    if (ms <= roof.ms) return;
    roof.ms = ms;
    roof.bound = bound;
    roof.ceiling = ceiling;
  };
  const Ceiling* memory = memory_ceiling(work, ceilings);
  if (memory != nullptr && work.bytes > 0)
    raise(work.bytes / memory->gbs() * 1e-6, "memory", *memory,
          memory->level == "memory" ? memory_tolerance : cache_tolerance);
  const Ceiling compute = compute_ceiling(work.dtype, ceilings);
  if (compute.tflops() > 0 && work.flops > 0)
    raise(work.flops / compute.tflops() * 1e-9, "compute", compute, compute_tolerance);
  return roof;
}

bool is_impossible(double median_ms, const Roof& roof) { return !(median_ms * (1 + roof.tolerance) >= roof.least_ms); }

const char* roofline_rules() {
  return "roof = max(bytes / bandwidth, flops / rate, launch); of ceiling = roof / median\n"
         "  bandwidth  read, triad, copy or write of the dtype, whichever writes the same share of its bytes; between\n"
         "             two of them the faster; from memory, or from the cache that the working set fits into\n"
         "  rate       the largest of the dtype's multiply-adds and its best vendor product; f16 and bf16: or f32's;\n"
         "             f32: or a third of the best f16 product\n"
         "  invalid    above its ceiling by more than 3 % (data in caches: 10 %), an error beyond its bound before or\n"
         "             after timing, or two runs that differ in a bit (peers may)\n";
}

}  // namespace mylos::bench
