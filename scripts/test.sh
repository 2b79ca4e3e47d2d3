#!/usr/bin/env bash
# Builds the host backend with everything around it and runs the tests. On Debian 12 it installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/dependencies.sh

# shellcheck disable=SC2119  # it takes further packages, not the arguments of this script
install_dependencies
cmake --workflow --preset host
