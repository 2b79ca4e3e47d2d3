// Every message of mylos::map with a functor once, and that nothing was written before it was thrown.
#include <gtest/gtest.h>

#include <array>
#include <mylos/mylos.hpp>
#include <string>

namespace mylos::test {
namespace {

struct Copy {
  KOKKOS_FUNCTION float operator()(float x) const { return x; }
  KOKKOS_FUNCTION void operator()(float x1, float x2, float& y1, float& y2) const {
    y1 = x1;
    y2 = x2;
  }
};

class MapErrors : public testing::Test {
 protected:
  using Exec = Kokkos::DefaultHostExecutionSpace;
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  using View = Kokkos::View<float**, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
  using Row = Kokkos::View<float*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;

  MapErrors() { storage_.fill(7); }
  void TearDown() override {
    for (const float v : storage_) EXPECT_EQ(v, 7) << "written before the error";
  }
  float* at(std::size_t i) { return storage_.data() + i; }
  template <class... Arguments>
  static std::string message_of(const Arguments&... arguments) {
    for (float& v : others_) v = 8;  // what is copied, so that a write is seen
    try {
      map(Exec(), Copy(), arguments...);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  std::array<float, 100> storage_;
  static inline std::array<float, 100> others_;
  const View x_{others_.data(), 4, 5};
  const View y_{storage_.data(), 4, 5};
};

TEST_F(MapErrors, InputDoesNotBroadcast) {
  EXPECT_EQ(message_of(View(others_.data(), 4, 4), y_),
            "mylos::map: x: extents (4, 4), expected extents that broadcast to (4, 5)");
  EXPECT_EQ(message_of(inputs(x_, Row(others_.data(), 4)), outputs(y_, View(at(20), 4, 5))),
            "mylos::map: x2: extents (4), expected extents that broadcast to (4, 5)");
  const Kokkos::View<float*, Kokkos::HostSpace> named("density", 3);
  EXPECT_EQ(message_of(named, y_), "mylos::map: x \"density\": extents (3), expected extents that broadcast to (4, 5)");
}

TEST_F(MapErrors, OutputsOfDifferentShapes) {
  EXPECT_EQ(message_of(inputs(x_, x_), outputs(y_, View(at(20), 5, 4))),
            "mylos::map: y2: extents (5, 4), expected those of the first output, (4, 5)");
  EXPECT_EQ(message_of(inputs(x_, x_), outputs(y_, Row(at(20), 5))),
            "mylos::map: y2: extents (5), expected those of the first output, (4, 5)");
}

TEST_F(MapErrors, NullPointer) {
  EXPECT_EQ(message_of(View(nullptr, 4, 5), y_), "mylos::map: x: null pointer with extents (4, 5)");
  EXPECT_EQ(message_of(inputs(x_, x_), outputs(View(nullptr, 4, 5), y_)),
            "mylos::map: y1: null pointer with extents (4, 5)");
}

TEST_F(MapErrors, OutputWithAZeroStride) {
  using Strided = Kokkos::View<float**, Kokkos::LayoutStride, Kokkos::HostSpace, Unmanaged>;
  EXPECT_EQ(message_of(x_, Strided(at(0), Kokkos::LayoutStride(4, 0, 5, 1))),
            "mylos::map: y: stride 0 in dimension 0, expected an output whose elements are distinct");
}

TEST_F(MapErrors, PartialOverlap) {
  const std::string text =
      "overlaps the output in part, expected the same elements (extents, strides and dtype) or none in common";
  EXPECT_EQ(message_of(View(at(1), 4, 5), y_), "mylos::map: x: " + text);
  EXPECT_EQ(message_of(Row(at(0), 5), y_), "mylos::map: x: " + text);
  EXPECT_EQ(message_of(inputs(x_, View(at(20), 4, 5)), outputs(y_, View(at(25), 4, 5))), "mylos::map: x2: " + text);
}

TEST_F(MapErrors, OutputsThatOverlap) {
  for (const std::size_t offset : {0U, 19U})
    EXPECT_EQ(message_of(inputs(x_, x_), outputs(y_, View(at(offset), 4, 5))),
              "mylos::map: y2: overlaps y1, expected outputs that have no elements in common");
}

TEST_F(MapErrors, NoSpecializedKernel) {
  const ScopedPath forced(Path::specialized);
  EXPECT_EQ(message_of(x_, y_), "mylos::map: no specialized kernel applies; a functor of the user's own has none");
  EXPECT_EQ(message_of(Row(others_.data(), 0), Row(at(0), 0)), "no error");
}

}  // namespace
}  // namespace mylos::test
