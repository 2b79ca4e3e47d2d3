#include "suite/telemetry.hpp"

#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include <Kokkos_Core.hpp>

#if defined(KOKKOS_ENABLE_HIP)
#include <filesystem>
#endif

namespace mylos::bench {

void append(Telemetry& all, const Telemetry& more) {
  for (const auto& [key, values] : more) all[key].insert(all[key].end(), values.begin(), values.end());
}

namespace {

[[maybe_unused]] void read_file(Telemetry& readings, const std::string& key, const std::string& file, double unit) {
  std::ifstream stream(file);
  double value = 0;
  if (stream >> value) readings[key].push_back(value * unit);
}

}  // namespace

#if defined(KOKKOS_ENABLE_CUDA)

/// NVML's C interface, by the names and numbers of its header, which no release has changed.
struct TelemetryWatch::Source {
  static constexpr bool in_the_way = false;

  Source() : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
    char bus[32] = "";
    const auto start = function<int (*)()>("nvmlInit_v2");
    const auto by_bus = function<int (*)(const char*, void**)>("nvmlDeviceGetHandleByPciBusId_v2");
    clock_ = function<int (*)(void*, int, unsigned*)>("nvmlDeviceGetClockInfo");
    power_ = function<int (*)(void*, unsigned*)>("nvmlDeviceGetPowerUsage");
    temperature_ = function<int (*)(void*, int, unsigned*)>("nvmlDeviceGetTemperature");
    if (start == nullptr || by_bus == nullptr || start() != 0) return;
    if (cudaDeviceGetPCIBusId(bus, sizeof(bus), Kokkos::Cuda().cuda_device()) != cudaSuccess) return;
    if (by_bus(bus, &device_) != 0) device_ = nullptr;
  }

  void read(Telemetry& readings) const {
    if (device_ == nullptr) return;
    constexpr int sm_clock = 1;
    constexpr int memory_clock = 2;
    unsigned value = 0;
    if (clock_ != nullptr && clock_(device_, sm_clock, &value) == 0) readings["sm_clock_mhz"].push_back(value);
    if (clock_ != nullptr && clock_(device_, memory_clock, &value) == 0) readings["memory_clock_mhz"].push_back(value);
    if (power_ != nullptr && power_(device_, &value) == 0) readings["power_w"].push_back(1e-3 * value);
    if (temperature_ != nullptr && temperature_(device_, 0, &value) == 0) readings["temperature_c"].push_back(value);
  }

 private:
  template <class Function>
  Function function(const char* name) const {
    return library_ != nullptr ? reinterpret_cast<Function>(dlsym(library_, name)) : nullptr;
  }

  void* library_;  // stays open: NVML does not like to be closed while the driver is in use
  void* device_ = nullptr;
  int (*clock_)(void*, int, unsigned*) = nullptr;
  int (*power_)(void*, unsigned*) = nullptr;
  int (*temperature_)(void*, int, unsigned*) = nullptr;
};

#elif defined(KOKKOS_ENABLE_HIP)

/// The kernel driver's own files. ROCm SMI reads the same ones, and the structure it returns clocks in has changed
/// between its releases, which a program that finds it by dlopen cannot see.
struct TelemetryWatch::Source {
  static constexpr bool in_the_way = false;

  Source() {
    char bus[32] = "";
    if (hipDeviceGetPCIBusId(bus, sizeof(bus), Kokkos::HIP().hip_device()) != hipSuccess) return;
    for (char* c = bus; *c != 0; ++c) *c = static_cast<char>(std::tolower(*c));
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string("/sys/bus/pci/devices/") + bus + "/hwmon", none))
      folder_ = entry.path().string() + '/';
  }

  void read(Telemetry& readings) const {
    if (folder_.empty()) return;
    read_file(readings, "sm_clock_mhz", folder_ + "freq1_input", 1e-6);
    read_file(readings, "memory_clock_mhz", folder_ + "freq2_input", 1e-6);
    const std::size_t before = readings["power_w"].size();
    read_file(readings, "power_w", folder_ + "power1_average", 1e-6);
    if (readings["power_w"].size() == before) read_file(readings, "power_w", folder_ + "power1_input", 1e-6);
    read_file(readings, "temperature_c", folder_ + "temp1_input", 1e-3);
  }

 private:
  std::string folder_;
};

#else

struct TelemetryWatch::Source {
  static constexpr bool in_the_way = true;

  void read(Telemetry& readings) const {
    read_file(readings, "cpu_clock_mhz", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", 1e-3);
  }
};

#endif

struct TelemetryWatch::Sampler {
  explicit Sampler(const Source& source)
      : thread([this, &source] {
          while (!finished) {
            source.read(readings);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}
  ~Sampler() { join(); }
  void join() {
    finished = true;
    if (thread.joinable()) thread.join();
  }

  std::atomic<bool> finished{false};
  Telemetry readings;
  std::thread thread;  // last: it uses the others
};

TelemetryWatch::TelemetryWatch() : source_(std::make_unique<Source>()) {}
TelemetryWatch::~TelemetryWatch() = default;

void TelemetryWatch::start() {
  readings_.clear();
  if (Source::in_the_way)
    source_->read(readings_);
  else
    sampler_ = std::make_unique<Sampler>(*source_);
}

Telemetry TelemetryWatch::stop() {
  if (sampler_) {
    sampler_->join();
    readings_ = std::move(sampler_->readings);
    sampler_.reset();
  }
  source_->read(readings_);
  Telemetry result;
  for (auto& [key, values] : readings_)
    if (!values.empty()) result[key] = std::move(values);
  return result;
}

}  // namespace mylos::bench
