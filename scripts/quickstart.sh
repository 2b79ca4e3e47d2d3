#!/usr/bin/env bash
# Builds the host backend and runs every operator on a large tensor: time, bandwidth and error of each, as a table, JSON
# and a chart. Arguments go to the program (--help lists them). On Debian 12 it installs what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/dependencies.sh

# shellcheck disable=SC2119  # it takes further packages, not the arguments of this script
install_dependencies
cmake --workflow --preset quickstart

# Threads that stay on their cores, unless the caller has a view on it.
export OMP_PROC_BIND="${OMP_PROC_BIND:-spread}" OMP_PLACES="${OMP_PLACES:-threads}"
exec build/host/bench/mylos-quickstart "$@"
