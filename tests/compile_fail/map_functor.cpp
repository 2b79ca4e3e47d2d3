// expect: mylos::map: the functor must be callable
#include <mylos/mylos.hpp>

using View = Kokkos::View<float*, Kokkos::HostSpace>;

struct TakesTwo {
  float operator()(float x, float y) const { return x + y; }
};

void one_input_is_missing(const View& x, const View& y) {
  mylos::map(Kokkos::DefaultHostExecutionSpace(), TakesTwo(), x, y);
}
