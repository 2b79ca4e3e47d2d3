// What every operator promises, for matrix products: the given instance only, no fence, the same bits in every run and,
// where that is asked for, however many rows there are; two threads, graph capture.
#include <thread>

#include "support/gemms.hpp"
#include "support/watch.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_runtime.h>
#endif

namespace mylos::test {
namespace {

template <class Exec>
class GemmContract : public testing::Test {
 protected:
  static constexpr std::int64_t m = 150;
  static constexpr std::int64_t n = 140;
  static constexpr std::int64_t k = 520;
  GemmContract()
      : a_(TensorSpec{}, {m, k}, gemm_noise_from(1)),
        b_(TensorSpec{}, {k, n}, gemm_noise_from(2)),
        c_(TensorSpec{}, {m, n}, gemm_noise_from(3)) {}
  static std::vector<std::uint64_t> bits(Matrices<Exec>& matrices) {
    matrices.data().download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = 0; i < matrices.size(); ++i) all.push_back(matrices.data().bits(matrices.offset(i)));
    return all;
  }
  Matrices<Exec> a_;
  Matrices<Exec> b_;
  Matrices<Exec> c_;
};
TYPED_TEST_SUITE(GemmContract, ExecutionSpaces, SpaceName);

TYPED_TEST(GemmContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  Matrices<TypeParam> x(TensorSpec{}, {2, 50000}, gemm_noise_from(1));
  Matrices<TypeParam> y(TensorSpec{}, {50000, 3}, gemm_noise_from(2));
  Matrices<TypeParam> z(TensorSpec{}, {2, 3}, gemm_noise_from(3));
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const std::string& kernel : gemm_kernels<TypeParam>()) {
      if (kernel == "tiles") continue;  // not under its own name
      for (const bool cut : {false, true}) {
        Watch::Seen seen;
        bool ran = false;
        {
          const Watch watch;
          ran = run_gemm_on(kernel, exec, [&] {
            cut ? gemm(exec, x.tensor(), y.tensor(), z.tensor())
                : gemm(exec, this->a_.tensor(), this->b_.tensor(), this->c_.tensor(), {}, {}, gelu());
            seen = Watch::seen();
          });
        }
        if (!ran) continue;
        EXPECT_GE(expect_quiet_call(seen, device, "gemm", last_kernel()), 1) << kernel;
        EXPECT_TRUE(kernel.empty() || kernel == last_kernel()) << kernel << " " << last_kernel();
      }
    }
  }
}

// Nothing where a kernel has its sums in registers or on the heap; what the call would throw is thrown.
TYPED_TEST(GemmContract, WorkspaceIsKnownBeforehand) {
  const TypeParam exec;
  for (const std::string& kernel : gemm_kernels<TypeParam>()) {
    std::int64_t bytes = -1;
    this->c_.data().poison();
    const std::vector<std::uint64_t> before = this->bits(this->c_);
    const bool asked = run_gemm_on(
        kernel, exec, [&] { bytes = gemm_workspace(exec, this->a_.tensor(), this->b_.tensor(), this->c_.tensor()); });
    if (!asked) continue;
    EXPECT_EQ(this->bits(this->c_) == before, true) << kernel;
    const bool is_tensors = kernel.find("tensor") != std::string::npos;
    const bool is_vendors = kernel == "cuda/cublas" || kernel == "cuda/small" || kernel == "hip/rocblas" ||
                            kernel == "vendor";  // with a work space
    std::int64_t least = is_tensors || is_vendors ? 1 : 0;
    if (kernel == "cuda/tensor_split")  // both factors as two halves
      least = 4 * (this->m * this->k + this->k * this->n);
    EXPECT_GE(bytes, least) << kernel;
    EXPECT_TRUE(bytes == 0 || is_tensors || is_vendors || kernel.empty()) << kernel << " " << bytes;
  }
  Matrices<TypeParam> other(TensorSpec{}, {this->k + 1, this->n}, gemm_noise_from(2));
  EXPECT_THROW(gemm_workspace(exec, this->a_.tensor(), other.tensor(), this->c_.tensor()), Error);
}

TYPED_TEST(GemmContract, SameBitsInEveryRun) {
  const TypeParam exec;
  for (const std::string& kernel : gemm_kernels<TypeParam>()) {
    std::vector<std::uint64_t> first;
    for (int run = 0; run < 4; ++run) {
      this->c_.data().poison();
      const bool ran = run_gemm_on(
          kernel, exec, [&] { gemm(exec, this->a_.tensor(), this->b_.tensor(), this->c_.tensor(), {}, {}, gelu()); });
      if (!ran) break;
      if (run == 0) first = this->bits(this->c_);
      EXPECT_EQ(this->bits(this->c_) == first, true) << kernel;
    }
  }
}

// Rows alone, beside others and from the middle, and long sums of few rows; batches likewise.
TYPED_TEST(GemmContract, SameBitsHoweverManyRowsWhereAskedFor) {
  const TypeParam exec;
  GemmOptions options;
  options.determinism = Determinism::batch_invariant;
  const std::int64_t long_k = 40000;
  Matrices<TypeParam> x(TensorSpec{}, {6, long_k}, gemm_noise_from(1));
  Matrices<TypeParam> y(TensorSpec{}, {long_k, 5}, gemm_noise_from(2));
  Matrices<TypeParam> z(TensorSpec{}, {6, 5}, gemm_noise_from(3));
  const auto look = [&](Matrices<TypeParam>& a, Matrices<TypeParam>& b, Matrices<TypeParam>& c,
                        const std::string& kernel, bool stacked) {
    const std::int64_t terms = a.columns();
    const std::int64_t width = c.columns();
    const auto rows_of = [&](std::int64_t first, std::int64_t rows) {
      c.data().poison();
      auto* from = static_cast<float*>(a.tensor().data) + first * terms;
      auto* to = static_cast<float*>(c.tensor().data) + first * width;
      const bool ran = run_gemm_on(kernel, exec, [&] {
        if (stacked)
          gemm(exec, Tensor(from, {rows, 1, terms}), b.tensor(), Tensor(to, {rows, 1, width}), options, {}, gelu());
        else
          gemm(exec, Tensor(from, {rows, terms}), b.tensor(), Tensor(to, {rows, width}), options, {}, gelu());
      });
      return ran ? this->bits(c) : std::vector<std::uint64_t>();
    };
    const std::vector<std::uint64_t> all = rows_of(0, a.rows());
    if (all.empty()) return;
    for (const auto& [first, rows] :
         {std::pair<std::int64_t, std::int64_t>{0, 1}, {3, 1}, {2, 3}, {1, 5}, {7, 33}, {1, 100}}) {
      if (first + rows > a.rows()) continue;
      const std::vector<std::uint64_t> part = rows_of(first, rows);
      EXPECT_TRUE(
          std::equal(part.begin() + first * width, part.begin() + (first + rows) * width, all.begin() + first * width))
          << kernel << ", " << rows << " rows from " << first << (stacked ? ", stacked" : "");
    }
  };
  for (const std::string& kernel : gemm_kernels<TypeParam>())
    for (const bool stacked : {false, true}) {
      look(this->a_, this->b_, this->c_, kernel, stacked);
      look(x, y, z, kernel, stacked);
    }
}

TYPED_TEST(GemmContract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  Matrices<TypeParam> results[] = {{TensorSpec{}, {this->m, this->n}, gemm_noise_from(3)},
                                   {TensorSpec{}, {this->m, this->n}, gemm_noise_from(3)}};
  for (const std::string& kernel : gemm_kernels<TypeParam>()) {
    const auto once = [&](std::size_t which) {
      return run_gemm_on(kernel, instances[which], [&] {
        gemm(instances[which], this->a_.tensor(), this->b_.tensor(), results[which].tensor(), {}, {},
             which == 0 ? neg() : gelu() | mul(2));
      });
    };
    if (!once(0) || !once(1)) continue;
    const std::vector<std::uint64_t> alone[] = {this->bits(results[0]), this->bits(results[1])};
    const auto work = [&](std::size_t which) {
      for (int i = 0; i < 20; ++i) once(which);
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    first.join();
    second.join();
    for (const std::size_t which : {0U, 1U}) EXPECT_EQ(this->bits(results[which]) == alone[which], true) << kernel;
  }
}

#ifdef KOKKOS_ENABLE_CUDA
TEST(GemmStreams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    for (const std::int64_t extent : {200, 3}) {
      const std::int64_t k = 30000 / extent;
      using View = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::CudaSpace>;
      const auto e = static_cast<std::size_t>(extent);
      const View a("a", e, static_cast<std::size_t>(k));
      const View b("b", static_cast<std::size_t>(k), e);
      const View c("c", e, e);
      Kokkos::deep_copy(exec, b, 1.0F);
      for (const Path path : {Path::automatic, Path::generic}) {
        const ScopedPath forced(path);
        gemm(exec, a, b, c);  // kernels are loaded when they are first used
        exec.fence();
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t executable = nullptr;
        ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
        gemm(exec, a, b, c);
        ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
        ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
        for (const float value : {1.0F, 2.0F}) {
          Kokkos::deep_copy(exec, a, value);
          ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
          const auto result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), c);
          exec.fence();
          EXPECT_EQ(result(e - 1, 0), static_cast<float>(k) * value) << last_kernel();
        }
        cudaGraphExecDestroy(executable);
        cudaGraphDestroy(graph);
      }
    }
  }
  cudaStreamDestroy(stream);
}

// More streams than keep a handle of cuBLAS, one after the other: what a call is given differs, its result does not.
using GemmOnStreams = GemmContract<Kokkos::Cuda>;
TEST_F(GemmOnStreams, SameBitsOnEveryStreamAndInAGraph) {
  for (const std::string& kernel : gemm_kernels<Kokkos::Cuda>()) {
    std::vector<std::uint64_t> first;
    for (int turn = 0; turn < 6; ++turn) {
      cudaStream_t stream = nullptr;
      ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
      {
        const Kokkos::Cuda exec(stream);
        const auto call = [&] { gemm(exec, a_.tensor(), b_.tensor(), c_.tensor()); };
        c_.data().poison();
        const bool ran = run_gemm_on(kernel, exec, call);
        if (ran && turn == 0) first = bits(c_);
        EXPECT_TRUE(!ran || bits(c_) == first) << kernel << " on stream " << turn;
        if (ran && kernel != "generic") {
          const mylos::detail::ScopedCandidate candidate(kernel.empty() ? nullptr : kernel.c_str());
          c_.data().poison();
          cudaGraph_t graph = nullptr;
          cudaGraphExec_t executable = nullptr;
          ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
          call();
          ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
          ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
          ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
          exec.fence();
          EXPECT_TRUE(bits(c_) == first) << kernel << " in a graph of stream " << turn;
          cudaGraphExecDestroy(executable);
          cudaGraphDestroy(graph);
        }
      }
      cudaStreamDestroy(stream);
    }
  }
}
#endif

}  // namespace
}  // namespace mylos::test
