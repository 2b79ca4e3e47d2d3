#include "hip/primitives/device.hpp"

#include <map>
#include <mutex>

namespace mylos::hip {

const std::string& architecture() {
  static std::mutex mutex;
  static auto* const known = new std::map<int, std::string>;
  const int device = current_device();
  const std::lock_guard<std::mutex> lock(mutex);
  std::string& name = (*known)[device];
  if (name.empty()) {
    hipDeviceProp_t properties;
    MYLOS_HIP_CHECK(hipGetDeviceProperties(&properties, device));
    name = properties.gcnArchName;
    name = name.substr(0, name.find(':'));
  }
  return name;
}

}  // namespace mylos::hip
