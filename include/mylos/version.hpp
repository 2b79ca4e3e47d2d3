// The version of these headers, and that of the library a program runs with.
#pragma once

#define MYLOS_VERSION_MAJOR 0
#define MYLOS_VERSION_MINOR 1
#define MYLOS_VERSION_PATCH 0

namespace mylos {

struct Version {
  int major;
  int minor;
  int patch;
};

// The version of the linked library. It differs from the macros when a program compiled with the headers of one version
// loads the shared library of another.
Version version() noexcept;

}  // namespace mylos
