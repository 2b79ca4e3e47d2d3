// Handles of a vendor's library, shared by all calls. Free of Kokkos and vendor headers.
#pragma once

#include <map>
#include <mutex>
#include <vector>

namespace mylos::detail {

/// A handle of a place, such as a device, this thread's while it lives. Handles are made once, kept and passed on:
/// making one takes milliseconds and device memory, and destroying one at the end of a process is too late.
template <class Handle, class Place = int>
class PooledHandle {
 public:
  template <class Make>
  PooledHandle(const Place& place, const Make& make) : place_(place) {
    {
      const std::lock_guard<std::mutex> lock(pool().mutex);
      std::vector<Handle>& idle = pool().idle[place_];
      if (!idle.empty()) {
        handle_ = idle.back();
        idle.pop_back();
      }
    }
    if (handle_ == nullptr) handle_ = make();
  }
  ~PooledHandle() {
    const std::lock_guard<std::mutex> lock(pool().mutex);
    pool().idle[place_].push_back(handle_);
  }
  PooledHandle(const PooledHandle&) = delete;
  PooledHandle& operator=(const PooledHandle&) = delete;

  Handle get() const { return handle_; }

 private:
  struct Pool {
    std::mutex mutex;
    std::map<Place, std::vector<Handle>> idle;
  };
  /// Never destroyed: calls may come while the process ends.
  static Pool& pool() {
    static auto* const all = new Pool;
    return *all;
  }

  Place place_;
  Handle handle_ = nullptr;
};

}  // namespace mylos::detail
