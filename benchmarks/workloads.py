"""What is measured with: archives of layers and images, made from nothing but a root file system of Debian."""

import hashlib
import io
import json
import os
import random
import subprocess
import tarfile
from pathlib import Path

from measure import require_tool, run

CACHED_ROOT = Path("/var/cache/layerstore-ci/debian-bookworm-minbase.tar")


class Workloads:
    """Makes each archive when it is first asked for, in a directory, and keeps it there."""

    def __init__(self, directory, debian=None, scale=1.0):
        self._directory, self._debian, self.scale = directory, debian, scale
        directory.mkdir(exist_ok=True)

    def count(self, number):
        """A number of files or layers, as small as the scale says."""
        return max(2, round(number * self.scale))

    def _made(self, name, make):
        path = self._directory / name
        if not path.exists():
            new = path.with_name(path.name + ".new")
            make(new)
            new.rename(path)
        return path

    # --- layers ---

    def debian(self):
        """A root file system of Debian: the archive that was named, else the one that the tests keep, else one that debootstrap makes."""
        if self._debian or CACHED_ROOT.exists():
            path = self._debian or CACHED_ROOT
            if self.scale >= 1:
                return path
            return self._made("debian-part.tar", lambda file: self._part(path, file))

        def make(file):
            root = self._directory / "debian"
            run([require_tool("debootstrap"), "--variant=minbase", "bookworm", root])
            run(["tar", "-C", root, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-cf", file, "."])
        return self._made("debian.tar", make)

    def _part(self, path, file):
        """Its first entries, for trying a benchmark out."""
        with tarfile.open(path) as source, tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as part:
            names = set()
            for member in source:
                if len(names) >= self.count(6000):
                    break
                if not member.islnk() or member.linkname in names:
                    names.add(member.name)
                    part.addfile(member, source.extractfile(member) if member.isreg() else None)

    def debian_gzip(self):
        return self._made("debian.tar.gz", lambda file: run(["sh", "-c", f"gzip -6 <'{self.debian()}' >'{file}'"]))

    def debian_times(self, times):
        """So many copies of the root file system in one layer, each in a directory of its own."""
        def make(file):
            with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as target:
                for i in range(times):
                    with tarfile.open(self.debian()) as source:
                        for member in source:
                            member.name = f"copy-{i}/{member.name}"
                            if member.islnk():
                                member.linkname = f"copy-{i}/{member.linkname}"
                            target.addfile(member, source.extractfile(member) if member.isreg() else None)
        return self.debian() if times == 1 else self._made(f"debian-{times}.tar", make)

    def small_files(self, count):
        """So many files of up to 4 KB, a hundred in each directory."""
        def make(file):
            chance = random.Random(1)
            content = chance.randbytes(1 << 16)
            with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as target:
                for i in range(count):
                    if i % 100 == 0:
                        target.addfile(directory(f"d{i // 100}"))
                    member = tarfile.TarInfo(f"d{i // 100}/file-{i}")
                    member.size, member.mtime = chance.randrange(100, 4000), 1_700_000_000
                    target.addfile(member, io.BytesIO(content[i % 1000:i % 1000 + member.size]))
        return self._made(f"small-{count}.tar", make)

    def large_files(self):
        """8 files of 100 MB that cannot be compressed."""
        size = self.count(100_000_000)

        def make(file):
            with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as target:
                for i in range(8):
                    member = tarfile.TarInfo(f"large-{i}")
                    member.size, member.mtime = size, 1_700_000_000
                    target.addfile(member, io.BytesIO(os.urandom(size)))
        return self._made("large.tar", make)

    def thin_layers(self, count, seed=0):
        """A directory of so many archives with three small files each."""
        def make(path):
            path.mkdir()
            for i in range(count):
                with tarfile.open(path / f"{i:05}.tar", "w", format=tarfile.USTAR_FORMAT) as target:
                    target.addfile(directory(f"d{i}"))
                    for j in range(3):
                        member = tarfile.TarInfo(f"d{i}/{seed}-{j}")
                        member.size, member.mtime = 100, 1_700_000_000
                        target.addfile(member, io.BytesIO(bytes([j]) * 100))
        return self._made(f"thin-{count}-{seed}", make)

    # --- images ---

    def one_layer_image(self, archive):
        """An image of one layer."""
        return self._image(f"image-of-{archive.name}", lambda directory: [archive])

    def thin_image(self, count):
        """An image of the thin layers."""
        return self._image(f"image-thin-{count}.tar", lambda directory: sorted(self.thin_layers(count).iterdir()))

    def debian_image(self, count=10):
        """An image of so many layers: a Debian root file system, and its files once more dealt out to the other layers."""
        def layers(directory):
            layers = [directory / f"part-{i}.tar" for i in range(count - 1)]
            outputs = [tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) for layer in layers]
            with tarfile.open(self.debian()) as source:
                for i, member in enumerate(source):
                    if member.isreg():
                        member.name = f"part-{i % len(outputs)}/{member.name}"
                        outputs[i % len(outputs)].addfile(member, source.extractfile(member))
            for output in outputs:
                output.close()
            return [self.debian(), *layers]
        return self._image(f"image-debian-{count}.tar", layers)

    def _image(self, name, layers):
        def make(file):
            directory = file.with_name(file.name + ".layers")
            directory.mkdir(exist_ok=True)
            write_docker_archive(file, layers(directory), ["benchmark:1"])
        return self._made(name, make)

    def oci(self, image):
        """The image of a docker archive as an OCI layout, with layers that are not compressed."""
        def make(path):
            with tarfile.open(image) as source:
                manifest = json.load(source.extractfile("manifest.json"))[0]
                blobs = path / "blobs/sha256"
                blobs.mkdir(parents=True)
                config = blob(blobs, source.extractfile(manifest["Config"]), "application/vnd.oci.image.config.v1+json")
                layers = [blob(blobs, source.extractfile(layer), "application/vnd.oci.image.layer.v1.tar") for layer in manifest["Layers"]]
            text = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers})
            whole = blob(blobs, io.BytesIO(text.encode()), "application/vnd.oci.image.manifest.v1+json")
            whole["annotations"] = {"org.opencontainers.image.ref.name": "1", "io.containerd.image.name": "docker.io/library/benchmark:1"}
            (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
            (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [whole]}))
        return self._made(image.name + ".oci", make)

    def oci_archive(self, image):
        return self._made(image.name + ".oci.tar", lambda file: run(["tar", "-C", self.oci(image), "-cf", file, "."]))

    def many_images(self, images, layers, sharing=10):
        """Docker archives that together have so many images of so many layers; always ten images share their layers."""
        archives = []
        for i in range(max(1, images // sharing)):
            def make(file, i=i):
                thin = sorted(self.thin_layers(layers, i + 1).iterdir())
                write_docker_archive(file, thin, [f"many-{i}:{j}" for j in range(sharing)])
            archives.append(self._made(f"many-{layers}-{sharing}-{i}.tar", make))
        return archives


def directory(name):
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, 1_700_000_000
    return member


def write_docker_archive(file, layers, references):
    """Writes what `docker load` reads: images that have the same layers and differ in their configurations."""
    diff_ids = [digest(layer) for layer in layers]
    names = [f"layer-{i}.tar" for i in range(len(layers))]
    manifest = []
    with tarfile.open(file, "w", dereference=True) as image:
        def add(name, content):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            image.addfile(member, io.BytesIO(content))
        for i, reference in enumerate(references):
            add(f"config-{i}.json", json.dumps({
                "architecture": "amd64", "os": "linux", "created": f"2026-01-01T00:00:{i:02}Z", "config": {"Labels": {"name": reference}},
                "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode())
            manifest.append({"Config": f"config-{i}.json", "RepoTags": [reference], "Layers": names})
        add("manifest.json", json.dumps(manifest).encode())
        for layer, name in zip(layers, names):
            image.add(layer, name)


def blob(blobs, content, media_type):
    data = content.read()
    name = hashlib.sha256(data).hexdigest()
    (blobs / name).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}


def digest(path):
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
    return "sha256:" + sha256.hexdigest()


def tree_digest(root):
    """One digest for all that a layer holds: names, kinds, modes, owners, times, links and contents; of all but the root itself."""
    sha256 = hashlib.sha256()
    links = {}
    root = os.fsencode(root)
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted(names + files):
            path = os.path.join(directory, name)
            status = os.lstat(path)
            relative = path[len(root):]
            first = links.setdefault(status.st_ino, relative) if status.st_nlink > 1 and not name in names else b""
            sha256.update(b"%s %o %d %d %d %d %s\n" % (relative, status.st_mode, status.st_uid, status.st_gid, status.st_rdev,
                                                       int(status.st_mtime), first))
            if os.path.islink(path):
                sha256.update(os.readlink(path))
            elif name in files and os.path.isfile(path):
                with open(path, "rb") as file:
                    sha256.update(hashlib.file_digest(file, "sha256").digest() if hasattr(hashlib, "file_digest") else file.read())
    return sha256.hexdigest()


def bytes_digest(command):
    """The digest of what a command writes."""
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE) as process:
        sha256 = hashlib.sha256()
        while block := process.stdout.read(1 << 20):
            sha256.update(block)
    return "sha256:" + sha256.hexdigest()
