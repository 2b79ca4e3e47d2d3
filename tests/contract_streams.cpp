// What the contract says of CUDA streams: the caller's stream and no other, returning before the work is done, graph
// capture, and errors of others left alone.
#include <gtest/gtest.h>

#include <mylos/mylos.hpp>

#include "support/kernels.hpp"

#ifdef KOKKOS_ENABLE_CUDA

#include <cuda_runtime.h>

#include <chrono>
#include <optional>
#include <thread>

namespace mylos::test {
namespace {

#define EXPECT_CUDA(expression) EXPECT_EQ(expression, cudaSuccess) << #expression

constexpr int extent = 100003;
using View = Kokkos::View<float*, Kokkos::CudaSpace>;

struct SpinUntil {
  volatile int* flag;
  KOKKOS_FUNCTION void operator()(int) const {
    while (*flag == 0) {
    }
  }
};

struct Fill {
  float* data;
  float value;
  KOKKOS_FUNCTION void operator()(int i) const { data[i] = value + static_cast<float>(i % 100); }
};

void fill(const Kokkos::Cuda& exec, const View& view, float value) {
  Kokkos::parallel_for("fill", Kokkos::RangePolicy<Kokkos::Cuda>(exec, 0, extent), Fill{view.data(), value});
}

std::int64_t elements_unlike(const View& view, float sign, float value) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  std::int64_t n = 0;
  for (int i = 0; i < extent; ++i)
    n += host(static_cast<std::size_t>(i)) == sign * (value + static_cast<float>(i % 100)) ? 0 : 1;
  return n;
}

/// A stream that waits for open(), or for ten seconds, lest a call that waits for it hang the test.
class Blocked {
 public:
  Blocked() {
    EXPECT_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    EXPECT_CUDA(cudaHostAlloc(reinterpret_cast<void**>(const_cast<int**>(&flag_)), sizeof(int), cudaHostAllocMapped));
    *flag_ = 0;
    exec_.emplace(stream_);
  }
  ~Blocked() {
    open();
    EXPECT_CUDA(cudaStreamSynchronize(stream_));
    exec_.reset();
    EXPECT_CUDA(cudaStreamDestroy(stream_));
    EXPECT_CUDA(cudaFreeHost(const_cast<int*>(flag_)));
  }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;

  void block() {
    Kokkos::parallel_for("spin", Kokkos::RangePolicy<Kokkos::Cuda>(*exec_, 0, 1), SpinUntil{flag_});
    watchdog_ = std::thread([this] {
      for (int i = 0; i < 1000 && *flag_ == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      *flag_ = 1;
    });
  }
  void open() {
    *flag_ = 1;
    if (watchdog_.joinable()) watchdog_.join();
  }
  bool is_waiting() const { return cudaStreamQuery(stream_) == cudaErrorNotReady; }
  const Kokkos::Cuda& exec() const { return *exec_; }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
  volatile int* flag_ = nullptr;
  std::optional<Kokkos::Cuda> exec_;  // lives on: its end would free memory and wait for the whole device
  std::thread watchdog_;
};

class Streams : public testing::TestWithParam<Path> {
 protected:
  Streams() : forced_(GetParam()), x_("x", extent), y_("y", extent) {
    // Kernels are loaded when they are first used, which waits for everything.
    fill(Kokkos::Cuda(), x_, 0);
    neg(Kokkos::Cuda(), x_, y_);
    Kokkos::Cuda().fence();
  }
  const ScopedPath forced_;
  const View x_;
  const View y_;
};

TEST_P(Streams, WorkComesAfterWhatIsInTheStreamAndTheCallReturnsAtOnce) {
  Blocked blocked;
  const Kokkos::Cuda& exec = blocked.exec();
  fill(Kokkos::Cuda(), x_, 1);
  Kokkos::Cuda().fence();
  blocked.block();
  fill(exec, x_, 2);
  neg(exec, x_, y_);
  EXPECT_TRUE(blocked.is_waiting()) << "the call waited for its stream";
  fill(exec, x_, 3);  // after the call: must not be seen by it
  blocked.open();
  exec.fence();
  EXPECT_EQ(elements_unlike(y_, -1, 2), 0);
}

TEST_P(Streams, DoesNotWaitForOtherStreams) {
  Blocked blocked;
  cudaStream_t stream = nullptr;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  {
    const Kokkos::Cuda exec(stream);
    fill(exec, x_, 5);
    neg(exec, x_, y_);  // CUDA loads a kernel when it is first used, and waits for the whole device then
    exec.fence();
    blocked.block();
    neg(exec, x_, y_);
    EXPECT_CUDA(cudaStreamSynchronize(stream));
    EXPECT_TRUE(blocked.is_waiting()) << "the call waited for another stream";
    blocked.open();
    EXPECT_EQ(elements_unlike(y_, -1, 5), 0);
  }
  EXPECT_CUDA(cudaStreamDestroy(stream));
}

TEST_P(Streams, EventsOrderTwoStreams) {
  Blocked first;
  cudaStream_t second = nullptr;
  cudaEvent_t written = nullptr;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  EXPECT_CUDA(cudaEventCreateWithFlags(&written, cudaEventDisableTiming));
  {
    const View z("z", extent);
    const Kokkos::Cuda& exec_first = first.exec();
    const Kokkos::Cuda exec_second(second);
    first.block();
    fill(exec_first, x_, 7);
    neg(exec_first, x_, y_);
    EXPECT_CUDA(cudaEventRecord(written, first.stream()));
    EXPECT_CUDA(cudaStreamWaitEvent(second, written, 0));
    neg(exec_second, y_, z);
    first.open();
    exec_second.fence();
    EXPECT_EQ(elements_unlike(z, 1, 7), 0);
  }
  EXPECT_CUDA(cudaEventDestroy(written));
  EXPECT_CUDA(cudaStreamDestroy(second));
}

TEST_P(Streams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  {
    const Kokkos::Cuda exec(stream);
    const View z("z", extent);
    neg(exec, x_, y_);
    exec.fence();
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    EXPECT_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    neg(exec, x_, y_);
    map(exec, add(x_) | neg(), y_, z);  // -(-x + x) = 0, and the chain is gone when the graph runs
    EXPECT_CUDA(cudaStreamEndCapture(stream, &graph));
    EXPECT_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    for (const float value : {11.0F, 12.0F}) {
      fill(exec, x_, value);
      Kokkos::deep_copy(exec, z, 1.0F);
      EXPECT_CUDA(cudaGraphLaunch(executable, stream));
      exec.fence();
      EXPECT_EQ(elements_unlike(y_, -1, value), 0);
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), z);
      for (std::size_t i = 0; i < extent; ++i) ASSERT_EQ(host(i), 0);
    }
    EXPECT_CUDA(cudaGraphExecDestroy(executable));
    EXPECT_CUDA(cudaGraphDestroy(graph));
  }
  EXPECT_CUDA(cudaStreamDestroy(stream));
}

INSTANTIATE_TEST_SUITE_P(Paths, Streams, testing::Values(Path::automatic, Path::generic, Path::specialized),
                         [](const testing::TestParamInfo<Path>& tested) {
                           switch (tested.param) {
                             case Path::generic:
                               return std::string("Generic");
                             case Path::specialized:
                               return std::string("Specialized");
                             default:
                               return std::string("Automatic");
                           }
                         });

// An error that the caller's own CUDA call left behind is neither taken for the library's nor cleared. Kokkos would
// abort, so only the hand-written kernels are asked.
TEST(ForeignErrors, AreLeftAlone) {
  const View x("x", extent);
  const View y("y", extent);
  const ScopedPath forced(Path::specialized);
  const Kokkos::Cuda exec;
  neg(exec, x, y);
  exec.fence();
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_NO_THROW(neg(exec, x, y));
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
  exec.fence();
}

}  // namespace
}  // namespace mylos::test

#else

TEST(Streams, NeedCuda) { GTEST_SKIP() << "this Kokkos has no CUDA"; }

#endif
