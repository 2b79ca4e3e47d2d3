#!/usr/bin/env bash
# Builds Mylos and runs its host tests with the Kokkos 5 of Debian sid, in a Debian of its own that is thrown away at
# the end. Needs root and debootstrap; the packages come from the mirror this machine's apt uses.
#   scripts/test-kokkos5.sh [FOLDER]   keep that Debian in FOLDER and use it again next time
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "test-kokkos5: $1" >&2
  exit 1
}
((EUID == 0)) || fail "must be run as root (debootstrap and chroot)"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

# The first Debian archive among apt's sources.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
  awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
[[ -n $mirror ]] || fail "apt names no Debian archive: is there a sources.list, and was apt-get update run?"

if (($# > 0)); then
  root=$(realpath -m "$1")
else
  root=$(mktemp -d)
fi
keep=$#
finish() {
  local folder
  for folder in "$root/mylos" "$root/proc"; do
    if mountpoint -q "$folder"; then umount "$folder" || return 0; fi
  done
  if ((keep == 0)); then rm -rf --one-file-system "$root"; fi
}
trap finish EXIT

if [[ ! -e $root/usr/bin/ninja ]]; then
  echo "Making a Debian sid in $root"
  debootstrap --variant=minbase \
    --include=g++,cmake,ninja-build,libkokkos-dev,libgtest-dev,libbenchmark-dev,libcli11-dev,nlohmann-json3-dev \
    sid "$root" "$mirror" >"${TMPDIR:-/tmp}/mylos-debootstrap.log" ||
    fail "debootstrap failed, see ${TMPDIR:-/tmp}/mylos-debootstrap.log"
fi

# The CMake package of Kokkos 5.2.2 there names archives that the Debian package leaves out. They hold nothing that
# headers do not: empty ones do.
chroot "$root" sh -euc '
  for library in $(grep -ho "libkokkos[a-z]*\.a" -r /usr/lib/*/cmake/Kokkos | sort -u); do
    directory=$(dirname "$(ls -d /usr/lib/*/cmake)")
    [ -e "$directory/$library" ] || ar qc "$directory/$library"
  done'

mkdir -p "$root/mylos" "$root/proc"
mount -t proc proc "$root/proc"
mount --bind -o ro "$source_dir" "$root/mylos"
# Warnings are errors for the compilers of CI; sid's is newer and warns of its own std::vector<bool>.
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 ${JOBS:+JOBS="$JOBS"} sh -euc '
  cmake --preset host -S /mylos -B /mylos-build -DCMAKE_CXX_STANDARD=20 -DMYLOS_KOKKOS_FROM_PYPI=OFF -DMYLOS_WERROR=OFF
  cmake --build /mylos-build ${JOBS:+-j "$JOBS"}
  OMP_PROC_BIND=false ctest --test-dir /mylos-build --output-on-failure --no-tests=error'
