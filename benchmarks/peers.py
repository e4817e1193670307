"""Other programs that store layers, each with a state of its own below a directory."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from measure import CannotMeasure, Figures, find_tool, measured, mounts_below, processor_time, require_tool, run

VERSIONS = {"dockerd": ["--version"], "containerd": ["--version"], "containers-storage": [], "skopeo": ["--version"], "umoci": ["--version"],
            "tar": ["--version"], "openssl": ["version"]}


def installed():
    """What is there, with its version, and what is not."""
    found, missing = {}, []
    for name, words in VERSIONS.items():
        tool = find_tool(name)
        if tool is None:
            missing.append(name)
        else:
            # Without words, its version is not to be had: the name has to do.
            done = subprocess.run([tool, *words] if words else ["true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            found[name] = next(iter(done.stdout.strip().splitlines()), name)
    return found, missing


class Daemon:
    """A daemon of the benchmark's own."""

    def __init__(self, root, command):
        """`command` is given the directory for sockets and logs."""
        self.root = root
        # The path of a socket has 107 bytes at the most.
        self.runtime = Path(tempfile.mkdtemp(prefix="lsb."))
        self._log = open(self.runtime / "log", "w+")
        self._process = subprocess.Popen([str(word) for word in command(self.runtime)], stdout=self._log, stderr=subprocess.STDOUT)
        start = time.monotonic()
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() - start > 120:
                reason = (self.runtime / "log").read_text()[-600:]
                self.__exit__()
                raise CannotMeasure(f"{type(self).__name__} does not start: {reason}")
            time.sleep(0.02)
        self.startup = Figures(time.monotonic() - start, processor_time(self._process.pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        for point in mounts_below(self.runtime):
            run(["umount", "--lazy", point])
        shutil.rmtree(self.runtime, ignore_errors=True)

    def client(self, *words):
        raise NotImplementedError

    def answers(self):
        return subprocess.run([str(word) for word in self.client("version")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def measured(self, *words):
        """A command of its client, with the daemon's processor time."""
        before = processor_time(self._process.pid)
        client = measured(self.client(*words))
        return Figures(client.wall, client.cpu + processor_time(self._process.pid) - before)

    def run(self, *words):
        return run(self.client(*words))


class Docker(Daemon):
    """A dockerd without a network."""

    def __init__(self, root):
        super().__init__(root, lambda runtime: [
            require_tool("dockerd"), f"--data-root={root}", f"--exec-root={runtime}/exec", f"--pidfile={runtime}/pid", f"--host=unix://{runtime}/s",
            "--storage-driver=overlay2", "--bridge=none", "--iptables=false", "--ip-forward=false", "--ip-masq=false"])

    def client(self, *words):
        return [require_tool("docker"), "--host", f"unix://{self.runtime}/s", *words]

    def load(self, archive):
        """Loads an image that is not there yet; it is deleted before the next one comes."""
        if self.run("images", "--quiet").strip():
            self.run("rmi", "--force", *self.run("images", "--quiet").split())
        return self.measured("load", "--quiet", "--input", archive)

    def pull(self, reference):
        """Pulls an image that is not there yet."""
        if self.run("images", "--quiet").strip():
            self.run("rmi", "--force", *self.run("images", "--quiet").split())
        return self.measured("pull", "--quiet", reference)

    def largest_layer(self):
        return largest(self.root / "overlay2")


class Containerd(Daemon):

    def __init__(self, root):
        super().__init__(root, lambda runtime: [
            require_tool("containerd"), "--config", config(runtime), "--root", root, "--state", f"{runtime}/state", "--address", f"{runtime}/s"])

    def client(self, *words):
        return [require_tool("ctr"), "--address", f"{self.runtime}/s", *words]

    def load(self, archive):
        for name in self.run("images", "list", "--quiet").split():
            self.run("images", "remove", "--sync", name)
        return self.measured("images", "import", "--snapshotter", "overlayfs", archive)


def config(runtime):
    file = runtime / "config.toml"
    file.write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    return file


class Registry(Daemon):
    """A docker-registry, to be pulled from and pushed to."""

    def __init__(self, root):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

        def command(runtime):
            file = runtime / "config.yml"
            file.write_text("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
                            f"storage: {{filesystem: {{rootdirectory: {root}}}}}\nhttp: {{addr: '{self.address}'}}\n")
            return [require_tool("docker-registry"), "serve", file]
        super().__init__(root, command)

    def client(self, *words):
        return [require_tool("curl"), "--silent", "--fail", f"http://{self.address}/v2/"]

    def fetched(self, repository, directory):
        """The blobs of an image, three at a time, by curl into files."""
        accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
        url = f"http://{self.address}/v2/{repository}"
        manifest = json.loads(run([require_tool("curl"), "--silent", "--fail", "--header", accept, f"{url}/manifests/1"]))
        names = [layer["digest"] for layer in manifest["layers"]]
        words = [word for name in names for word in ("--output", directory / name[-64:], f"{url}/blobs/{name}")]
        return measured([require_tool("curl"), "--silent", "--fail", "--create-dirs", "--parallel", "--parallel-max", "3", *words])


class ContainersStorage:
    """What podman, buildah and skopeo store with; no daemon, so that each operation is a process."""

    def __init__(self, root):
        self.root = root
        self._run = root.with_name(root.name + "-run")
        require_tool("containers-storage")

    def command(self, *words):
        return [require_tool("containers-storage"), "--graph", self.root, "--run", self._run, "--storage-driver", "overlay", *words]

    def add(self, archive, parent=None):
        """Adds a layer; gives the figures and the layer."""
        words = ["import-layer", "--file", archive, *([parent] if parent else [])]
        figures, out = measured(self.command(*words), with_output=True)
        return figures, out.split()[0]

    def copied(self, image):
        """An image that skopeo copies into it."""
        return measured(self.copy(image))

    def copy(self, image):
        return [require_tool("skopeo"), "--insecure-policy", "copy", "--quiet", f"docker-archive:{image}", self.name()]

    def pulled(self, reference):
        return measured([require_tool("skopeo"), "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", f"docker://{reference}", self.name()])

    def saved(self, file):
        return measured([require_tool("skopeo"), "--insecure-policy", "copy", "--quiet", self.name(), f"docker-archive:{file}:benchmark:1"])

    def name(self):
        return f"containers-storage:[overlay@{self.root}+{self._run}]docker.io/library/benchmark:1"

    def largest_layer(self):
        return largest(self.root / "overlay")


def largest(home):
    """The content of the driver's layer with the most entries in its root; a layer's root has all of a root file system's."""
    contents = [layer / "diff" for layer in Path(home).iterdir() if (layer / "diff").is_dir() and not layer.name.endswith("-init")]
    return max(contents, key=lambda content: len(os.listdir(content)))


def umoci_unpacked(layout, target):
    return measured([require_tool("umoci"), "raw", "unpack", "--image", f"{layout}:1", target])
