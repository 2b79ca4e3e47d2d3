#include "support/context.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include <mylos/version.hpp>

#include "mylos_bench_commit.hpp"
#include "support/timing.hpp"

namespace mylos::bench {
namespace {

// The value of the first line "key<blanks>: value" of a /proc file.
std::string proc_value(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.compare(0, key.size(), key) != 0) continue;
    const auto value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

std::int64_t kilobytes(const std::string& key) {
  const std::string value = proc_value("/proc/meminfo", key);
  return value.empty() ? 0 : 1024 * std::stoll(value);
}

// What the control group of a container or a batch job allows, without bound where it does not say.
std::int64_t group_limit(const char* file) {
  std::ifstream stream(file);
  std::int64_t limit = 0;
  return stream >> limit ? limit : std::numeric_limits<std::int64_t>::max();
}

MemoryBytes host_memory() {
  MemoryBytes memory{kilobytes("MemTotal"), kilobytes("MemAvailable")};
  const std::int64_t limit =
      std::min(group_limit("/sys/fs/cgroup/memory.max"), group_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  memory.total = std::min(memory.total, limit);
  memory.available = std::min(memory.available, limit);
  return memory;
}

// Cores that have a line of their own; where the kernel does not tell (many are not x86), hardware threads.
std::string cpu_cores() {
  std::ifstream lines("/proc/cpuinfo");
  std::set<std::string> cores;
  std::string socket;
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, 11, "physical id") == 0) socket = line.substr(line.find(':'));
    if (line.compare(0, 7, "core id") == 0) cores.insert(socket + line.substr(line.find(':')));
  }
  const long threads = sysconf(_SC_NPROCESSORS_ONLN);
  if (cores.empty()) return std::to_string(threads) + " hardware threads";
  return std::to_string(cores.size()) + " cores, " + std::to_string(threads) + " hardware threads";
}

std::string cpu_name() {
  const std::string name = proc_value("/proc/cpuinfo", "model name");
  if (!name.empty()) return name;
  utsname system{};
  return uname(&system) == 0 ? system.machine : "unknown";
}

std::string compiler() {
  std::ostringstream text;
#if defined(__clang__)
  text << "clang " << __clang_version__;
#elif defined(__GNUC__)
  text << "g++ " << __VERSION__;
#else
  text << "unknown";
#endif
#if defined(__CUDACC_VER_MAJOR__)
  text << ", nvcc " << __CUDACC_VER_MAJOR__ << '.' << __CUDACC_VER_MINOR__ << '.' << __CUDACC_VER_BUILD__;
#endif
  return text.str();
}

std::string utc_time() {
  const std::time_t now = std::time(nullptr);
  char text[32] = "";
  std::tm parts{};
  if (gmtime_r(&now, &parts) != nullptr) std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

#ifdef KOKKOS_ENABLE_CUDA
int cuda_device() { return Kokkos::Cuda().cuda_device(); }

int cuda_attribute(cudaDeviceAttr attribute) {
  int value = 0;
  MYLOS_BENCH_CUDA(cudaDeviceGetAttribute(&value, attribute, cuda_device()));
  return value;
}

std::string cuda_version(int version) {
  return std::to_string(version / 1000) + '.' + std::to_string(version % 1000 / 10);
}

// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  ...": the first word with two dots in it.
std::string nvidia_driver() {
  std::istringstream words(proc_value("/proc/driver/nvidia/version", "NVRM version"));
  for (std::string word; words >> word;)
    if (word.find_first_not_of("0123456789.") == std::string::npos && word.find('.') != std::string::npos) return word;
  return "unknown";
}

void add_gpu(Context& context) {
  int driver = 0;
  int runtime = 0;
  MYLOS_BENCH_CUDA(cudaDriverGetVersion(&driver));
  MYLOS_BENCH_CUDA(cudaRuntimeGetVersion(&runtime));
  context.emplace_back("gpu", device_name());
  context.emplace_back("gpu_memory", in_gigabytes(static_cast<double>(device_memory().total)));
  context.emplace_back("driver", nvidia_driver() + ", for CUDA up to " + cuda_version(driver));
  context.emplace_back("cuda_runtime", cuda_version(runtime));
}
#elif defined(KOKKOS_ENABLE_HIP)
void add_gpu(Context& context) {
  context.emplace_back("gpu", device_name());
  context.emplace_back("gpu_memory", in_gigabytes(static_cast<double>(device_memory().total)));
}
#else
void add_gpu(Context&) {}
#endif

// By the beginnings of their names; sorted, since the order of the environment means nothing.
void add_environment(Context& context) {
  std::map<std::string, std::string> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals == std::string::npos) continue;
    for (const char* prefix :
         {"OMP_", "GOMP_", "KMP_", "KOKKOS_", "OPENBLAS_NUM", "DNNL_", "CUDA_VISIBLE", "CUDA_LAUNCH", "CUDA_MODULE",
          "HIP_VISIBLE", "ROCR_VISIBLE", "MALLOC_", "GLIBC_TUNABLES"})
      if (text.rfind(prefix, 0) == 0) found[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : found) context.emplace_back(name, value);
}

}  // namespace

std::string in_gigabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f GB", bytes < 1e9 ? 2 : 1, 1e-9 * bytes);
  return text;
}

std::string device_name() {
#if defined(KOKKOS_ENABLE_CUDA)
  cudaDeviceProp properties{};
  MYLOS_BENCH_CUDA(cudaGetDeviceProperties(&properties, cuda_device()));
  return properties.name;
#elif defined(KOKKOS_ENABLE_HIP)
  hipDeviceProp_t properties{};
  if (hipGetDeviceProperties(&properties, Kokkos::HIP().hip_device()) != hipSuccess) return "unknown";
  return properties.name;
#else
  return cpu_name() + ", " + cpu_cores();
#endif
}

MemoryBytes device_memory() {
  [[maybe_unused]] std::size_t available = 0;
  [[maybe_unused]] std::size_t total = 0;
#if defined(KOKKOS_ENABLE_CUDA)
  MYLOS_BENCH_CUDA(cudaMemGetInfo(&available, &total));
#elif defined(KOKKOS_ENABLE_HIP)
  if (hipMemGetInfo(&available, &total) != hipSuccess) return {};
#else
  return host_memory();
#endif
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  return {static_cast<std::int64_t>(total), static_cast<std::int64_t>(available)};
#endif
}

std::int64_t last_level_cache() {
#ifdef KOKKOS_ENABLE_CUDA
  return cuda_attribute(cudaDevAttrL2CacheSize);
#elif defined(KOKKOS_ENABLE_HIP)
  return std::int64_t{256} << 20;  // the largest there is, MI300X
#else
  const long bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return bytes > 0 ? bytes : std::int64_t{64} << 20;
#endif
}

Context machine_context() {
  Context context;
  context.emplace_back("date", utc_time());
  context.emplace_back("cpu", cpu_name());
  context.emplace_back("cpu_cores", cpu_cores());
  context.emplace_back("memory", in_gigabytes(static_cast<double>(host_memory().total)));
  add_gpu(context);
  context.emplace_back("compiler", compiler());
  context.emplace_back("kokkos", std::to_string(KOKKOS_VERSION / 10000) + '.' +
                                     std::to_string(KOKKOS_VERSION / 100 % 100) + '.' +
                                     std::to_string(KOKKOS_VERSION % 100));
  context.emplace_back("execution_space", Kokkos::DefaultExecutionSpace().name());
  context.emplace_back("concurrency", std::to_string(Kokkos::DefaultExecutionSpace().concurrency()));
  const Version version = mylos::version();
  context.emplace_back("mylos", std::to_string(version.major) + '.' + std::to_string(version.minor) + '.' +
                                    std::to_string(version.patch));
  context.emplace_back("commit", MYLOS_BENCH_COMMIT);
  add_environment(context);
  return context;
}

Context kokkos_options() {
  std::ostringstream text;
  Kokkos::print_configuration(text, true);
  std::istringstream lines(text.str());
  Context options;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find_first_not_of(' ');
    const auto colon = line.find(':');
    if (begin == std::string::npos || colon == std::string::npos) continue;
    const auto value = line.find_first_not_of(' ', colon + 1);
    if (value != std::string::npos) options.emplace_back(line.substr(begin, colon - begin), line.substr(value));
  }
  return options;
}

}  // namespace mylos::bench
