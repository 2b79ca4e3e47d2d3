#include "session.hpp"

#include <nanobind/nanobind.h>

#include <map>
#include <memory>
#include <mutex>

#include <mylos/execution.hpp>

namespace mylos::python {
namespace {

namespace nb = nanobind;

#if defined(KOKKOS_ENABLE_CUDA)
using Device = Kokkos::Cuda;
constexpr std::int32_t device_type = dlpack::cuda;
#elif defined(KOKKOS_ENABLE_HIP)
using Device = Kokkos::HIP;
constexpr std::int32_t device_type = dlpack::rocm;
#else
using Device = Kokkos::DefaultHostExecutionSpace;
constexpr std::int32_t device_type = dlpack::cpu;
#endif
using Host = Kokkos::DefaultHostExecutionSpace;
// What runs on the calling thread alone.
#if defined(KOKKOS_ENABLE_SERIAL)
using SingleThread = Kokkos::Serial;
SingleThread single_thread() { return {}; }
#elif defined(KOKKOS_ENABLE_OPENMP)
using SingleThread = Kokkos::OpenMP;
SingleThread single_thread() { return SingleThread(1); }
#else
using SingleThread = Host;
SingleThread single_thread() { return {}; }
#endif
constexpr bool has_device = device_type != dlpack::cpu;

// A call on no more elements than this is over before other threads have begun, and before another Python thread has
// got hold of the GIL.
constexpr std::int64_t serial_elements = 16384;

struct Session {
  bool ours = false;
  std::unique_ptr<Host> host;
  std::unique_ptr<SingleThread> single;
  std::mutex host_in_use;
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  int device = 0;
  std::map<void*, Device> instances;
#endif
};

Session& session() {
  static Session it;
  return it;
}

#if defined(KOKKOS_ENABLE_CUDA)
Device new_instance(void* stream) {
  // An instance allocates when it is made, which a capture of this thread's would forbid.
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  cudaThreadExchangeStreamCaptureMode(&mode);
  Device instance(static_cast<cudaStream_t>(stream));
  cudaThreadExchangeStreamCaptureMode(&mode);
  return instance;
}
#elif defined(KOKKOS_ENABLE_HIP)
Device new_instance(void* stream) { return Device(static_cast<hipStream_t>(stream)); }
#endif

bool on_host(const dlpack::Device& device) {
  return device.type == dlpack::cpu || device.type == dlpack::cuda_host || device.type == dlpack::rocm_host;
}

bool on_device(const dlpack::Device& device) {
  return has_device &&
         (device.type == device_type || (device_type == dlpack::cuda && device.type == dlpack::cuda_managed));
}

void initialize(const dlpack::Device& device) {
  Session& s = session();
  if (s.host) return;
  if (!Kokkos::is_initialized()) {
    Kokkos::InitializationSettings settings;
    settings.set_disable_warnings(true);  // about environment variables: nothing that a module should print
    if (on_device(device)) settings.set_device_id(device.id);
    Kokkos::initialize(settings);
    s.ours = true;
  }
#if defined(KOKKOS_ENABLE_CUDA)
  s.device = Kokkos::Cuda().cuda_device();
#elif defined(KOKKOS_ENABLE_HIP)
  s.device = Kokkos::HIP().hip_device();
#endif
  s.host = std::make_unique<Host>();
  s.single = std::make_unique<SingleThread>(single_thread());
}

}  // namespace

const char* backend() { return device_type == dlpack::cuda ? "cuda" : device_type == dlpack::rocm ? "hip" : "host"; }

const char* why_not_on(const dlpack::Device& device) {
  if (on_host(device)) return nullptr;
  if (!on_device(device)) return "it is on a device for which this Mylos was not built";
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  initialize(device);
  if (device.id != session().device) return "it is on another device than the first call's: one process uses one";
#endif
  return nullptr;
}

void execute(const dlpack::Device& device, [[maybe_unused]] void* stream, [[maybe_unused]] bool wait,
             std::int64_t elements, const Work& work) {
  initialize(device);
  Session& s = session();
  if (on_host(device)) {
    if (elements <= serial_elements) {
      work(detail::Execution(*s.single));
      return;
    }
    const nb::gil_scoped_release release;
    const std::lock_guard<std::mutex> lock(s.host_in_use);
    work(detail::Execution(*s.host));
    return;
  }
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  auto found = s.instances.find(stream);
  if (found == s.instances.end()) found = s.instances.emplace(stream, new_instance(stream)).first;
  work(detail::Execution(found->second));
  if (wait) found->second.fence("mylos: the array's library orders nothing by streams");
#endif
}

void finalize() {
  Session& s = session();
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  s.instances.clear();
#endif
  s.host.reset();
  s.single.reset();
  if (s.ours && Kokkos::is_initialized()) Kokkos::finalize();
  s.ours = false;
}

}  // namespace mylos::python
