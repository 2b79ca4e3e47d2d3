// expect: mylos: an output View must not be of const elements
#include <mylos/mylos.hpp>

using View = Kokkos::View<float*, Kokkos::HostSpace>;

void write_to_const(const View& x, const Kokkos::View<const float*, Kokkos::HostSpace>& y) {
  mylos::gelu(Kokkos::DefaultHostExecutionSpace(), x, y);
}
