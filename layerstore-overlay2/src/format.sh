#!/bin/sh
#
# Formats the C sources; with --check changes nothing and fails if something is not as it would be. Only with clang-format 14, which is that of
# Debian 12: every version has its own opinion.
set -eu

cd "$(dirname "$0")"
program=
for name in clang-format-14 clang-format; do
  if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
    program=$name
    break
  fi
done
if [ -z "$program" ]; then
  echo "layerstore-helper: format not looked at, as there is no clang-format 14"
  exit 0
fi
if [ "${1:-}" = --check ]; then
  "$program" --dry-run --Werror main/c/*.[ch] fuzz/*.[ch] || {
    echo "layerstore-helper: not formatted; run layerstore-overlay2/src/format.sh" >&2
    exit 1
  }
else
  "$program" -i main/c/*.[ch] fuzz/*.[ch]
fi
