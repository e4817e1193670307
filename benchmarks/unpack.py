#!/usr/bin/env python3
"""Unpacking a Debian root file system: LayerStore.register with overlay2, against `tar -x` plus the digest.

The peer unpacks the same tar with GNU tar and computes the SHA-256 of the same bytes; register does that too, and writes the
tar-split that the archive can be made from again. The digest is that of openssl where it is installed, which uses the processor's instructions
for it; sha256sum of coreutils does not and is several times slower.
"""

import argparse
import shutil
from pathlib import Path

import measure
from measure import CannotMeasure, Scratch, WarmJvm, class_path, compile_java, in_turns, java, measured

GOAL = "1.3"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="?", type=Path, default=Path("/var/cache/layerstore-ci/debian-bookworm-minbase.tar"),
                        help="an uncompressed layer archive; default %(default)s, which the tests make")
    parser.add_argument("--runs", type=int, default=7, help="counted runs of each contender; default %(default)s")
    parser.add_argument("--heap", default="64m", help="-Xmx of the JVM; default %(default)s")
    parser.add_argument("--directory", default="/var/tmp", help="where the scratch file system is kept; default %(default)s")
    options = parser.parse_args()
    if not options.archive.exists():
        raise CannotMeasure(f"no {options.archive}; name an archive")
    with Scratch(options.directory) as scratch:
        compile_java("WarmStore.java", scratch.path)
        measure.print_machine(["tar", "--version"], *digest_version())
        print(f"{options.archive.name}: {options.archive.stat().st_size >> 20} MiB; heap {options.heap}; "
              f"{options.runs} rounds after a warm-up\n")
        options.archive.read_bytes()  # From now on it is in the page cache.
        compare(scratch, options)


def compare(scratch, options):
    archive, heap = options.archive, options.heap

    def tar(then=""):
        directory = scratch.fresh("tar")
        directory.mkdir()
        return measured(["sh", "-c", f'tar -C "$1" -xf "$2" {then} && {digest()} <"$2"', "sh", directory, archive])

    def both_at_once():
        directory = scratch.fresh("tee")
        directory.mkdir()
        return measured(["bash", "-c", f'set -o pipefail; tee <"$2" >({digest()}) | tar -C "$1" -xf -', "bash", directory, archive])

    def process(durability):
        lines = [f"open {scratch.fresh('process')} {durability}", f"register {archive}", "close"]
        return measured([java(), f"-Xmx{heap}", "-cp", f"{class_path()}:{scratch.path}", "WarmStore", *lines])

    with WarmJvm(scratch.path, heap) as jvm:
        def warm(durability):
            jvm.measured("open", scratch.fresh("warm"), durability)
            figures = jvm.measured("register", archive)
            jvm.measured("close")
            return figures

        for _ in range(5):
            warm("NONE")
        figures = in_turns({
            "tar -x, digest": tar,
            "tar -x | digest": both_at_once,
            "register, warm": lambda: warm("NONE"),
            "register, process": lambda: process("NONE"),
            "tar -x, sync -f, digest": lambda: tar('&& sync -f "$1"'),
            "register synced, warm": lambda: warm("FULL"),
            "register synced, process": lambda: process("FULL"),
        }, options.runs, scratch.settle)
    measure.print_table(figures)
    for ours, theirs in [("register, warm", "tar -x, digest"), ("register, process", "tar -x, digest"),
                         ("register synced, warm", "tar -x, sync -f, digest"), ("register synced, process", "tar -x, sync -f, digest"),
                         ("register, warm", "tar -x | digest")]:
        measure.print_ratio(figures, ours, theirs, GOAL)


def digest():
    return "openssl dgst -sha256" if shutil.which("openssl") else "sha256sum"


def digest_version():
    return [["openssl", "version"]] if shutil.which("openssl") else [["sha256sum", "--version"]]


if __name__ == "__main__":
    measure.main(main)
