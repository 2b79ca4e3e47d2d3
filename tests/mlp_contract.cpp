// What every operator promises, for networks: the given instance only, no fence, the same bits in every run and
// wherever a sample stands, in place, two threads, graph capture; and every error message once.
#include <thread>

#include "support/message.hpp"
#include "support/mlps.hpp"
#include "support/watch.hpp"

#ifdef KOKKOS_ENABLE_CUDA
#include <cuda_runtime.h>
#endif

namespace mylos::test {
namespace {

template <class Exec>
std::vector<std::uint64_t> bits_of(Data<Exec>& y, std::int64_t n) {
  y.download();
  std::vector<std::uint64_t> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(y.bits(i));
  return all;
}

template <class Exec>
class MlpContract : public testing::Test {
 protected:
  using Chains = std::vector<MlpChain>;
  static MlpCase network_case(DType dtype = DType::f32, const Chains& chains = {MlpChain::relu, MlpChain::several}) {
    MlpCase c{{8, 32, 32, 4}, {1013}};
    c.chains = chains;
    c.x.dtype = c.y.dtype = c.weight.dtype = dtype;
    return c;
  }
  /// That between them every kernel serves.
  static std::vector<std::pair<DType, Chains>> kinds() {
    return {{DType::f32, {MlpChain::relu, MlpChain::several}},
            {DType::f32, {MlpChain::relu, MlpChain::relu, MlpChain::none}},
            {DType::f32, {MlpChain::tanh}},
            {DType::f64, {MlpChain::relu, MlpChain::several}}};
  }
};
TYPED_TEST_SUITE(MlpContract, ExecutionSpaces, SpaceName);

TYPED_TEST(MlpContract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  MlpCheck<TypeParam> data(this->network_case());
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      Watch::Seen seen;
      {
        const Watch watch;
        mlp(exec, data.network(), data.x().tensor(), data.y().tensor());
        seen = Watch::seen();
      }
      exec.fence();
      const std::string kernel = last_kernel();
      EXPECT_GE(expect_quiet_call(seen, device, "mlp", kernel), 1) << kernel;
    }
  }
}

TYPED_TEST(MlpContract, ASampleHasTheSameBitsWhereverItStands) {
  const TypeParam exec;
  for (const auto& [dtype, chains] : this->kinds()) {
    MlpCheck<TypeParam> data(this->network_case(dtype, chains));
    const Tensor& x = data.x().tensor();
    const Tensor& y = data.y().tensor();
    const auto part = [&](const Tensor& whole, std::int64_t first, std::int64_t n) {
      Tensor some = whole;
      some.extent[0] = n;
      some.data =
          static_cast<char*>(whole.data) + first * whole.stride[0] * static_cast<std::int64_t>(size_of(whole.dtype));
      return some;
    };
    for (const std::string& kernel : mlp_kernels<TypeParam>()) {
      const auto bits_for = [&](std::int64_t first, std::int64_t n) {
        data.y().poison();
        const bool ran = run_on(kernel, exec, [&] { mlp(exec, data.network(), part(x, first, n), part(y, first, n)); });
        return ran ? bits_of(data.y(), 4 * 1013) : std::vector<std::uint64_t>();
      };
      const std::vector<std::uint64_t> all = bits_for(0, 1013);
      if (all.empty()) continue;
      EXPECT_EQ(bits_for(0, 1013) == all, true) << kernel;
      for (const auto& [first, n] :
           {std::pair<std::int64_t, std::int64_t>{0, 1}, {3, 1}, {17, 20}, {31, 64}, {900, 113}}) {
        const std::vector<std::uint64_t> some = bits_for(first, n);
        EXPECT_TRUE(std::equal(some.begin() + 4 * first, some.begin() + 4 * (first + n), all.begin() + 4 * first))
            << kernel << ", " << n << " samples from " << first;
      }
    }
  }
}

// What a kernel leaves to another one, since it is too large or too small, must not change its neighbours.
TYPED_TEST(MlpContract, ASampleHasTheSameBitsWhateverItsNeighboursAre) {
  const TypeParam exec;
  for (const auto& [dtype, chains] : this->kinds()) {
    const MlpCase c = this->network_case(dtype, chains);
    MlpCheck<TypeParam> plain(c);
    MlpCheck<TypeParam> hard(c, [](std::int64_t k, std::int64_t n) {
      const double noise = mlp_noise(k + 131 * n);
      if (n % 7 == 1) return 1e12 * noise;
      if (n % 7 == 4) return 1e-12 * noise;
      if (n % 14 == 6) return std::numeric_limits<double>::quiet_NaN();
      return noise;
    });
    for (const std::string& kernel : mlp_kernels<TypeParam>()) {
      const auto bits_for = [&](MlpCheck<TypeParam>& data) {
        const bool ran =
            run_on(kernel, exec, [&] { mlp(exec, plain.network(), data.x().tensor(), data.y().tensor()); });
        return ran ? bits_of(data.y(), 4 * 1013) : std::vector<std::uint64_t>();
      };
      const std::vector<std::uint64_t> expected = bits_for(plain);
      if (expected.empty()) continue;
      const std::vector<std::uint64_t> got = bits_for(hard);
      for (std::size_t n = 0; n < 1013; ++n) {
        if (n % 7 == 1 || n % 7 == 4 || n % 14 == 6) continue;
        ASSERT_TRUE(std::equal(got.begin() + 4 * n, got.begin() + 4 * (n + 1), expected.begin() + 4 * n))
            << kernel << ", sample " << n;
      }
    }
  }
}

TYPED_TEST(MlpContract, WorksInPlace) {
  const TypeParam exec;
  for (const DType dtype : {DType::f32, DType::f64, DType::f16})
    for (const bool fastest : {false, true})
      for (const std::int64_t width : {8, 33}) {
        MlpCase c{{width, 20, width}, {517}};
        c.x.dtype = c.y.dtype = c.weight.dtype = dtype;
        if (fastest) c.x.order = c.y.order = {1, 0};
        for (const std::string& kernel : mlp_kernels<TypeParam>()) {
          MlpCheck<TypeParam> data(c);
          if (!run_on(kernel, exec, [&] { mlp(exec, data.network(), data.x().tensor(), data.y().tensor()); })) continue;
          run_on(kernel, exec, [&] { mlp(exec, data.network(), data.x().tensor(), data.x().tensor()); });
          EXPECT_EQ(bits_of(data.x(), 517 * width) == bits_of(data.y(), 517 * width), true) << kernel << c.text();
        }
      }
}

TYPED_TEST(MlpContract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  std::vector<std::unique_ptr<MlpCheck<TypeParam>>> data;
  data.push_back(std::make_unique<MlpCheck<TypeParam>>(this->network_case()));
  data.push_back(std::make_unique<MlpCheck<TypeParam>>(this->network_case(DType::f64)));
  for (const std::string& kernel : mlp_kernels<TypeParam>()) {
    const auto once = [&](std::size_t which) {
      return run_on(kernel, instances[which], [&] {
        mlp(instances[which], data[which]->network(), data[which]->x().tensor(), data[which]->y().tensor());
      });
    };
    if (!once(0) || !once(1)) continue;
    std::vector<std::uint64_t> alone[2];
    for (const std::size_t which : {0U, 1U}) alone[which] = bits_of(data[which]->y(), 4 * 1013);
    const auto work = [&](std::size_t which) {
      for (int i = 0; i < 10; ++i) once(which);
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    first.join();
    second.join();
    for (const std::size_t which : {0U, 1U})
      EXPECT_EQ(bits_of(data[which]->y(), 4 * 1013) == alone[which], true) << kernel;
  }
}

#ifdef KOKKOS_ENABLE_CUDA
TEST(MlpStreams, CanBeCapturedAndReplayed) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  {
    const Kokkos::Cuda exec(stream);
    const Kokkos::View<float**, Kokkos::CudaSpace> x("x", 10007, 8);
    const Kokkos::View<float**, Kokkos::CudaSpace> y("y", 10007, 4);
    const Kokkos::View<float**, Kokkos::CudaSpace> w1("w1", 16, 8);
    const Kokkos::View<float**, Kokkos::CudaSpace> w2("w2", 4, 16);
    Kokkos::deep_copy(exec, w1, 0.5F);
    Kokkos::deep_copy(exec, w2, 0.25F);
    for (const Path path : {Path::automatic, Path::generic}) {
      const ScopedPath forced(path);
      mlp(exec, Mlp().layer(w1, relu()).layer(w2), x, y);  // kernels are loaded when they are first used
      exec.fence();
      cudaGraph_t graph = nullptr;
      cudaGraphExec_t executable = nullptr;
      ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
      mlp(exec, Mlp().layer(w1, relu()).layer(w2), x, y);
      ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
      ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
      for (const float value : {1.0F, 2.0F}) {
        Kokkos::deep_copy(exec, x, value);
        ASSERT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
        const auto result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
        exec.fence();
        EXPECT_EQ(result(10006, 3), 16 * value);
      }
      cudaGraphExecDestroy(executable);
      cudaGraphDestroy(graph);
    }
  }
  cudaStreamDestroy(stream);
}
#endif

// ---- the public function, and errors, all on the host ---------------------------------------------------------------

TEST(MlpCalls, TakeViews) {
  const Kokkos::DefaultHostExecutionSpace exec;
  using Host = Kokkos::HostSpace;
  const Kokkos::View<float**, Host> x("x", 5, 2);
  const Kokkos::View<double**, Host> y("y", 1, 5);
  const Kokkos::View<float**, Host> w1("w1", 3, 2);
  const Kokkos::View<float*, Host> b1("b1", 3);
  const Kokkos::View<float**, Host> w2("w2", 1, 3);
  Kokkos::deep_copy(w1, 1.0F);
  Kokkos::deep_copy(b1, -3.0F);
  Kokkos::deep_copy(w2, 2.0F);
  for (std::size_t n = 0; n < 5; ++n) x(n, 0) = x(n, 1) = static_cast<float>(n);
  // x as (samples, in), y as (out, samples).
  mlp(exec, Mlp().layer(w1, b1, relu()).layer(w2), x, Tensor(y.data(), {5, 1}, {1, 5}));
  exec.fence();
  for (std::size_t n = 0; n < 5; ++n) EXPECT_EQ(y(0, n), 6 * std::fmax(0.0, 2.0 * static_cast<double>(n) - 3));
}

class MlpErrors : public testing::Test {
 protected:
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  std::string error_of(const Mlp& network) const {
    return message_of([&] { mlp(exec_, network, x_, y_); });
  }
  const Kokkos::DefaultHostExecutionSpace exec_;
  float values_[40] = {};
  float untouched_[10] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  float weights_[200] = {};
  std::int32_t integers_[20] = {};
  const Tensor x_{values_, {5, 4}};
  const Tensor y_{untouched_, {5, 2}};
  const Tensor w_{weights_, {2, 4}};
};

TEST_F(MlpErrors, Layers) {
  EXPECT_EQ(error_of(Mlp()), "mylos::mlp: the network has no layer");
  EXPECT_EQ(error_of(Mlp().layer(Tensor(weights_, {8}))),
            "mylos::mlp: weight of layer 0: extents (8), expected (out, in)");
  EXPECT_EQ(error_of(Mlp().layer(Tensor(weights_, {2, 0}))),
            "mylos::mlp: weight of layer 0: extents (2, 0), expected 1 to 128 for each");
  EXPECT_EQ(error_of(Mlp().layer(Tensor(weights_, {129, 1}))),
            "mylos::mlp: weight of layer 0: extents (129, 1), expected 1 to 128 for each");
  EXPECT_EQ(
      error_of(Mlp().layer(w_).layer(w_)),
      "mylos::mlp: weight of layer 1: extents (2, 4), expected 2 inputs, as many as the layer before it has outputs");
  EXPECT_EQ(error_of(Mlp().layer(w_, Tensor(weights_, {3}))), "mylos::mlp: bias of layer 0: extents (3), expected (2)");
  EXPECT_EQ(error_of(Mlp().layer(Tensor(integers_, {2, 4}))),
            "mylos::mlp: weight of layer 0: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(error_of(Mlp().layer(w_, Tensor(integers_, {2}))),
            "mylos::mlp: bias of layer 0: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(error_of(Mlp().layer(w_, add(Tensor(weights_, {5})))),
            "mylos::mlp: operand 0 of the chain of layer 0: extents (5), expected extents that broadcast to (2)");
  Tensor null;
  null.rank = 2;
  null.extent[0] = 2;
  null.extent[1] = 4;
  EXPECT_EQ(error_of(Mlp().layer(null)), "mylos::mlp: weight of layer 0: null pointer with extents (2, 4)");
}

TEST_F(MlpErrors, Samples) {
  const Mlp network = Mlp().layer(w_);
  const auto error_for = [&](const Tensor& x, const Tensor& y, int axis = -1) {
    return message_of([&] { mlp(exec_, network, x, y, axis); });
  };
  EXPECT_EQ(error_for(Tensor(values_, {5, 3}), y_),
            "mylos::mlp: x: extents (5, 3), expected (5, 4), 4 features along axis 1");
  EXPECT_EQ(error_for(x_, Tensor(untouched_, {4, 2})),
            "mylos::mlp: y: extents (4, 2), expected (5, 2), 2 features along axis 1");
  EXPECT_EQ(error_for(x_, Tensor(untouched_, {2})),
            "mylos::mlp: y: extents (2), expected (5, 2), 2 features along axis 1");
  EXPECT_EQ(error_for(x_, y_, 2), "mylos::mlp: axes: axis 2, expected -2 to 1 for extents (5, 4)");
  EXPECT_EQ(error_for(Tensor(values_, {}), y_), "mylos::mlp: x: rank 0, expected a dimension for the features");
  EXPECT_EQ(error_for(Tensor(integers_, {5, 4}), y_), "mylos::mlp: x: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(error_for(x_, Tensor(integers_, {5, 2})), "mylos::mlp: y: dtype i32, expected f64, f32, f16 or bf16");
  EXPECT_EQ(error_for(x_, Tensor(untouched_, {5, 2}, {0, 1})),
            "mylos::mlp: y: stride 0 in dimension 0, expected an output whose elements are distinct");
}

TEST_F(MlpErrors, MemoryAndOverlap) {
  Tensor device = x_;
  device.memory = Memory::device;
  EXPECT_EQ(message_of([&] { mlp(exec_, Mlp().layer(w_), device, y_); }),
            "mylos::mlp: x: is in device memory, expected memory that the host reaches");
  Tensor weight = w_;
  weight.memory = Memory::device;
  EXPECT_EQ(error_of(Mlp().layer(weight)),
            "mylos::mlp: weight of layer 0: is in device memory, expected memory that the host reaches");
  EXPECT_EQ(message_of([&] {
              mlp(exec_, Mlp().layer(w_), x_, Tensor(values_ + 1, {5, 2}));
            }),
            "mylos::mlp: x: overlaps the output, which has other extents: expected no elements in common");
  EXPECT_EQ(
      message_of([&] {
        mlp(exec_, Mlp().layer(Tensor(weights_, {4, 4})), x_, Tensor(values_ + 1, {5, 4}));
      }),
      "mylos::mlp: x: overlaps the output in part, expected the same elements (extents, strides and dtype) or none "
      "in common");
  EXPECT_EQ(message_of([&] {
              mlp(exec_, Mlp().layer(w_), x_, Tensor(weights_ + 4, {5, 2}));
            }),
            "mylos::mlp: weight of layer 0: overlaps the output, expected no elements in common");
  EXPECT_EQ(message_of([&] {
              mlp(exec_, Mlp().layer(w_, Tensor(weights_ + 50, {2})), x_, Tensor(weights_ + 50, {5, 2}));
            }),
            "mylos::mlp: bias of layer 0: overlaps the output, expected no elements in common");
}

TEST_F(MlpErrors, Functions) {
  const auto error_for = [](const Mlp& network) {
    return message_of([&] { const MlpFunction<float, 4, 1, 1> function(network); });
  };
  EXPECT_EQ(error_for(Mlp()), "mylos::MlpFunction: the network has no layer");
  EXPECT_EQ(error_for(Mlp().layer(Tensor(weights_, {2, 5}))),
            "mylos::MlpFunction: layer 0 has 5 features, its template arguments allow 4");
  EXPECT_EQ(error_for(Mlp().layer(w_).layer(Tensor(weights_, {2, 2}))),
            "mylos::MlpFunction: 2 layers, its template arguments allow 1");
  EXPECT_EQ(error_for(Mlp().layer(w_, relu() | neg())),
            "mylos::MlpFunction: the chain of layer 0 has 2 steps, its template arguments allow 1");
  const double doubles[8] = {};
  EXPECT_EQ(error_for(Mlp().layer(Tensor(doubles, {2, 4}))),
            "mylos::MlpFunction: weight of layer 0: dtype f64, expected the function's own, f32");
}

TEST_F(MlpErrors, ForcedKernels) {
  const mylos::detail::ScopedCandidate forced("cuda/nothing");
  EXPECT_EQ(error_of(Mlp().layer(w_)), "mylos::mlp: cuda/nothing does not apply: this backend has no such kernel");
}

}  // namespace
}  // namespace mylos::test
