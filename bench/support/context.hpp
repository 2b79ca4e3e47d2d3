// Where a run took place: what a reader of its figures needs to know.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mylos::bench {

/// Names and values in the order they are shown.
using Context = std::vector<std::pair<std::string, std::string>>;

/// CPU, cores, GPU and driver where there is one, compilers, Kokkos and its execution space, Mylos, commit, date, and
/// those environment variables that change how Kokkos, OpenMP or CUDA run.
Context machine_context();

/// What Kokkos says that it was built with and runs on, as "KOKKOS_ENABLE_OPENMP": "yes".
Context kokkos_options();

/// What runs the default execution space: the GPU's name, else the CPU's.
std::string device_name();

/// Memory of the default execution space: all that this process may use, and what of it is free.
struct MemoryBytes {
  std::int64_t total = 0;
  std::int64_t available = 0;
};
MemoryBytes device_memory();

/// Bytes of the cache before memory.
std::int64_t last_level_cache();

/// "12.9 GB"
std::string in_gigabytes(double bytes);

}  // namespace mylos::bench
