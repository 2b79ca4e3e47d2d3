// The contract of every operator, line by line: the given instance only, no fence, labels that name the choice, in
// place yes and partial overlap no, the same bits in every run, two threads on two instances, nothing to do for empty
// extents.
#include <gtest/gtest.h>

#include <cmath>
#include <mylos/mylos.hpp>
#include <thread>

#include "support/kernels.hpp"
#include "support/shapes.hpp"
#include "support/watch.hpp"

namespace mylos::test {
namespace {

constexpr std::int64_t extent = 5000;

template <class Exec>
class Contract : public testing::Test {
 protected:
  Contract() : x_(DType::f32, extent), y_(DType::f32, extent) {
    for (std::int64_t i = 0; i < extent; ++i) x_.set(i, static_cast<double>(i % 201 - 100) / 16);
    x_.upload();
    y_.poison();
  }
  static std::vector<Path> paths() {
    if (candidates<Exec>().empty()) return {Path::automatic, Path::generic};
    return {Path::automatic, Path::generic, Path::specialized};
  }
  static std::vector<std::uint64_t> bits(Data<Exec>& data) {
    data.download();
    std::vector<std::uint64_t> all;
    for (std::int64_t i = 0; i < extent; ++i) all.push_back(data.bits(i));
    return all;
  }

  Data<Exec> x_;
  Data<Exec> y_;
};
TYPED_TEST_SUITE(Contract, ExecutionSpaces, SpaceName);

TYPED_TEST(Contract, RunsOnTheGivenInstanceWithoutAFenceAndUnderItsName) {
  for (const TypeParam& exec : Kokkos::Experimental::partition_space(TypeParam(), 1, 1)) {
    const std::uint32_t device = Kokkos::Tools::Experimental::device_id(exec);
    for (const Path path : this->paths()) {
      const ScopedPath forced(path);
      Watch::Seen seen;
      {
        const Watch watch;
        softplus(exec, this->x_.tensor(), this->y_.tensor());
        seen = Watch::seen();
      }
      exec.fence();
      const std::string kernel = last_kernel();
      EXPECT_EQ(kernel == "generic", path == Path::generic || this->paths().size() == 2) << kernel;
      EXPECT_EQ(expect_quiet_call(seen, device, "softplus", kernel), 1) << kernel;
    }
  }
}

TYPED_TEST(Contract, DoesNothingForEmptyExtents) {
  const Watch watch;
  relu(TypeParam(), Tensor(static_cast<float*>(nullptr), {0, 5}), Tensor(static_cast<float*>(nullptr), {0, 5}));
  EXPECT_STREQ(last_kernel(), "none");
  EXPECT_TRUE(Watch::seen().kernels.empty());
  EXPECT_TRUE(Watch::seen().regions.empty());
}

TYPED_TEST(Contract, SameBitsInEveryRun) {
  const Chain chain = gelu() | mul(this->x_.tensor()) | softplus(2.0);
  for (const Path path : this->paths()) {
    const ScopedPath forced(path);
    std::vector<std::uint64_t> first;
    for (int run = 0; run < 10; ++run) {
      this->y_.poison();
      map(TypeParam(), chain, this->x_.tensor(), this->y_.tensor());
      TypeParam().fence();
      if (run == 0) first = this->bits(this->y_);
      EXPECT_EQ(this->bits(this->y_), first) << "run " << run;
    }
  }
}

// A value does not depend on where in the tensor it stands, nor on how many there are.
TYPED_TEST(Contract, SameBitsWhereverAnElementStands) {
  const Chain chain = gelu() | softplus(2.0);
  for (const Path path : this->paths()) {
    const ScopedPath forced(path);
    map(TypeParam(), chain, this->x_.tensor(), this->y_.tensor());
    TypeParam().fence();
    const std::vector<std::uint64_t> whole = this->bits(this->y_);
    for (const std::int64_t first : {1, 3, 8, 1023}) {
      auto* x = static_cast<float*>(this->x_.tensor().data) + first;
      auto* y = static_cast<float*>(this->y_.tensor().data) + first;
      this->y_.poison();
      map(TypeParam(), chain, Tensor(x, {extent / 2}), Tensor(y, {extent / 2}));
      TypeParam().fence();
      const std::vector<std::uint64_t> part = this->bits(this->y_);
      EXPECT_TRUE(std::equal(part.begin() + first, part.begin() + first + extent / 2, whole.begin() + first)) << first;
    }
  }
}

TYPED_TEST(Contract, WorksInPlaceInEveryLayout) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
    std::vector<TensorSpec> specs(7);
    for (TensorSpec& spec : specs) spec.dtype = dtype;
    specs[1].order = {1, 0};
    specs[2].padding = {0, 5};
    specs[3].step = 3;
    specs[4].reversed = {true, false};
    specs[5].misalignment = 3;
    specs[6].order = {1, 0};
    specs[6].reversed = {false, true};
    for (const TensorSpec& spec : specs)
      for (const Path path : this->paths()) {
        const std::vector<std::int64_t> shape{131, 70};
        Data<TypeParam> data(spec, shape);
        Data<TypeParam> before(spec, shape);
        data.poison();
        fill_integers(data, -60, 121, 5);
        fill_integers(before, -60, 121, 5);
        const ScopedPath forced(path);
        // As x, as an operand, and as the output.
        map(TypeParam(), add(data.tensor()) | neg(), data.tensor(), data.tensor());
        TypeParam().fence();
        data.download();
        Comparison comparison(std::string(last_kernel()) + " in place", dtype);
        for_each_element(shape, {data.tensor()}, [&](const std::vector<std::int64_t>& offset) {
          const double exact = -2 * before.value(offset[0]);
          comparison.look({offset[0],
                           before.value(offset[0]),
                           data.value(offset[0]),
                           data.bits(offset[0]),
                           exact,
                           {exact, exact, false}});
        });
        EXPECT_TRUE(comparison.result());
        EXPECT_EQ(data.written(), 131 * 70);
      }
  }
}

TYPED_TEST(Contract, RefusesPartialOverlapAndWritesNothing) {
  auto* data = static_cast<float*>(this->x_.tensor().data);
  const std::vector<std::uint64_t> before = this->bits(this->x_);
  const Tensor y(data, {50, 40});
  for (const Tensor& x :
       {Tensor(data + 1, {50, 40}), Tensor(data + 1999, {50, 40}), Tensor(data, {50, 40}, {1, 50}),
        Tensor(data + 1999, {50, 40}, {-40, -1}), Tensor(data, {40}), Tensor(data + 40, {50, 1}, {40, 1})}) {
    EXPECT_THROW(relu(TypeParam(), x, y), Error);
    EXPECT_THROW(add(TypeParam(), Tensor(data + 3000, {50, 40}), x, y), Error);
  }
  TypeParam().fence();
  EXPECT_EQ(this->bits(this->x_), before);
}

TYPED_TEST(Contract, AllowsInterleavedColumns) {
  auto* data = static_cast<float*>(this->x_.tensor().data);
  for (const Path path : this->paths()) {
    const ScopedPath forced(path);
    const std::vector<std::uint64_t> before = this->bits(this->x_);
    neg(TypeParam(), Tensor(data, {100, 20}, {40, 2}), Tensor(data + 1, {100, 20}, {40, 2}));
    TypeParam().fence();
    this->x_.download();
    for (std::int64_t i = 0; i < 4000; i += 2) {
      EXPECT_EQ(this->x_.bits(i), before[static_cast<std::size_t>(i)]);
      EXPECT_EQ(this->x_.value(i + 1), -this->x_.value(i));
    }
  }
}

TYPED_TEST(Contract, TwoThreadsOnTwoInstances) {
  const auto instances = Kokkos::Experimental::partition_space(TypeParam(), 1, 1);
  std::vector<Data<TypeParam>> outputs;
  for (int i = 0; i < 2; ++i) outputs.emplace_back(DType::f32, extent);
  for (const Path path : this->paths()) {
    for (Data<TypeParam>& y : outputs) y.poison();
    const auto work = [&](std::size_t which) {
      const ScopedPath forced(path);
      for (int i = 0; i < 200; ++i)
        map(instances[which], which == 0 ? neg() : add(2.5) | mul(2), this->x_.tensor(), outputs[which].tensor());
      instances[which].fence();
    };
    std::thread first(work, 0);
    std::thread second(work, 1);
    first.join();
    second.join();
    for (Data<TypeParam>& y : outputs) y.download();
    for (std::int64_t i = 0; i < extent; ++i) {
      ASSERT_EQ(outputs[0].value(i), -this->x_.value(i)) << i;
      ASSERT_EQ(outputs[1].value(i), (this->x_.value(i) + 2.5) * 2) << i;
    }
  }
}

// The path is forced for the thread that asks, and for no other.
TYPED_TEST(Contract, ForcedPathBelongsToItsThread) {
  const ScopedPath forced(Path::generic);
  std::string elsewhere;
  std::thread other([&] {
    elsewhere = last_kernel();
    relu(TypeParam(), this->x_.tensor(), this->y_.tensor());
    TypeParam().fence();
    elsewhere += std::string(", ") + last_kernel();
  });
  other.join();
  relu(TypeParam(), this->x_.tensor(), this->y_.tensor());
  TypeParam().fence();
  EXPECT_STREQ(last_kernel(), "generic");
  EXPECT_EQ(elsewhere == "none, generic", this->paths().size() == 2) << elsewhere;
}

}  // namespace
}  // namespace mylos::test
