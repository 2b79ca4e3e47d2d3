// What is set for a kernel, or learnt about it, once for all calls: the runtime takes about as long to say as to
// launch.
#pragma once

#include <map>
#include <mutex>
#include <tuple>

#include "cuda/primitives/device.hpp"

namespace mylos::cuda {

/// What update(answer) made of the answer to this question last, 0 before the first time; any thread. Each function has
/// answers of its own. They are never destroyed: calls may come while the process ends.
template <class Question, class Update>
int remember(const Question& question, const Update& update) {
  static std::mutex mutex;
  static auto* const answers = new std::map<Question, int>;
  const std::lock_guard<std::mutex> lock(mutex);
  int& answer = (*answers)[question];
  update(answer);
  return answer;
}

/// Lets a kernel have so many bytes of dynamic shared memory on the current device. Never fewer than before: another
/// thread may be about to launch with them.
inline void allow_shared_memory(const void* kernel, int bytes) {
  remember(std::make_tuple(kernel, current_device()), [&](int& most) {
    if (bytes <= most) return;
    MYLOS_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    most = bytes;
  });
}

/// Blocks of a kernel that a multiprocessor of the current device runs at once, 1 at least.
inline int blocks_per_multiprocessor(const void* kernel, int threads, int bytes) {
  return remember(std::make_tuple(kernel, current_device(), threads, bytes), [&](int& blocks) {
    if (blocks != 0) return;
    allow_shared_memory(kernel, bytes);
    int most = 0;
    MYLOS_CUDA_CHECK(
        cudaOccupancyMaxActiveBlocksPerMultiprocessor(&most, kernel, threads, static_cast<std::size_t>(bytes)));
    blocks = most < 1 ? 1 : most;
  });
}

/// Registers of a thread, as it was compiled for the current device.
inline int registers_of(const void* kernel) {
  return remember(std::make_tuple(kernel, current_device()), [&](int& registers) {
    if (registers != 0) return;
    cudaFuncAttributes attributes;
    MYLOS_CUDA_CHECK(cudaFuncGetAttributes(&attributes, kernel));
    registers = attributes.numRegs;
  });
}

}  // namespace mylos::cuda
