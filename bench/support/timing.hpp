// How long a call takes. On CUDA events bracket each call and all samples are enqueued before anything is waited for,
// so that the device is never idle between them and the host's share stays out of the interval. Elsewhere a steady
// clock around the call and a fence of its instance.
#pragma once

#include <chrono>
#include <vector>

#include <Kokkos_Core.hpp>

#include "support/statistics.hpp"

namespace mylos::bench {

#ifdef KOKKOS_ENABLE_CUDA
inline void check_cuda(cudaError_t status, const char* expression) {
  if (status != cudaSuccess) Kokkos::abort((std::string(expression) + ": " + cudaGetErrorString(status)).c_str());
}
#define MYLOS_BENCH_CUDA(expression) ::mylos::bench::check_cuda((expression), #expression)

class CudaEvent {
 public:
  CudaEvent() { MYLOS_BENCH_CUDA(cudaEventCreate(&event_)); }
  ~CudaEvent() { (void)cudaEventDestroy(event_); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(const Kokkos::Cuda& exec) { MYLOS_BENCH_CUDA(cudaEventRecord(event_, exec.cuda_stream())); }
  double ms_since(const CudaEvent& start) const {
    float ms = 0;
    MYLOS_BENCH_CUDA(cudaEventElapsedTime(&ms, start.event_, event_));
    return static_cast<double>(ms);
  }

 private:
  cudaEvent_t event_ = nullptr;
};
#endif

class Stopwatch {
 public:
  double ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }
  double seconds() const { return 1e-3 * ms(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// How many samples: `most` where they fit into budget_s, never fewer than `least`.
struct Sampling {
  int warm_up = 2;
  int least = 15;
  int most = 15;
  double budget_s = 1;
};

/// One sample per element of `samples`.
template <class Exec, class Call>
void collect(const Exec& exec, std::vector<double>& samples, int turn, const Call& call) {
  for (double& sample : samples) {
    const Stopwatch watch;
    call(turn++);
    exec.fence("mylos bench: sample");
    sample = watch.ms();
  }
}

#ifdef KOKKOS_ENABLE_CUDA
template <class Call>
void collect(const Kokkos::Cuda& exec, std::vector<double>& samples, int turn, const Call& call) {
  std::vector<CudaEvent> begin(samples.size());
  std::vector<CudaEvent> end(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    begin[i].record(exec);
    call(turn++);
    end[i].record(exec);
  }
  exec.fence("mylos bench: samples");
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = end[i].ms_since(begin[i]);
}
#endif

/// Milliseconds of each sample of call(turn). `turn` counts from 0 through warm-up and samples: calls on little data
/// use it to take another copy of their tensors each time (workspace.hpp).
template <class Exec, class Call>
std::vector<double> sample_ms(const Exec& exec, const Sampling& sampling, const Call& call) {
  int turn = 0;
  exec.fence("mylos bench: before the warm-up");
  double once = 0;
  for (int i = 0; i < sampling.warm_up; ++i) {
    const Stopwatch watch;
    call(turn++);
    exec.fence("mylos bench: warm-up");
    once = watch.seconds();
  }
  const double affordable = once > 0 ? sampling.budget_s / once : sampling.most;
  const int count = affordable >= sampling.most   ? sampling.most
                    : affordable > sampling.least ? static_cast<int>(affordable)
                                                  : sampling.least;
  std::vector<double> samples(static_cast<std::size_t>(count));

  collect(exec, samples, turn, call);
  return samples;
}

/// Milliseconds per call over batches of `calls`, host side included. With `fence_each` every call is waited for, else
/// only the batch: the rate at which a program that does not wait gets through them.
template <class Exec, class Call>
std::vector<double> latency_ms(const Exec& exec, int batches, int calls, bool fence_each, const Call& call) {
  std::vector<double> samples;
  for (int batch = -1; batch < batches; ++batch) {  // the first one warms up
    exec.fence("mylos bench: before a batch");
    const Stopwatch watch;
    for (int i = 0; i < calls; ++i) {
      call();
      if (fence_each) exec.fence("mylos bench: call");
    }
    exec.fence("mylos bench: batch");
    if (batch >= 0) samples.push_back(watch.ms() / calls);
  }
  return samples;
}

}  // namespace mylos::bench
