// Every error message once, and that nothing was written before it was thrown.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <mylos/mylos.hpp>
#include <string>

#include "core/selection.hpp"
#include "support/kernels.hpp"
#include "support/message.hpp"
#ifdef KOKKOS_ENABLE_CUDA
#include "cuda/primitives/check.hpp"
#endif

namespace mylos::test {
namespace {

/// Tensors on the host that hold 7, and y that must keep it.
class Errors : public testing::Test {
 protected:
  Errors() {
    storage_.fill(7);
    for (float& v : untouched_) v = 7;
  }
  void TearDown() override {
    for (const float v : untouched_) EXPECT_EQ(v, 7) << "y was written before the error";
  }
  static Tensor labelled(Tensor t, const char* label) {
    t.set_label(label);
    return t;
  }

  const Kokkos::DefaultHostExecutionSpace exec_;
  std::array<float, 100> storage_;
  float untouched_[100];
  const Tensor x_{storage_.data(), {4, 5}};
  const Tensor y_{untouched_, {4, 5}};
};

TEST_F(Errors, IsARuntimeError) {
  EXPECT_THROW(throw Error("text"), std::runtime_error);
  EXPECT_STREQ(Error("text").what(), "text");
}

TEST_F(Errors, DtypeOfX) {
  const std::array<int, 20> integers{};
  EXPECT_EQ(message_of([&] {
              gelu(exec_, Tensor(integers.data(), {4, 5}), y_);
            }),
            "mylos::gelu: x: dtype i32, expected f64, f32, f16 or bf16");
}

TEST_F(Errors, DtypeOfY) {
  std::array<unsigned char, 20> bytes{};
  bytes.fill(7);
  EXPECT_EQ(message_of([&] {
              convert(exec_, x_, Tensor(bytes.data(), {4, 5}, {}, "out"));
            }),
            "mylos::convert: y \"out\": dtype u8, expected f64, f32, f16 or bf16");
  for (const unsigned char byte : bytes) EXPECT_EQ(byte, 7);
}

TEST_F(Errors, NegativeExtent) {
  EXPECT_EQ(message_of([&] {
              map(exec_, relu(), Tensor(storage_.data(), {4, -5}), y_);
            }),
            "mylos::map: x: negative extent in (4, -5)");
  EXPECT_EQ(message_of([&] {
              map(exec_, relu(), x_, Tensor(untouched_, {-4, 5}));
            }),
            "mylos::map: y: negative extent in (-4, 5)");
}

TEST_F(Errors, NullPointer) {
  EXPECT_EQ(message_of([&] {
              relu(exec_, Tensor(static_cast<float*>(nullptr), {4, 5}), y_);
            }),
            "mylos::relu: x: null pointer with extents (4, 5)");
  EXPECT_EQ(message_of([&] {
              relu(exec_, x_, Tensor(static_cast<float*>(nullptr), {4, 5}, {}, "out"));
            }),
            "mylos::relu: y \"out\": null pointer with extents (4, 5)");
  EXPECT_EQ(message_of([&] { add(exec_, x_, Tensor(static_cast<float*>(nullptr), {5}), y_); }),
            "mylos::add: operand 0: null pointer with extents (5)");
}

TEST_F(Errors, DeviceMemoryOnTheHost) {
  Tensor x = labelled(x_, "far");
  x.memory = Memory::device;
  EXPECT_EQ(message_of([&] { relu(exec_, x, y_); }),
            "mylos::relu: x \"far\": is in device memory, expected memory that the host reaches");
  Tensor y = y_;
  y.memory = Memory::device;
  EXPECT_EQ(message_of([&] { relu(exec_, x_, y); }),
            "mylos::relu: y: is in device memory, expected memory that the host reaches");
  EXPECT_EQ(message_of([&] { mul(exec_, x_, x, y_); }),
            "mylos::mul: operand 0 \"far\": is in device memory, expected memory that the host reaches");
}

TEST_F(Errors, XDoesNotBroadcast) {
  EXPECT_EQ(message_of([&] {
              tanh(exec_, Tensor(storage_.data(), {4, 4}), y_);
            }),
            "mylos::tanh: x: extents (4, 4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] {
              tanh(exec_, Tensor(storage_.data(), {1, 4, 5}), y_);
            }),
            "mylos::tanh: x: extents (1, 4, 5), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] { tanh(exec_, Tensor(storage_.data(), {0}), y_); }),
            "mylos::tanh: x: extents (0), expected extents that broadcast to (4, 5)");
}

TEST_F(Errors, OperandDoesNotBroadcast) {
  const Kokkos::View<float*, Kokkos::HostSpace> bias("bias", 4);
  EXPECT_EQ(message_of([&] { add(exec_, x_, bias, y_); }),
            "mylos::add: operand 0 \"bias\": extents (4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of([&] { map(exec_, add(x_) | relu() | mul(bias), x_, y_); }),
            "mylos::map: operand 1 \"bias\": extents (4), expected extents that broadcast to (4, 5)");
}

TEST_F(Errors, OutputOfStrideZero) {
  EXPECT_EQ(message_of([&] {
              relu(exec_, x_, Tensor(untouched_, {4, 5}, {0, 1}, "out"));
            }),
            "mylos::relu: y \"out\": stride 0 in dimension 0, expected an output whose elements are distinct");
  EXPECT_NO_THROW(relu(exec_, Tensor(storage_.data(), {1, 5}), Tensor(storage_.data() + 50, {1, 5}, {0, 1})));
}

TEST_F(Errors, OverlapInPart) {
  const std::string expected =
      "overlaps the output in part, expected the same elements (extents, strides and dtype) or none in common";
  const Tensor shifted(untouched_ + 1, {4, 5}, {}, "field");
  EXPECT_EQ(message_of([&] { relu(exec_, shifted, y_); }), "mylos::relu: x \"field\": " + expected);
  EXPECT_EQ(message_of([&] { add(exec_, x_, shifted, y_); }), "mylos::add: operand 0 \"field\": " + expected);
  EXPECT_EQ(message_of([&] { relu(exec_, Tensor(untouched_, {4, 5}, {1, 4}), y_); }), "mylos::relu: x: " + expected);
  EXPECT_EQ(message_of([&] { relu(exec_, Tensor(untouched_, {5}), y_); }), "mylos::relu: x: " + expected);
  const auto* as_double = reinterpret_cast<const double*>(untouched_);
  EXPECT_EQ(message_of([&] { relu(exec_, Tensor(as_double, {4, 5}), y_); }), "mylos::relu: x: " + expected);
}

TEST_F(Errors, TensorsOfRawPointers) {
  EXPECT_EQ(message_of([&] {
              Tensor(storage_.data(), {4, 5}, {1});
            }),
            "mylos::Tensor: strides: as many as there are extents are expected");
  EXPECT_EQ(message_of([&] {
              Tensor(storage_.data(), {1, 1, 1, 1, 1, 1, 1, 1, 1});
            }),
            "mylos::Tensor: rank: at most 8 dimensions are supported");
  EXPECT_EQ(message_of([&] { Tensor(storage_.data(), DType::f32, -1, nullptr, nullptr); }),
            "mylos::Tensor: rank: at most 8 dimensions are supported");
}

TEST_F(Errors, ChainTooLong) {
  Chain full;
  for (int i = 0; i < 16; ++i) full.append(relu());
  EXPECT_EQ(message_of([&] { full.append(relu()); }), "mylos::Chain: more than 16 steps");
  EXPECT_EQ(full.size(), 16);
  Chain lerps;
  for (int i = 0; i < 8; ++i) lerps.append(lerp(x_, x_));
  EXPECT_EQ(message_of([&] { lerps.append(add(x_)); }), "mylos::Chain: more than 16 tensor operands");
  EXPECT_EQ(lerps.size(), 8);
}

TEST_F(Errors, ExecutionSpaceThatWasNotBuilt) {
#ifndef KOKKOS_ENABLE_HIP
  mylos::detail::Execution execution(exec_);
  execution.backend = Backend::hip;
  EXPECT_EQ(message_of([&] { mylos::detail::pointwise("relu", execution, x_, y_, relu()); }),
            "mylos: this Kokkos was built without the execution space asked for");
#else
  mylos::detail::Execution execution(exec_);
  execution.backend = Backend::cuda;
  EXPECT_EQ(message_of([&] { mylos::detail::pointwise("relu", execution, x_, y_, relu()); }),
            "mylos: this Kokkos was built without the execution space asked for");
#endif
}

// ---- selection, with candidates made up for the purpose

const char* refuse_odd(const int& problem) { return problem % 2 != 0 ? "the number is odd" : nullptr; }
const char* refuse_large(const int& problem) { return problem > 10 ? "the number is large" : nullptr; }
void run_nothing(const int&, const mylos::detail::Queue&) {}
constexpr mylos::detail::Candidate<int> made_up[] = {{"made/even", refuse_odd, run_nothing},
                                                     {"made/small", refuse_large, run_nothing}};
constexpr mylos::detail::CandidateList<int> list{made_up, 2};

TEST_F(Errors, NoSpecializedKernelApplies) {
  const ScopedPath forced(Path::specialized);
  EXPECT_EQ(
      message_of([&] { mylos::detail::select("count", list, 11); }),
      "mylos::count: no specialized kernel applies; made/even: the number is odd; made/small: the number is large");
  EXPECT_EQ(message_of([&] { mylos::detail::select("count", mylos::detail::CandidateList<int>{}, 11); }),
            "mylos::count: no specialized kernel applies; this backend has none");
}

TEST_F(Errors, SelectionTakesTheFirstThatApplies) {
  const auto chosen = [](int problem) {
    const auto* candidate = mylos::detail::select("count", list, problem);
    return std::string(candidate == nullptr ? "generic" : candidate->name);
  };
  EXPECT_EQ(chosen(12), "made/even");
  EXPECT_EQ(chosen(3), "made/small");
  EXPECT_EQ(chosen(11), "generic");
  {
    const ScopedPath generic(Path::generic);
    EXPECT_EQ(chosen(12), "generic");
    const ScopedPath specialized(Path::specialized);
    EXPECT_EQ(chosen(12), "made/even");
  }
  EXPECT_EQ(chosen(12), "made/even");
}

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
TEST_F(Errors, HostMemoryOnTheDevice) {
  const Kokkos::DefaultExecutionSpace device;
  using Space = Kokkos::DefaultExecutionSpace::memory_space;
  const Kokkos::View<float**, Kokkos::LayoutRight, Space> on_device("on_device", 4, 5);
  Tensor x = labelled(x_, "near");
  x.memory = Memory::host;
  EXPECT_EQ(message_of([&] { relu(device, x, on_device); }),
            "mylos::relu: x \"near\": is in host memory, expected memory that the device reaches");
  // Operands are checked when it runs, for they do not know the execution space.
  const Kokkos::View<float*, Kokkos::HostSpace> bias("bias", 5);
  EXPECT_EQ(message_of([&] { add(device, on_device, bias, on_device); }),
            "mylos::add: operand 0 \"bias\": is in host memory, expected memory that the device reaches");
}
#endif

#ifdef KOKKOS_ENABLE_CUDA
TEST_F(Errors, FailedVendorCall) {
  EXPECT_EQ(message_of([] { cuda::check(cudaErrorInvalidValue, "cudaExample(1)"); }),
            "mylos: cudaExample(1): cudaErrorInvalidValue: invalid argument");
  EXPECT_NO_THROW(cuda::check(cudaSuccess, "cudaExample(1)"));
}
#endif

#ifdef KOKKOS_ENABLE_CUDA
// Found before anything is read, so the addresses need not be real.
TEST_F(Errors, MoreBlocksThanAGridHolds) {
  constexpr std::int64_t n = std::int64_t{1} << 22;
  const Tensor x(reinterpret_cast<float*>(std::uintptr_t{1} << 20), {n, n}, {1, n});
  const Tensor y(reinterpret_cast<float*>((std::uintptr_t{1} << 20) + (std::uintptr_t{1} << 46)), {n, n});
  EXPECT_EQ(message_of([&] { relu(Kokkos::Cuda(), x, y); }), "mylos: launch: more than 2^31 - 1 blocks");
}
#endif

// What stays behind an error: the next call works.
TEST_F(Errors, LeaveTheLibraryUsable) {
  EXPECT_NE(message_of([&] { tanh(exec_, Tensor(storage_.data(), {4, 4}), y_); }), "no error");
  neg(exec_, Tensor(storage_.data(), {20}), Tensor(storage_.data() + 50, {20}));
  exec_.fence();
  EXPECT_EQ(storage_[50], -7);
  EXPECT_EQ(storage_[70], 7);
}

}  // namespace
}  // namespace mylos::test
