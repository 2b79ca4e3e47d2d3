// Clocks, power and temperature while samples are taken, where the machine tells: NVML by dlopen, so that nothing has
// to be installed to build or run; the kernel's hwmon files for AMD; cpufreq for the host.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mylos::bench {

/// By key: "sm_clock_mhz", "memory_clock_mhz", "power_w", "temperature_c"; on the host "cpu_clock_mhz".
using Telemetry = std::map<std::string, std::vector<double>>;

void append(Telemetry& all, const Telemetry& more);

class TelemetryWatch {
 public:
  TelemetryWatch();
  ~TelemetryWatch();

  /// On a device a thread reads every 10 ms until stop(); on the host, where it would be in the way, there is a reading
  /// now and one at stop().
  void start();
  Telemetry stop();

 private:
  struct Source;
  struct Sampler;
  std::unique_ptr<Source> source_;
  std::unique_ptr<Sampler> sampler_;
  Telemetry readings_;
};

}  // namespace mylos::bench
