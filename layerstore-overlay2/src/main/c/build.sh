#!/bin/sh
# Builds layerstore-helper for this machine's architecture, and for x86_64 and aarch64 where a cross compiler is installed:
#   build.sh OUTPUT STAMPS VERSION     makes OUTPUT/linux-ARCH/layerstore-helper; STAMPS is a directory for notes to the next run
# Does nothing where everything is up to date. Without a compiler, or without a static C library, it says so and succeeds: everything but the
# overlay2 driver works without the helper. The same sources, compiler and version give the same bytes. CC names the compiler to use.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
output=$1
stamps=$2
version=$3

warnings="-Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla"
# No -march and no dates: reproducible, and for every processor of the architecture.
flags="-std=c11 -D_GNU_SOURCE -O2 $warnings -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fno-plt -pthread
  -ffunction-sections -fdata-sections -ffile-prefix-map=$here=."
link="-Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections,--build-id=none -s"

note() {
  echo "layerstore-helper: $*"
}

# Whether a program can be compiled and linked with these flags.
links() {
  compiler=$1
  shift
  echo 'int main(void) { return 0; }' >"$scratch/try.c"
  "$compiler" "$@" "$scratch/try.c" -o "$scratch/try" >/dev/null 2>&1
}

build() {
  compiler=$1
  arch=$2
  target=$output/linux-$arch/layerstore-helper
  # A static program at a random address where the C library can; else at a fixed one.
  if links "$compiler" -fPIE -static-pie; then
    position="-fPIE -static-pie"
  elif links "$compiler" -static; then
    position="-static"
  else
    note "skipped for $arch: $compiler finds no static C library (Debian: libc6-dev, Fedora: glibc-static)"
    return 0
  fi
  protection=
  case $arch in
    x86_64) links "$compiler" -fcf-protection && protection=-fcf-protection ;;
    aarch64) links "$compiler" -mbranch-protection=standard && protection=-mbranch-protection=standard ;;
  esac
  # Everything that the bytes depend on.
  stamp="$("$compiler" --version | head -n 1) $flags $position $protection $link $version $(cat "$here"/*.[ch] | cksum)"
  if [ -x "$target" ] && [ "$(cat "$stamps/helper-$arch.stamp" 2>/dev/null || true)" = "$stamp" ]; then
    return 0
  fi
  mkdir -p "$output/linux-$arch"
  # shellcheck disable=SC2086 # The flags are words.
  (cd "$here" && "$compiler" $flags $position $protection "-DHELPER_VERSION=\"$version\"" ./*.c $link -o "$scratch/helper")
  mv "$scratch/helper" "$target"
  mkdir -p "$stamps"
  echo "$stamp" >"$stamps/helper-$arch.stamp"
  note "built for $arch with $compiler"
}

if [ "$(uname -s)" != Linux ]; then
  note "skipped: it is for Linux only, and this is $(uname -s)"
  exit 0
fi
compiler=${CC:-}
if [ -z "$compiler" ]; then
  compiler=$(command -v cc || command -v gcc || command -v clang || true)
fi
if [ -z "$compiler" ]; then
  note "skipped: no C compiler (install cc, gcc or clang); the overlay2 driver will not be available"
  exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

native=$(uname -m)
build "$compiler" "$native"
for arch in x86_64 aarch64; do
  cross=$arch-linux-gnu-gcc
  if [ "$arch" != "$native" ] && command -v "$cross" >/dev/null; then
    build "$cross" "$arch"
  fi
done
