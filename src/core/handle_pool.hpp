// Handles of a vendor's library, shared by all calls. Free of Kokkos and vendor headers.
#pragma once

#include <map>
#include <mutex>
#include <vector>

namespace mylos::detail {

/// A handle of a device, this thread's while it lives. Handles are made once, kept and passed on: making one takes
/// milliseconds and device memory, and destroying one at the end of a process is too late.
template <class Handle>
class PooledHandle {
 public:
  PooledHandle(int device, Handle (*make)()) : device_(device) {
    {
      const std::lock_guard<std::mutex> lock(pool().mutex);
      std::vector<Handle>& idle = pool().idle[device_];
      if (!idle.empty()) {
        handle_ = idle.back();
        idle.pop_back();
      }
    }
    if (handle_ == nullptr) handle_ = make();
  }
  ~PooledHandle() {
    const std::lock_guard<std::mutex> lock(pool().mutex);
    pool().idle[device_].push_back(handle_);
  }
  PooledHandle(const PooledHandle&) = delete;
  PooledHandle& operator=(const PooledHandle&) = delete;

  Handle get() const { return handle_; }

 private:
  struct Pool {
    std::mutex mutex;
    std::map<int, std::vector<Handle>> idle;
  };
  /// Never destroyed: calls may come while the process ends.
  static Pool& pool() {
    static auto* const all = new Pool;
    return *all;
  }

  int device_;
  Handle handle_ = nullptr;
};

}  // namespace mylos::detail
