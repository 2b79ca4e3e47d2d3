// The ceiling that results are compared with: the best plain copy this machine does, on the same buffers, sampled again
// beside every case so that a machine whose speed drifts (shared, hot) is compared with itself.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <Kokkos_Core.hpp>

#include "support/timing.hpp"
#include "support/workspace.hpp"

namespace mylos::bench {

/// A memcpy by every thread of its own part: the C library streams past the caches where Kokkos' loop does not.
struct ThreadedCopy {
  char* to;
  const char* from;
  std::int64_t bytes;
  std::int64_t parts;
  void operator()(std::int64_t part) const {
    const std::int64_t begin = bytes / parts * part;
    const std::int64_t end = part + 1 == parts ? bytes : begin + bytes / parts;
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
  }
};

struct CopyWay {
  std::string name;
  std::function<void(int turn)> run;
};

/// The ways to copy `bytes` bytes, all of them one run: from(turn) to to(turn), both std::function<char*(int)>. The
/// last one is the plainest there is.
template <class Exec, class From, class To>
std::vector<CopyWay> copy_ways(const Exec& exec, std::int64_t bytes, const From& from, const To& to) {
  using Bytes = Kokkos::View<char*, typename Exec::memory_space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
  const auto n = static_cast<std::size_t>(bytes);
  std::vector<CopyWay> ways;
  ways.push_back(
      {"Kokkos::deep_copy", [=](int turn) { Kokkos::deep_copy(exec, Bytes(to(turn), n), Bytes(from(turn), n)); }});
#ifdef KOKKOS_ENABLE_CUDA
  if constexpr (std::is_same_v<Exec, Kokkos::Cuda>)
    ways.push_back({"cudaMemcpyAsync", [=](int turn) {
                      MYLOS_BENCH_CUDA(
                          cudaMemcpyAsync(to(turn), from(turn), n, cudaMemcpyDeviceToDevice, exec.cuda_stream()));
                    }});
#endif
#ifdef KOKKOS_ENABLE_HIP
  if constexpr (std::is_same_v<Exec, Kokkos::HIP>)
    ways.push_back({"hipMemcpyAsync", [=](int turn) {
                      if (hipMemcpyAsync(to(turn), from(turn), n, hipMemcpyDeviceToDevice, exec.hip_stream()) !=
                          hipSuccess)
                        Kokkos::abort("mylos bench: hipMemcpyAsync failed");
                    }});
#endif
  if constexpr (Kokkos::SpaceAccessibility<Exec, Kokkos::HostSpace>::accessible)
    ways.push_back({"memcpy by each thread", [=](int turn) {
                      const std::int64_t parts = exec.concurrency();
                      Kokkos::parallel_for("mylos bench: memcpy",
                                           Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>(exec, 0, parts),
                                           ThreadedCopy{to(turn), from(turn), bytes, parts});
                    }});
  return ways;
}

/// The ways to copy the workspace's x to its y.
template <class Exec>
std::vector<CopyWay> copy_ways(const Exec& exec, const Workspace<Exec>& workspace) {
  const Placement all = Placement::right(workspace.rows, workspace.cols);
  return copy_ways(
      exec, all.count() * static_cast<std::int64_t>(size_of(workspace.dtype)),
      [&workspace, all](int turn) { return static_cast<char*>(workspace.x(turn, all).data); },
      [&workspace, all](int turn) { return static_cast<char*>(workspace.y(turn, all).data); });
}

/// The best of these ways and its bandwidth, bytes read plus bytes written.
template <class Exec>
class Copy {
 public:
  struct Trial {
    CopyWay way;
    Statistics time;
    double gbs;
  };

  Copy(const Exec& exec, const Workspace<Exec>& workspace)
      : exec_(exec),
        bytes_moved_(2.0 * static_cast<double>(workspace.rows * workspace.cols) *
                     static_cast<double>(size_of(workspace.dtype))) {
    for (const CopyWay& way : copy_ways(exec_, workspace)) {
      const std::vector<double> samples = sample_ms(exec_, {3, 7, 15, 0.5}, way.run);
      const Statistics time = summarize(samples);
      if (trials_.empty() || time.median < trials_[best_].time.median) {
        best_ = trials_.size();
        samples_ = samples;
      }
      trials_.push_back({way, time, gbs(time.median)});
    }
  }

  /// Four more samples of the best way.
  void refresh() {
    const std::vector<double> fresh = sample_ms(exec_, {0, 4, 4, 0}, best().way.run);
    samples_.insert(samples_.end(), fresh.begin(), fresh.end());
  }

  /// By the median of the latest 8 samples, those before a case and after it, and of all samples of this run.
  double recent_gbs() const {
    const auto n = static_cast<std::ptrdiff_t>(std::min<std::size_t>(samples_.size(), 8));
    return gbs(summarize(std::vector<double>(samples_.end() - n, samples_.end())).median);
  }
  Statistics overall() const { return summarize(samples_); }
  double overall_gbs() const { return gbs(overall().median); }

  const std::vector<Trial>& trials() const { return trials_; }
  const Trial& best() const { return trials_[best_]; }
  double bytes_moved() const { return bytes_moved_; }

 private:
  double gbs(double ms) const { return bytes_moved_ / ms * 1e-6; }

  Exec exec_;
  double bytes_moved_;
  std::vector<Trial> trials_;
  std::size_t best_ = 0;
  std::vector<double> samples_;
};

}  // namespace mylos::bench
