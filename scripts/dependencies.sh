# shellcheck shell=bash
# Sourced by the other scripts: install_dependencies [PACKAGE...] makes sure of what the host preset needs, and of the
# Debian packages named. It asks the machine, not the package manager, so tools from elsewhere count too.
# MYLOS_NO_INSTALL=1 skips it.

missing_packages() {
  command -v "${CXX:-c++}" >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  # pip fetches Kokkos where there is none.
  if [[ -z ${Kokkos_ROOT:-}${Kokkos_DIR:-} ]] && ! python3 -m pip --version >/dev/null 2>&1; then
    echo python3-pip
  fi
  has_header gtest/gtest.h || echo libgtest-dev
  has_header benchmark/benchmark.h || echo libbenchmark-dev
  has_header CLI/CLI.hpp || echo libcli11-dev
  has_header nlohmann/json.hpp || echo nlohmann-json3-dev
  local package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

# What makes matrix products on the host faster, and is not needed.
optional_packages() {
  has_header dnnl.h || echo libdnnl-dev
  has_header openblas_config.h || has_header "$(uname -m)-linux-gnu/openblas-openmp/openblas_config.h" ||
    echo libopenblas-openmp-dev
}

has_header() {
  command -v "${CXX:-c++}" >/dev/null && echo "#include <$1>" | "${CXX:-c++}" -x c++ -E - >/dev/null 2>&1
}

# As root, or by sudo; says what went wrong.
apt_install() {
  local as_root=() log status=0
  ((EUID == 0)) || as_root=(sudo)
  log=$(mktemp)
  { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } \
    >"$log" 2>&1 </dev/null || status=1
  ((status == 0)) || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

install_dependencies() {
  [[ -z ${MYLOS_NO_INSTALL:-} ]] || return 0
  local packages
  mapfile -t packages < <(missing_packages "$@")
  if ((${#packages[@]} > 0)); then
    local as_root=()
    if ((EUID != 0)); then
      as_root=(sudo)
      if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo true; }; }; then
        as_root=(none)
      fi
    fi
    if ! command -v apt-get >/dev/null || [[ ${as_root[*]} == none ]]; then
      echo "Missing, and not to be installed from here. On Debian, as root:" >&2
      echo "  apt-get install --no-install-recommends ${packages[*]}" >&2
      echo "Elsewhere install what corresponds; MYLOS_NO_INSTALL=1 skips this check." >&2
      return 1
    fi
    echo "Installing: ${packages[*]}"
    apt_install "${packages[@]}" || return 1
  fi
  # What is not needed is worth neither a question nor a failure.
  mapfile -t packages < <(optional_packages)
  if ((${#packages[@]} > 0)) && command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }; then
    echo "Installing, optional: ${packages[*]}"
    apt_install "${packages[@]}" || echo "Not installed; Mylos is built without."
  fi

  local version
  version=$(cmake --version | sed -n '1s/.* //p')
  if [[ $(printf '%s\n' 3.25 "$version" | sort -V | head -n 1) != 3.25 ]]; then
    echo "CMake is $version, Mylos needs 3.25 or later (pip install cmake brings one)." >&2
    return 1
  fi
}
