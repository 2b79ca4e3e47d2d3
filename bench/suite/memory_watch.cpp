#include "suite/memory_watch.hpp"

#include <algorithm>
#include <fstream>
#include <string>

#include <Kokkos_Core.hpp>

#include "support/context.hpp"
#include "support/timing.hpp"

namespace mylos::bench {

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)

namespace {

#if defined(KOKKOS_ENABLE_CUDA)
cudaMemPool_t pool() {
  cudaMemPool_t result = nullptr;
  MYLOS_BENCH_CUDA(cudaDeviceGetDefaultMemPool(&result, Kokkos::Cuda().cuda_device()));
  return result;
}
void reset_pool_mark() {
  std::uint64_t zero = 0;
  MYLOS_BENCH_CUDA(cudaMemPoolSetAttribute(pool(), cudaMemPoolAttrUsedMemHigh, &zero));
}
std::int64_t pool_mark() {
  std::uint64_t high = 0;
  MYLOS_BENCH_CUDA(cudaMemPoolGetAttribute(pool(), cudaMemPoolAttrUsedMemHigh, &high));
  return static_cast<std::int64_t>(high);
}
#else
void reset_pool_mark() {}
std::int64_t pool_mark() { return 0; }
#endif

}  // namespace

MemoryWatch::MemoryWatch() : readable_(true), before_(device_memory().available) {}

void MemoryWatch::made() {
  tensors_ = before_ - device_memory().available;
  reset_pool_mark();
}

std::optional<std::int64_t> MemoryWatch::high_water() const {
  return std::max(tensors_ + pool_mark(), before_ - device_memory().available);
}

#else

namespace {

/// Of /proc/self/status; 0 where it is not there.
std::int64_t status_bytes(const std::string& key) {
  std::ifstream lines("/proc/self/status");
  for (std::string line; std::getline(lines, line);)
    if (line.compare(0, key.size(), key) == 0) return 1024 * std::stoll(line.substr(key.size()));
  return 0;
}

bool reset_high_water_mark() {
  std::ofstream stream("/proc/self/clear_refs");
  stream << "5" << std::flush;
  return stream.good();
}

}  // namespace

MemoryWatch::MemoryWatch() : readable_(reset_high_water_mark()), before_(status_bytes("VmRSS:")) {}

void MemoryWatch::made() {}

std::optional<std::int64_t> MemoryWatch::high_water() const {
  if (!readable_ || before_ == 0) return std::nullopt;
  return std::max<std::int64_t>(status_bytes("VmHWM:") - before_, 0);
}

#endif

}  // namespace mylos::bench
