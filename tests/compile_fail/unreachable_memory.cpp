// expect: mylos: the execution space cannot reach the memory of this View
#include <mylos/mylos.hpp>

#ifdef KOKKOS_ENABLE_CUDA
using Far = Kokkos::CudaSpace;
#else
// A memory space that no execution space reaches.
struct Far {
  using memory_space = Far;
  using execution_space = Kokkos::DefaultHostExecutionSpace;
  using device_type = Kokkos::Device<execution_space, memory_space>;
  using size_type = std::size_t;
  static constexpr const char* name() { return "Far"; }
};
#endif

using View = Kokkos::View<float*, Kokkos::HostSpace>;
using FarView = Kokkos::View<float*, Far, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

void read_from_far(const FarView& x, const View& y) { mylos::gelu(Kokkos::DefaultHostExecutionSpace(), x, y); }
