// expect: mylos: .*not supported
#include <mylos/mylos.hpp>

using View = Kokkos::View<Kokkos::complex<float>*, Kokkos::HostSpace>;

void use_complex_numbers(const View& x, const View& y) { mylos::gelu(Kokkos::DefaultHostExecutionSpace(), x, y); }
