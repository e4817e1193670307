#!/bin/sh
# Fuzzes the helper's parsers and conversations with libFuzzer and sanitizers, for a bounded time:
#   run.sh [SECONDS]      for each target, 60 if not said
# Needs clang and its run-time libraries (Debian: clang, libclang-rt-14-dev). Begins with the inputs in corpus/, keeps what it finds new in a directory
# for this run, and fails with the input that broke something. To keep new inputs, merge that directory: TARGET -merge=1 corpus/TARGET DIRECTORY.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sources=$here/../main/c
seconds=${1:-60}
work=${FUZZ_WORK:-$(mktemp -d)}
chmod 755 "$work"

flags="-std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I$sources -I$here"
apply="apply.c calls.c confine.c files.c process.c times.c tree.c walk.c wire.c xattr_policy.c"
scan="scan.c seen.c calls.c confine.c process.c tree.c walk.c wire.c xattr_policy.c"
decode="apply.c calls.c confine.c files.c held.c mountinfo.c overlay.c times.c tree.c walk.c wire.c xattr_policy.c"

build() {
  target=$1
  extra=$2
  files=
  shift 2
  for file in "$@"; do
    files="$files $sources/$file"
  done
  # shellcheck disable=SC2086 # These are words.
  clang $flags "$here/fuzz_$target.c" $extra $files -o "$work/fuzz_$target"
}

# Leaks are not looked for: a failure ends the helper, here it jumps over what would free.
fuzz() {
  target=$1
  mkdir -p "$work/new_$target" "$work/found_$target"
  chmod 777 "$work/new_$target" "$work/found_$target"
  echo "fuzzing $target for $seconds s"
  (cd "$work" && ASAN_OPTIONS=detect_leaks=0 "./fuzz_$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/found_$target/" "$work/new_$target" "$here/corpus/$target") >"$work/$target.log" 2>&1 || {
    tail -n 60 "$work/$target.log"
    echo "fuzzing $target failed; the input is in $work/found_$target" >&2
    exit 1
  }
  grep -E "stat::number_of_executed_units|DONE" "$work/$target.log" || true
}

# shellcheck disable=SC2086 # These are words.
{
  build apply "$here/sandbox.c" $apply
  build scan "$here/sandbox.c" $scan
  build decode "" $decode
}
for target in apply scan decode; do
  fuzz "$target"
done
[ -n "${FUZZ_WORK:-}" ] || rm -rf "$work"
