// Stacks of matrices on every kernel, element by element within the bound that gemm.hpp states; and that factors which
// are split beside the products give what those give that are split before them.
#include <array>
#include <numeric>

#include "support/gemms.hpp"

namespace mylos::test {
namespace {

template <class Exec>
class GemmBatches : public testing::Test {
 protected:
  static void check(const GemmCase& c) { GemmCheck<Exec>(c).check(); }
};
TYPED_TEST_SUITE(GemmBatches, ExecutionSpaces, SpaceName);

TYPED_TEST(GemmBatches, Batches) {
  const std::vector<GemmCase> cases{
      {{4, 9, 11}, {4, 11, 13}, {4, 9, 13}},
      {{4, 9, 11}, {11, 13}, {4, 9, 13}},           // 3-D tensor times matrix
      {{2, 3, 9, 11}, {11, 13}, {2, 3, 9, 13}},     // 4-D
      {{9, 11}, {4, 11, 13}, {4, 9, 13}},           // matrix times 3-D tensor
      {{2, 1, 9, 11}, {3, 11, 13}, {2, 3, 9, 13}},  // both broadcast
      {{1, 9, 11}, {11, 13}, {5, 9, 13}},           // into copies
      {{2, 2, 3, 2, 5, 7}, {2, 7, 4}, {2, 2, 3, 2, 5, 4}},
      {{0, 9, 11}, {0, 11, 13}, {0, 9, 13}},
      {{300, 2, 3}, {300, 3, 2}, {300, 2, 2}},
      {{3, 1, 40}, {3, 40, 1}, {3, 1, 1}},
  };
  for (GemmCase c : cases) {
    const auto rank = static_cast<int>(c.a.size());
    this->check(c);
    c.options.beta = -0.5;
    this->check(c);
    // The batch as the fastest dimension of a, and of a and c.
    for (int d = 0; d < rank; ++d) c.a_spec.order.push_back((d + rank - 2) % rank);
    this->check(c);
    if (c.c.size() == c.a.size()) {
      c.c_spec.order = c.a_spec.order;
      this->check(c);
      c.c_spec.padding = {2};
      this->check(c);
    }
    if (testing::Test::HasFailure()) return;
  }
}

// Row-major, or its last two dimensions the other way round.
std::vector<int> matrix_order(std::size_t rank, bool turned) {
  std::vector<int> order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (turned) std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

// More matrices than are worked on at once, of tiles that are not full, in rows or columns that are whole vectors.
TYPED_TEST(GemmBatches, ManyMatrices) {
  const std::vector<GemmCase> cases{
      {{21, 132, 68}, {21, 68, 140}, {21, 132, 140}},     {{150, 20, 132}, {150, 132, 12}, {150, 20, 12}},
      {{9, 260, 36}, {36, 132}, {9, 260, 132}},           {{260, 36}, {9, 36, 132}, {9, 260, 132}},
      {{3, 1, 36, 520}, {3, 2, 520, 36}, {3, 2, 36, 36}},  // shared by some
  };
  for (GemmCase c : cases)
    for (const bool a_turned : {false, true})
      for (const bool b_turned : {false, true}) {
        c.a_spec.order = matrix_order(c.a.size(), a_turned);
        c.b_spec.order = matrix_order(c.b.size(), b_turned);
        this->check(c);
        if (testing::Test::HasFailure()) return;
      }
}

#ifdef KOKKOS_ENABLE_CUDA
// Values of any magnitude, so that some results are left to plain arithmetic: it must be the same ones.
TEST(GemmOverlap, SameBitsAsSplitBefore) {
  const Kokkos::Cuda exec;
  GemmOptions options;
  options.determinism = Determinism::batch_invariant;  // nothing is summed in slices
  const GemmValues graded = [](std::int64_t batch, std::int64_t i, std::int64_t j) {
    const double v = gemm_noise(7919 * batch + 104729 * i + j * 3);
    return j % 67 == 5 ? v * 0x1p-30 : i % 31 == 7 && j % 64 == 9 ? v * 0x1p20 : v;
  };
  for (const auto& [a_shape, b_shape, c_shape] : std::vector<std::array<std::vector<std::int64_t>, 3>>{
           {{{40, 132, 260}, {40, 260, 140}, {40, 132, 140}}},
           {{{300, 36, 100}, {300, 100, 20}, {300, 36, 20}}},
           {{{2, 2100, 132}, {2, 132, 516}, {2, 2100, 516}}},  // rows in two groups of tiles
           {{{700, 1028}, {1028, 520}, {700, 520}}},
           {{{260, 36}, {9, 36, 132}, {9, 260, 132}}},
           {{{8, 128}, {128, 64}, {8, 64}}},
       })
    for (const bool a_turned : {false, true})
      for (const bool b_turned : {false, true}) {
        TensorSpec a_spec{};
        TensorSpec b_spec{};
        a_spec.order = matrix_order(a_shape.size(), a_turned);
        b_spec.order = matrix_order(b_shape.size(), b_turned);
        const Matrices<Kokkos::Cuda> a(a_spec, a_shape, graded);
        const Matrices<Kokkos::Cuda> b(b_spec, b_shape, graded);
        Matrices<Kokkos::Cuda> c(TensorSpec{}, c_shape, graded);
        std::vector<std::uint64_t> before;
        for (const char* kernel : {"cuda/tensor_split", "cuda/tensor_overlap", "cuda/tensor_overlap"}) {
          c.data().poison();
          if (!run_gemm_on(kernel, exec, [&] { gemm(exec, a.tensor(), b.tensor(), c.tensor(), options); })) {
            ASSERT_TRUE(before.empty()) << kernel << " does not serve what the other one does";
            return;  // no sm_90a
          }
          c.data().download();
          std::vector<std::uint64_t> bits;
          for (std::int64_t i = 0; i < c.size(); ++i) bits.push_back(c.data().bits(c.offset(i)));
          if (before.empty()) before = bits;
          EXPECT_TRUE(bits == before) << kernel << " " << c_shape.back() << " columns";
        }
      }
}

// Other work keeps some or all multiprocessors busy while the kernels begin.
TEST(GemmOverlap, EndsBesideOtherWork) {
  const auto instances = Kokkos::Experimental::partition_space(Kokkos::Cuda(), 1, 1);
  const Matrices<Kokkos::Cuda> a(TensorSpec{}, {40, 132, 260}, gemm_noise_from(1));
  const Matrices<Kokkos::Cuda> b(TensorSpec{}, {40, 260, 140}, gemm_noise_from(2));
  Matrices<Kokkos::Cuda> c[2] = {{TensorSpec{}, {40, 132, 140}, gemm_noise_from(3)},
                                 {TensorSpec{}, {40, 132, 140}, gemm_noise_from(3)}};
  for (int turn = 0; turn < 20; ++turn)
    for (const std::size_t which : {0U, 1U}) {
      const mylos::detail::ScopedCandidate candidate("cuda/tensor_overlap");
      try {
        gemm(instances[which], a.tensor(), b.tensor(), c[which].tensor());
      } catch (const Error&) {
        return;  // no sm_90a
      }
    }
  for (const std::size_t which : {0U, 1U}) {
    instances[which].fence();
    c[which].data().download();
  }
  for (std::int64_t i = 0; i < c[0].size(); ++i)
    ASSERT_EQ(c[0].data().bits(c[0].offset(i)), c[1].data().bits(c[1].offset(i))) << i;
}
#endif

}  // namespace
}  // namespace mylos::test
