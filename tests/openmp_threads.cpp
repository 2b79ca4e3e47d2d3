// Kokkos uses every core when OMP_PROC_BIND=spread (ctest sets it). It would not if a second OpenMP runtime were in the
// process: the first one binds the main thread to one core, and the second then takes that core for the whole machine.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <Kokkos_Core.hpp>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#ifdef KOKKOS_ENABLE_OPENMP

namespace {

// Cores this process was given. Its own mask may be narrowed already by the binding under test; the parent's is not.
int cores_given() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(getppid(), sizeof(mask), &mask) != 0) return 0;
  return CPU_COUNT(&mask);
}

// Files of OpenMP runtimes mapped into this process.
std::set<std::string> openmp_runtimes() {
  std::set<std::string> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string path = line.substr(slash);
    const std::string file = path.substr(path.rfind('/') + 1);
    if (file.rfind("libgomp", 0) == 0 || file.rfind("libomp", 0) == 0 || file.rfind("libiomp", 0) == 0) {
      found.insert(path);
    }
  }
  return found;
}

}  // namespace

TEST(OpenmpThreads, KokkosUsesEveryCore) {
  const char* binding = std::getenv("OMP_PROC_BIND");
  if (binding == nullptr || std::string(binding) != "spread") GTEST_SKIP() << "needs OMP_PROC_BIND=spread";
  if (std::getenv("OMP_NUM_THREADS") != nullptr) GTEST_SKIP() << "OMP_NUM_THREADS limits the threads";
  const int cores = cores_given();
  if (cores < 2) GTEST_SKIP() << "needs two cores or more";

  const Kokkos::OpenMP exec;
  EXPECT_EQ(exec.concurrency(), cores);

  // A bound thread stays on one core, so as many cores are seen as threads work. The range is long enough for Kokkos to
  // give every thread a share.
  const int length = 1000 * cores;
  const Kokkos::View<int*, Kokkos::HostSpace> core("core", static_cast<std::size_t>(length));
  Kokkos::parallel_for("core of each iteration",
                       Kokkos::RangePolicy<Kokkos::OpenMP, Kokkos::Schedule<Kokkos::Static>>(exec, 0, length),
                       [=](const int i) { core(i) = sched_getcpu(); });
  exec.fence();
  const std::set<int> seen(core.data(), core.data() + length);
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(cores));
}

TEST(OpenmpThreads, OneRuntimeIsLoaded) {
  const auto runtimes = openmp_runtimes();
  std::string list;
  for (const auto& path : runtimes) list += "\n  " + path;
  EXPECT_EQ(runtimes.size(), 1U) << "OpenMP runtimes in this process:" << list;
}

#else

TEST(OpenmpThreads, KokkosUsesEveryCore) { GTEST_SKIP() << "this Kokkos has no OpenMP"; }

#endif
