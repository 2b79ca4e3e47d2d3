#include "suite/moves.hpp"

#include <algorithm>

#include "suite/host_kernels.hpp"

namespace mylos::bench {
namespace {

using Exec = MoveBuffers::Exec;
using Range = Kokkos::RangePolicy<Exec, Kokkos::IndexType<std::int64_t>>;

/// Shares of threads and vectors end at multiples of this.
constexpr std::int64_t grain = 4096;

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)

template <class T, Move kind, int unroll>
CopyWay device_way(const MoveBuffers& buffers, const MoveTask& task) {
  const std::int64_t threads = std::max<std::int64_t>(1, task.bytes / 16 / unroll);
  const DeviceMove<T, kind, unroll> move{reinterpret_cast<Piece<T>*>(buffers.a.data()),
                                         reinterpret_cast<const Piece<T>*>(buffers.b.data()),
                                         reinterpret_cast<const Piece<T>*>(buffers.c.data()),
                                         threads,
                                         task.passes,
                                         T(3),
                                         reinterpret_cast<std::int64_t*>(buffers.a.data())};
  return {"kernel, " + std::to_string(16 * unroll) + " bytes a thread",
          [=, exec = buffers.exec](int) { Kokkos::parallel_for("mylos bench: move", Range(exec, 0, threads), move); }};
}

template <class T, Move kind>
void add_device_ways(std::vector<CopyWay>& ways, const MoveBuffers& buffers, const MoveTask& task) {
  ways.push_back(device_way<T, kind, 1>(buffers, task));
  ways.push_back(device_way<T, kind, 4>(buffers, task));
  ways.push_back(device_way<T, kind, 8>(buffers, task));
}

template <class T>
void add_kernels_of(std::vector<CopyWay>& ways, const MoveBuffers& buffers, const MoveTask& task) {
  switch (task.kind) {
    case Move::copy:
      return add_device_ways<T, Move::copy>(ways, buffers, task);
    case Move::read:
      return add_device_ways<T, Move::read>(ways, buffers, task);
    case Move::write:
      return add_device_ways<T, Move::write>(ways, buffers, task);
    case Move::triad:
      return add_device_ways<T, Move::triad>(ways, buffers, task);
  }
}

void add_kernels(std::vector<CopyWay>& ways, const MoveBuffers& buffers, const MoveTask& task) {
  if (task.dtype == DType::f64) return add_kernels_of<double>(ways, buffers, task);
  if (task.dtype == DType::f32) return add_kernels_of<float>(ways, buffers, task);
  add_kernels_of<std::uint16_t>(ways, buffers, task);
}

template <class T>
FmaTask device_fma(const Exec& exec) {
  constexpr int steps = 4096;
  const std::int64_t threads = 4 * static_cast<std::int64_t>(exec.concurrency());
  const Kokkos::View<double, Exec::memory_space> never("never");
  return {[=](int) {
            Kokkos::parallel_for("mylos bench: fma", Range(exec, 0, threads), DeviceFma<T>{steps, never.data()});
          },
          DeviceFma<T>::flops_per_thread(steps) * static_cast<double>(threads)};
}

#else

struct HostMove {
  MoveTask task;
  bool streaming;
  char* a;
  const char* b;
  const char* c;
  std::int64_t parts;
  void operator()(std::int64_t part) const {
    const std::int64_t each = task.bytes / parts / 64 * 64;
    const std::int64_t begin = each * part;
    host_move(task.kind, task.dtype, streaming, a + begin, b + begin, c + begin, each, task.passes);
  }
};

struct HostFma {
  DType dtype;
  std::int64_t steps;
  void operator()(std::int64_t) const { host_fma(dtype, steps); }
};

void add_kernels(std::vector<CopyWay>& ways, const MoveBuffers& buffers, const MoveTask& task) {
  const bool may_stream = host_can_stream() && task.kind != Move::read && task.passes == 1;
  for (const bool streaming : {false, true}) {
    if (streaming && !may_stream) continue;
    const std::int64_t parts = buffers.exec.concurrency();
    const HostMove move{task, streaming, buffers.a.data(), buffers.b.data(), buffers.c.data(), parts};
    ways.push_back({streaming ? "vectors, past the caches" : "vectors", [=, exec = buffers.exec](int) {
                      Kokkos::parallel_for("mylos bench: move", Range(exec, 0, parts), move);
                    }});
  }
}

#endif

}  // namespace

MoveBuffers::MoveBuffers(const Exec& exec_, std::int64_t bytes_each) : exec(exec_), bytes(bytes_each / grain * grain) {
  const auto make = [&](const char* label) {
    return Kokkos::View<char*, Exec::memory_space>(Kokkos::view_alloc(std::string(label), Kokkos::WithoutInitializing),
                                                   static_cast<std::size_t>(bytes));
  };
  a = make("mylos bench: a");
  b = make("mylos bench: b");
  c = make("mylos bench: c");
  // By the threads that will use them; and no number that is slow to compute with.
  for (auto* view : {&a, &b, &c}) fill(exec, view->data(), DType::f32, bytes / 4, Values::positive);
  exec.fence("mylos bench: buffers");
}

const char* name_of(Move kind) {
  switch (kind) {
    case Move::copy:
      return "copy";
    case Move::read:
      return "read";
    case Move::write:
      return "write";
    case Move::triad:
      return "triad";
  }
  return "";
}

int arrays_of(Move kind) { return kind == Move::triad ? 3 : kind == Move::copy ? 2 : 1; }

double MoveTask::bytes_moved() const {
  return static_cast<double>(arrays_of(kind)) * static_cast<double>(bytes) * static_cast<double>(passes);
}

std::vector<CopyWay> move_ways(const MoveBuffers& buffers, const MoveTask& task) {
  std::vector<CopyWay> ways;
  const bool through_memory = task.passes == 1;
  if (through_memory && task.kind == Move::copy)
    ways = copy_ways(
        buffers.exec, task.bytes, [b = buffers.b](int) { return b.data(); }, [a = buffers.a](int) { return a.data(); });
  if (through_memory && task.kind == Move::write)
    ways.push_back({"Kokkos::deep_copy of a zero", [buffers, task](int) {
                      Kokkos::deep_copy(buffers.exec,
                                        Kokkos::subview(buffers.a, std::pair<std::size_t, std::size_t>(
                                                                       0, static_cast<std::size_t>(task.bytes))),
                                        char(0));
                    }});
  add_kernels(ways, buffers, task);
  return ways;
}

FmaTask fma_task(const Exec& exec, DType dtype) {
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
  if (dtype == DType::f64) return device_fma<double>(exec);
  if (dtype == DType::f32) return device_fma<float>(exec);
#if defined(KOKKOS_ENABLE_CUDA)
  if (dtype == DType::f16) return device_fma<half>(exec);
  if (dtype == DType::bf16) return device_fma<bfloat16>(exec);
#endif
  return {};
#else
  constexpr std::int64_t steps = 1 << 17;  // well below a millisecond: shorter than others' turns on a shared core
  const double flops = host_fma(dtype, 1) * static_cast<double>(steps);
  if (flops == 0) return {};
  const std::int64_t parts = exec.concurrency();
  return {[=](int) {
            Kokkos::parallel_for("mylos bench: fma", Range(exec, 0, parts), HostFma{dtype, steps});
          },
          flops * static_cast<double>(parts)};
#endif
}

}  // namespace mylos::bench
