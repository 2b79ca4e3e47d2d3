// expect: mylos::map: a functor takes Kokkos::Views
#include <mylos/mylos.hpp>

struct Identity {
  float operator()(float x) const { return x; }
};

void no_type_of_elements(const mylos::Tensor& x, const mylos::Tensor& y) {
  mylos::map(Kokkos::DefaultHostExecutionSpace(), Identity(), x, y);
}
