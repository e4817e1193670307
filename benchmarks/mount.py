#!/usr/bin/env python3
"""Mounting and unmounting a layer with overlay2, against the system calls for the same overlay in a loop of a C program.

The loop makes the calls that the helper makes: fsopen, fsconfig for each option and lower layer, fsmount, move_mount, umount2; and, for
comparison, one mount(2) in place of the first four. What only the library does is to make and remove the mount point, to look at the
layers before it mounts them, and to get from the JVM to its helper and back, twice.
"""

import argparse

import measure
from measure import Figures, Scratch, WarmJvm, compile_java, in_turns, measured, require_tool, run

GOAL = "1.5"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="counted rounds; default %(default)s")
    parser.add_argument("--mounts", type=int, default=200, help="mounts in a round; default %(default)s")
    parser.add_argument("--warmup", type=int, default=2000, help="mounts before the first round; default %(default)s")
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 40, 120], help="numbers of layers below; default %(default)s")
    parser.add_argument("--heap", default="64m", help="-Xmx of the JVM; default %(default)s")
    parser.add_argument("--directory", default="/var/tmp", help="where the scratch file system is kept; default %(default)s")
    options = parser.parse_args()
    compiler = require_tool("cc")
    with Scratch(options.directory) as scratch:
        compile_java("WarmStore.java", scratch.path)
        run([compiler, "-O2", "-o", scratch.path / "mount_loop", measure.TOP / "benchmarks/mount_loop.c"])
        measure.print_machine()
        print(f"mount and unmount, in a warm JVM; {options.runs} rounds of {options.mounts} after {options.warmup}\n")
        with WarmJvm(scratch.path, options.heap) as jvm:
            for layers in options.layers:
                compare(scratch, jvm, layers, options)


def compare(scratch, jvm, layers, options):
    root = scratch.fresh(f"{layers}-layers")
    jvm.measured("open", root, "NONE")
    jvm.measured("layers", layers)
    jvm.measured("mounts", options.warmup)
    mount_id = (root / "image/overlay2/layerdb/mounts/work/mount-id").read_text()

    def ours():
        return each(jvm.measured("mounts", options.mounts))

    def raw(calls):
        command = [scratch.path / "mount_loop", root / "overlay2", mount_id, options.mounts, calls]
        whole, nanos = measured(command, with_output=True)
        return each(Figures(int(nanos) / 1e9, whole.cpu))

    def each(figures):
        return Figures(figures.wall / options.mounts, figures.cpu / options.mounts)

    name = f"layerstore, {layers} layers"
    peers = {f"the same calls, {layers} layers": "new", f"mount(2), {layers} layers": "classic"}
    figures = in_turns({name: ours, **{peer: lambda calls=calls: raw(calls) for peer, calls in peers.items()}}, options.runs, scratch.settle)
    jvm.measured("close")
    measure.print_table(figures)
    for peer in peers:
        measure.print_ratio(figures, name, peer, GOAL)
    print()


if __name__ == "__main__":
    measure.main(main)
