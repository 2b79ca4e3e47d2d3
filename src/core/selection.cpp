#include "core/selection.hpp"

namespace mylos {
namespace {
thread_local Path forced = Path::automatic;
thread_local const char* kernel = "none";
thread_local const char* candidate = nullptr;
}  // namespace

ScopedPath::ScopedPath(Path path) : previous_(forced) { forced = path; }
ScopedPath::~ScopedPath() { forced = previous_; }

const char* last_kernel() { return kernel; }

namespace detail {
Path forced_path() { return forced; }
void set_last_kernel(const char* name) { kernel = name; }
const char* forced_candidate() { return candidate; }
ScopedCandidate::ScopedCandidate(const char* name) : previous_(candidate) { candidate = name; }
ScopedCandidate::~ScopedCandidate() { candidate = previous_; }
}  // namespace detail
}  // namespace mylos
