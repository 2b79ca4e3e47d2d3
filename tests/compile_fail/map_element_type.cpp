// expect: mylos::map: this type of elements is not supported
#include <mylos/mylos.hpp>

using View = Kokkos::View<Kokkos::complex<float>*, Kokkos::HostSpace>;

struct Identity {
  template <class T>
  T operator()(T x) const {
    return x;
  }
};

void use_complex_numbers(const View& x, const View& y) {
  mylos::map(Kokkos::DefaultHostExecutionSpace(), Identity(), x, y);
}
