#!/usr/bin/env python3
"""Loading an image of 40 layers with overlay2: ImageStore.load, against `docker load` of the same archive.

The bottom layer is a Debian root file system, the other layers hold its files once more between them. `docker load` is the client and a
daemon that runs already, on an empty data root for each round. The daemon does not force the content of layers to the disk, and neither does the
library with Durability.METADATA; with Durability.FULL, its default, it does.
"""

import argparse
import hashlib
import io
import json
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import measure
from measure import CannotMeasure, Scratch, WarmJvm, class_path, compile_java, in_turns, java, measured, processor_time, require_tool

GOAL = "below 1"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rootfs", nargs="?", type=Path, default=Path("/var/cache/layerstore-ci/debian-bookworm-minbase.tar"),
                        help="a root file system, an uncompressed tar; default %(default)s, which the tests make")
    parser.add_argument("--layers", type=int, default=40, help="layers of the image; default %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each contender; default %(default)s")
    parser.add_argument("--heap", default="128m", help="-Xmx of the JVM; default %(default)s")
    parser.add_argument("--directory", default="/var/tmp", help="where the scratch file system is kept; default %(default)s")
    options = parser.parse_args()
    if not options.rootfs.exists():
        raise CannotMeasure(f"no {options.rootfs}; name a tar")
    require_tool("dockerd")
    require_tool("docker")
    with Scratch(options.directory) as scratch:
        compile_java("WarmStore.java", scratch.path)
        archive = scratch.path / "image.tar"
        files = write_image(archive, options.rootfs, options.layers)
        measure.print_machine(["dockerd", "--version"])
        print(f"{options.layers} layers, {files} files, {archive.stat().st_size >> 20} MiB; heap {options.heap}; "
              f"{options.runs} rounds after a warm-up\n")
        archive.read_bytes()  # From now on it is in the page cache.
        compare(scratch, archive, options)


def compare(scratch, archive, options):
    def docker():
        with Daemon(scratch.fresh("docker")) as daemon:
            return daemon.load(archive)

    def process(durability):
        lines = [f"open {scratch.fresh('process')} {durability}", f"load {archive}", "close"]
        return measured([java(), f"-Xmx{options.heap}", "-cp", f"{class_path()}:{scratch.path}", "WarmStore", *lines])

    with WarmJvm(scratch.path, options.heap) as jvm:
        def warm(durability):
            jvm.measured("open", scratch.fresh("warm"), durability)
            figures = jvm.measured("load", archive)
            jvm.measured("close")
            return figures

        for _ in range(2):
            warm("METADATA")
        figures = in_turns({
            "docker load": docker,
            "load, warm": lambda: warm("METADATA"),
            "load, process": lambda: process("METADATA"),
            "load synced, warm": lambda: warm("FULL"),
            "load synced, process": lambda: process("FULL"),
        }, options.runs, scratch.settle)
    measure.print_table(figures)
    for ours in list(figures)[1:]:
        measure.print_ratio(figures, ours, "docker load", GOAL)


# --- the image --------------------------------------------------------------------------------------------------------


def write_image(archive, rootfs, count):
    """Writes what `docker load` reads; gives the number of entries of all layers."""
    layers = [archive.with_name(f"layer-{i}.tar") for i in range(count)]
    layers[0].symlink_to(rootfs.resolve())
    entries = split(rootfs, layers[1:])
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": ["benchmark:1"], "Layers": [layer.name for layer in layers]}]).encode()
    with tarfile.open(archive, "w", dereference=True) as image:
        for name, content in [("config.json", config), ("manifest.json", manifest)]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            image.addfile(member, io.BytesIO(content))
        for layer in layers:
            image.add(layer, layer.name)
            layer.unlink()
    return entries


def split(rootfs, layers):
    """Deals the files of a tar out to layers, in a directory of its own in each."""
    entries = 0
    outputs = [tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) for layer in layers]
    with tarfile.open(rootfs) as source:
        for member in source:
            entries += 1
            if member.isreg() and layers:
                content = source.extractfile(member)
                member.name = f"layer-{entries % len(layers)}/{member.name}"
                outputs[entries % len(layers)].addfile(member, content)
                entries += 1
    for output in outputs:
        output.close()
    return entries


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
    return "sha256:" + sha256.hexdigest()


# --- the peer ---------------------------------------------------------------------------------------------------------


class Daemon:
    """A dockerd of the benchmark's own, without network, on a data root of its own."""

    def __init__(self, root):
        self._root, self._runtime = root, root.with_name(root.name + "-run")
        self._socket = f"unix://{self._runtime}/s"

    def __enter__(self):
        self._runtime.mkdir()
        self._log = open(self._runtime / "log", "w+")
        self._process = subprocess.Popen(
            [require_tool("dockerd"), f"--data-root={self._root}", f"--exec-root={self._runtime}/exec", f"--pidfile={self._runtime}/pid",
             f"--host={self._socket}", "--storage-driver=overlay2", "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"],
            stdout=self._log, stderr=subprocess.STDOUT)
        for _ in range(600):
            if self._docker("version").returncode == 0:
                return self
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        self.__exit__()
        raise CannotMeasure("dockerd does not start: " + (self._runtime / "log").read_text()[-1000:])

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._log.close()

    def load(self, archive):
        before = processor_time(self._process.pid)
        client = measured([require_tool("docker"), "--host", self._socket, "load", "--quiet", "--input", archive])
        return measure.Figures(client.wall, client.cpu + processor_time(self._process.pid) - before)

    def _docker(self, *words):
        return subprocess.run([require_tool("docker"), "--host", self._socket, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    measure.main(main)
