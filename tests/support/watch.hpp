// What Kokkos Tools sees of a call: its kernels and where they run, fences, regions, and everything that should not be.
#pragma once

#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace mylos::test {

/// What Kokkos Tools sees while it lives.
class Watch {
 public:
  Watch() {
    namespace Tools = Kokkos::Tools::Experimental;
    before_ = Tools::get_callbacks();
    seen() = {};
    Tools::set_begin_parallel_for_callback([](const char* label, std::uint32_t device, std::uint64_t*) {
      seen().kernels.push_back({label, device});
    });
    Tools::set_begin_parallel_reduce_callback(
        [](const char* label, std::uint32_t, std::uint64_t*) { seen().add_other("reduction", label); });
    Tools::set_begin_parallel_scan_callback(
        [](const char* label, std::uint32_t, std::uint64_t*) { seen().add_other("scan", label); });
    Tools::set_begin_fence_callback([](const char* label, std::uint32_t, std::uint64_t*) {
      // Kokkos itself waits before each callback, so that tools see kernels one by one.
      if (std::string(label).find("Tool Fence") == std::string::npos) seen().fences.push_back(label);
    });
    Tools::set_begin_deep_copy_callback([](Kokkos::Profiling::SpaceHandle, const char* label, const void*,
                                           Kokkos::Profiling::SpaceHandle, const char*, const void*,
                                           std::uint64_t) { seen().add_other("copy", label); });
    Tools::set_allocate_data_callback(
        [](Kokkos::Profiling::SpaceHandle, const char* label, const void*, std::uint64_t bytes) {
          if (bytes > 0) seen().add_other("allocation", label);  // Kokkos announces a team's scratch memory of no bytes
        });
    Tools::set_push_region_callback([](const char* label) { seen().regions.push_back(label); });
    Tools::set_pop_region_callback([] { ++seen().regions_left; });
  }
  ~Watch() { Kokkos::Tools::Experimental::set_callbacks(before_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  struct Seen {
    std::vector<std::pair<std::string, std::uint32_t>> kernels;
    std::vector<std::string> fences;
    std::vector<std::string> regions;
    std::size_t regions_left = 0;
    int others = 0;  // reductions, scans, copies, allocations
    std::string last_other;
    void add_other(const std::string& what, const char* label) {
      ++others;
      last_other = what + " " + label;
    }
  };
  static Seen& seen() {
    static Seen all;
    return all;
  }

 private:
  Kokkos::Tools::Experimental::EventSet before_;
};

/// Of a call that `kernel` served: it ran on that device, under its name, and nothing waited, copied or allocated.
/// Returns how often `function`'s label for it was seen.
inline std::ptrdiff_t expect_quiet_call(const Watch::Seen& seen, std::uint32_t device, const std::string& function,
                                        const std::string& kernel) {
  for (const std::string& fence : seen.fences) ADD_FAILURE() << kernel << " waited: " << fence;
  EXPECT_EQ(seen.others, 0) << kernel << ' ' << seen.last_other;
  EXPECT_EQ(seen.regions_left, seen.regions.size()) << kernel;
  std::vector<std::string> labels = seen.regions;
  for (const auto& [label, where] : seen.kernels) {
    labels.push_back(label);
    EXPECT_EQ(where, device) << label;
    EXPECT_NE(label.find("[" + kernel + "]"), std::string::npos) << label;
    EXPECT_EQ(label.rfind("mylos::", 0), 0U) << label;
  }
  return std::count(labels.begin(), labels.end(), "mylos::" + function + "[" + kernel + "]");
}

}  // namespace mylos::test
