#include <mylos/version.hpp>

namespace mylos {

Version version() noexcept { return {MYLOS_VERSION_MAJOR, MYLOS_VERSION_MINOR, MYLOS_VERSION_PATCH}; }

}  // namespace mylos
