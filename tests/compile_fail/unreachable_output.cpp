// expect: mylos: the execution space cannot reach the memory of this View
#include <mylos/mylos.hpp>

#ifdef KOKKOS_ENABLE_CUDA
// The other way round: host memory in a call for the device.
using Exec = Kokkos::Cuda;
using Far = Kokkos::HostSpace;
#else
using Exec = Kokkos::DefaultHostExecutionSpace;
// A memory space that no execution space reaches.
struct Far {
  using memory_space = Far;
  using execution_space = Exec;
  using device_type = Kokkos::Device<execution_space, memory_space>;
  using size_type = std::size_t;
  static constexpr const char* name() { return "Far"; }
};
#endif

using View = Kokkos::View<float*, Exec::memory_space>;
using FarView = Kokkos::View<float*, Far, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

void write_to_far(const View& x, const FarView& y) { mylos::map(Exec(), mylos::relu(), x, y); }
