// expect: mylos: the first argument must be a Kokkos execution space
#include <mylos/mylos.hpp>

using View = Kokkos::View<float*, Kokkos::HostSpace>;

void forget_the_execution_space(const View& x, const View& y) { mylos::gelu(x, x, y); }
