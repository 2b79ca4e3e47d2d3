// From main() to the program proper: options, Kokkos, errors.
#pragma once

#include <CLI/CLI.hpp>
#include <Kokkos_Core.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace mylos::bench {

/// Reads the options of `app` and returns what body() returns: the exit status. Options that begin with --kokkos- or
/// one of `prefixes` stay in argv for others. Ours are read before Kokkos starts, so that --help and a misspelt option
/// need neither a device nor a configured machine.
template <class Body>
int run_program(CLI::App& app, int& argc, char** argv, std::vector<std::string> prefixes, const Body& body) {
  prefixes.emplace_back("--kokkos-");
  app.allow_extras();
  try {
    app.parse(argc, argv);
    for (const std::string& extra : app.remaining()) {
      const auto begins_extra = [&](const std::string& prefix) { return extra.rfind(prefix, 0) == 0; };
      if (std::none_of(prefixes.begin(), prefixes.end(), begins_extra)) throw CLI::ExtrasError({extra});
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  const Kokkos::ScopeGuard kokkos(argc, argv);
  try {
    return body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
    return 2;
  }
}

}  // namespace mylos::bench
