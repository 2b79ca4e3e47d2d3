#!/usr/bin/env bash
# Formats the sources with clang-format 14.
#   scripts/format.sh          rewrite what differs
#   scripts/format.sh --check  name what differs and fail
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

formatter=""
for candidate in clang-format-14 clang-format; do
  if command -v "$candidate" >/dev/null && [[ $("$candidate" --version) == *"version 14."* ]]; then
    formatter=$candidate
    break
  fi
done
if [[ -z $formatter ]]; then
  echo "format.sh: clang-format 14 not found (Debian 12: apt-get install clang-format-14)" >&2
  exit 1
fi

mapfile -d '' files < <(find include src backends tests bench examples fortran python \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 | sort -z)

case "${1:-}" in
  --check) "$formatter" --dry-run --Werror "${files[@]}" && echo "format: ${#files[@]} files as they should be" ;;
  "") "$formatter" -i "${files[@]}" ;;
  *) echo "usage: scripts/format.sh [--check]" >&2; exit 2 ;;
esac
