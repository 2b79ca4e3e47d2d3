// The smallest user of an installed Mylos: one operator on Views, the result looked at.
#include <Kokkos_Core.hpp>
#include <cstdio>
#include <mylos/mylos.hpp>
#include <mylos/version.hpp>

int main(int argc, char** argv) {
  const Kokkos::ScopeGuard kokkos(argc, argv);
  const Kokkos::DefaultExecutionSpace exec;
  using Matrix = Kokkos::View<float**>;

  const Matrix x("x", 7, 13);
  const Matrix y("y", 7, 13);
  Kokkos::deep_copy(exec, x, -1.0F);
  Kokkos::deep_copy(exec, Kokkos::subview(x, 3, Kokkos::ALL), 2.0F);
  mylos::relu(exec, x, y);
  exec.fence();

  const auto result = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  for (std::size_t i = 0; i < result.extent(0); ++i) {
    for (std::size_t j = 0; j < result.extent(1); ++j) {
      const float expected = i == 3 ? 2.0F : 0.0F;
      if (!(result(i, j) == expected)) {
        std::printf("y(%zu, %zu) is %g, expected %g\n", i, j, double(result(i, j)), double(expected));
        return 1;
      }
    }
  }
  const mylos::Version version = mylos::version();
  std::printf("Mylos %d.%d.%d: ok\n", version.major, version.minor, version.patch);
  return 0;
}
