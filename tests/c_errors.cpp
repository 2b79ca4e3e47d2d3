// Whatever a C caller may get wrong becomes a status and a text, and nothing is written.
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <mylos/mylos.h>

namespace {

constexpr std::int64_t extents[] = {2, 3};

// In host memory: no call here gets as far as to read or write it.
class CErrorsTest : public testing::Test {
 protected:
  void expect_refused(mylos_status status, const std::string& text) {
    EXPECT_EQ(status, mylos_status_invalid_argument);
    EXPECT_NE(std::string(mylos_last_error()).find(text), std::string::npos)
        << "the text is: " << mylos_last_error() << "\nexpected in it: " << text;
    for (const float value : y_) EXPECT_EQ(value, 7.0F);
  }
  void refuse_x(const std::function<void(mylos_tensor&)>& spoil, const std::string& text) {
    mylos_tensor spoilt = x;
    spoil(spoilt);
    expect_refused(mylos_gelu(&spoilt, &y, nullptr), "mylos::gelu: x: " + text);
    expect_refused(mylos_softmax(&spoilt, &y, nullptr, nullptr), "mylos::softmax: x: " + text);
  }

  float x_[6] = {1, 2, 3, 4, 5, 6};
  float y_[6] = {7, 7, 7, 7, 7, 7};
  mylos_tensor x = mylos_row_major(x_, mylos_dtype_f32, 2, extents);
  mylos_tensor y = mylos_row_major(y_, mylos_dtype_f32, 2, extents);
};

}  // namespace

TEST_F(CErrorsTest, Descriptors) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  expect_refused(mylos_gelu(nullptr, &y, nullptr), "x: NULL, expected a tensor");
  refuse_x([](mylos_tensor& t) { t.dtype = 7; }, "dtype 7");
  refuse_x([](mylos_tensor& t) { t.dtype = -1; }, "dtype -1");
  refuse_x([](mylos_tensor& t) { t.rank = -1; }, "rank -1, expected 0 to 8");
  refuse_x([](mylos_tensor& t) { t.rank = 9; }, "rank 9, expected 0 to 8");
  refuse_x([](mylos_tensor& t) { t.extent[1] = -3; }, "extent -3 in dimension 1");
  refuse_x([&](mylos_tensor& t) { t.extent[0] = most; }, "dimension 0 has extent");
  refuse_x([&](mylos_tensor& t) { t.stride[1] = least; }, "dimension 1 has extent 3 and stride");
  refuse_x(
      [](mylos_tensor& t) {
        t.extent[0] = t.extent[1] = std::int64_t{1} << 32;
        t.stride[0] = t.stride[1] = 0;
      },
      "more than 2^48 elements");
  refuse_x([](mylos_tensor& t) { t.stride[0] = std::int64_t{1} << 47; },
           "its elements are further apart than 2^48 bytes");
  refuse_x([](mylos_tensor& t) { t.data = static_cast<char*>(t.data) + 1; }, "data is not aligned");
  refuse_x([](mylos_tensor& t) { t.data = reinterpret_cast<void*>(std::uintptr_t{4}), t.stride[0] = -4; },
           "its elements reach beyond the address space");
  refuse_x([](mylos_tensor& t) { t.data = reinterpret_cast<void*>(UINTPTR_MAX - 3); },
           "its elements reach beyond the address space");
  refuse_x([](mylos_tensor& t) { t.data = nullptr; }, "null pointer");
}

TEST_F(CErrorsTest, Enumerations) {
  mylos_mse_loss_options loss = mylos_mse_loss_defaults();
  loss.reduction = 4;
  expect_refused(mylos_mse_loss(&x, &x, &y, &loss, nullptr), "mylos::mse_loss: reduction: value 4, expected 0 to 3");
  mylos_cumsum_options scan = mylos_cumsum_defaults();
  scan.scan = -1;
  expect_refused(mylos_cumsum(&x, &y, &scan, nullptr), "mylos::cumsum: scan: value -1");
  mylos_gemm_options gemm = mylos_gemm_defaults();
  gemm.precision = 3;
  expect_refused(mylos_gemm(&x, &x, &y, &gemm, nullptr), "mylos::gemm: precision: value 3");
  expect_refused(mylos_trmm(5, &x, &x, &y, nullptr, nullptr), "mylos::trmm: triangle: value 5");
  mylos_kl_div_options flag = mylos_kl_div_defaults();
  flag.log_target = 2;
  expect_refused(mylos_kl_div(&x, &x, &y, &flag, nullptr), "mylos::kl_div: log_target: value 2");
  expect_refused(mylos_cast(&x, &y, 99, nullptr), "mylos::cast: dtype");
  expect_refused(mylos_cast(&x, &y, std::nan(""), nullptr), "mylos::cast: dtype");
}

TEST_F(CErrorsTest, Options) {
  mylos_softmax_options options = mylos_softmax_defaults();
  options.struct_size -= 8;
  expect_refused(mylos_softmax(&x, &y, &options, nullptr), "mylos_softmax_defaults()");
  options = mylos_softmax_defaults();
  options.axes.count = 9;
  expect_refused(mylos_softmax(&x, &y, &options, nullptr), "axes: 9 axes, expected 0 to 8");
  options.axes = mylos_one_axis(2);
  expect_refused(mylos_softmax(&x, &y, &options, nullptr), "axis 2, expected -2 to 1");
  options.axes = mylos_two_axes(1, -1);
  expect_refused(mylos_softmax(&x, &y, &options, nullptr), "given twice");
}

TEST_F(CErrorsTest, Chains) {
  mylos_chain chain = mylos_empty_chain();
  expect_refused(mylos_chain_gelu(nullptr), "mylos::gelu: chain: NULL");
  mylos_tensor bad = x;
  bad.rank = 99;
  expect_refused(mylos_chain_add(&chain, mylos_elements(&bad)), "mylos::add: other: rank 99");
  EXPECT_EQ(chain.step_count, 0);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(mylos_chain_add(&chain, mylos_elements(&x)), mylos_status_success);
  expect_refused(mylos_chain_gelu(&chain), "has 16 steps");

  const auto refuse = [&](const std::function<void(mylos_chain&)>& spoil, const std::string& text) {
    mylos_chain spoilt = chain;
    spoil(spoilt);
    expect_refused(mylos_map(&spoilt, &x, &y, nullptr, nullptr), "mylos::map: chain: " + text);
  };
  refuse([](mylos_chain& c) { c.step_count = 17; }, "17 steps");
  refuse([](mylos_chain& c) { c.step_count = -1; }, "-1 steps");
  refuse([](mylos_chain& c) { c.operand_count = 17; }, "17 operands");
  refuse([](mylos_chain& c) { c.step[3].id = mylos_step_count; }, "value");
  refuse([](mylos_chain& c) { c.step[3].operand[0] = 16; }, "operand 16");
  refuse([](mylos_chain& c) { c.step[3].operand[0] = -2; }, "operand -2");
  refuse([](mylos_chain& c) { c.operand[5].dtype = 50; }, "dtype 50");
}

TEST_F(CErrorsTest, Networks) {
  mylos_layer layer = mylos_layer_of(x, nullptr);
  expect_refused(mylos_mlp(nullptr, 1, &x, &y, nullptr, nullptr), "mylos::mlp: network: NULL");
  expect_refused(mylos_mlp(&layer, -1, &x, &y, nullptr, nullptr), "mylos::mlp: network: -1 layers");
  expect_refused(mylos_mlp(&layer, 0, &x, &y, nullptr, nullptr), "mylos::mlp");
  layer.weight.rank = 20;
  expect_refused(mylos_mlp(&layer, 1, &x, &y, nullptr, nullptr), "mylos::mlp: network[0].weight: rank 20");
}

TEST_F(CErrorsTest, TextBelongsToTheThread) {
  expect_refused(mylos_gelu(nullptr, &y, nullptr), "mylos::gelu");
  std::string others;
  std::thread([&] { others = mylos_last_error(); }).join();
  EXPECT_EQ(others, "");
}
