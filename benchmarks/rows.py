"""What is measured: a function for each row of the table, which gives the tables that it has made.

A function with `@row` is given the bench and a file system of its own. Its contenders are a dict: the floor first, then ours, whose names begin
with "layerstore", then the peers that are installed.
"""

import json
import shlex
import subprocess
from contextlib import ExitStack

import report
from measure import CannotMeasure, Figures, empty_caches, find_tool, measured, measured_together, require_tool, run
from peers import Containerd, ContainersStorage, Docker, Registry, largest, umoci_unpacked
from workloads import bytes_digest, digest, tree_digest

ROWS = {}


def row(what):
    def add(function):
        ROWS[function.__name__.replace("_", "-")] = (what, function)
        return function
    return add


def compare(bench, fs, title, contenders, goal="", check=None):
    """Runs contenders in turns and makes the table; `check` then says what of the results is equal, or raises."""
    figures, reasons = bench.in_turns(contenders, fs)
    return report.Table(title, figures, reasons, goal, check() if check else "")


def same(what, found):
    """Says that all of these are equal; a dict of name to digest."""
    if len(set(found.values())) > 1:
        raise AssertionError(f"{what} differ: {found}")
    return f"Equal: {what} of {', '.join(found)}."


# --- parts of rows ----------------------------------------------------------------------------------------------------


def extracted(fs, archive, *then):
    """GNU tar into a new directory; gives the figures and the directory."""
    directory = fs.fresh("tar")
    directory.mkdir()
    command = f'tar -C "$1" -xf "$2" {" ".join(then)}'
    return measured(["sh", "-c", command, "sh", directory, archive]), directory


class Ours:
    """Our store, opened anew for each run in the JVM that stays warm, on a root of its own."""

    def __init__(self, bench, fs, driver="overlay2", durability="NONE"):
        self._bench, self._fs, self._driver, self._durability = bench, fs, driver, durability
        self.root = None  # Of the last run.

    def run(self, *line, before=(), after=()):
        """Opens, carries out what comes before, measures one line, and closes."""
        jvm = self._bench.jvm()
        self.root = self._fs.fresh(self._driver)
        jvm.measured("open", self.root, self._driver, self._durability)
        try:
            for words in before:
                jvm.measured(*words)
            self._fs.settle()
            figures = jvm.measured(*line)
            for words in after:
                jvm.measured(*words)
        finally:
            jvm.measured("close")
        return figures

    def process(self, *lines):
        """The same as a whole process, JVM start included."""
        self.root = self._fs.fresh("process")
        return self._bench.process(f"open {self.root} {self._driver} {self._durability}", *(" ".join(map(str, line)) for line in lines), "close")


class Held:
    """A store of ours that stays open for a row, in a JVM of its own as the row's rounds go on."""

    def __init__(self, bench, fs, *before, driver="overlay2", durability="NONE", root=None):
        self.jvm, self.root = bench.jvm(), root or fs.fresh("held")
        self._before, self._open = before, ("open", self.root, driver, durability)

    def __enter__(self):
        self.jvm.measured(*self._open)
        for words in self._before:
            self.jvm.measured(*words)
        return self

    def __exit__(self, *_):
        self.jvm.measured("close")

    def each(self, count, *line):
        return self.jvm.measured(*line).each(count)


def unpacking(bench, fs, title, archive, goal, variants, with_peers=True):
    """The table of a row that adds one layer."""
    last = {}
    contenders = {}

    def tar(then=()):
        figures, last["tar"] = extracted(fs, archive, *then)
        return figures

    def ours(name, driver, durability):
        def run_it():
            store = Ours(bench, fs, driver, durability)
            figures = store.run("register", archive)
            # On a disk vfs makes no devices: what it could not make is in its records. The rows that export compare its bytes.
            if driver != "vfs":
                last[name] = largest(store.root / "overlay2")
            return figures
        contenders[f"layerstore {name}"] = run_it

    contenders["tar -x"] = tar
    contenders["tar -x, sync -f"] = lambda: tar(["&& sync -f $1"])
    for name in variants:
        if name.endswith("process"):
            contenders[f"layerstore {name}"] = lambda: Ours(bench, fs).process(("register", archive))
        else:
            ours(name, *name.split(" "))
    with ExitStack() as stack:
        if with_peers:
            one_layer_peers(bench, fs, stack, archive, contenders, last)
        return compare(bench, fs, title, contenders, goal,
                       lambda: same("trees", {name: tree_digest(path) for name, path in last.items()}))


def one_layer_peers(bench, fs, stack, archive, contenders, last):
    image = bench.workloads.one_layer_image(archive)
    if find_tool("containers-storage"):
        def add():
            storage = ContainersStorage(fs.fresh("containers"))
            figures, _ = storage.add(archive)
            last["containers-storage"] = storage.largest_layer()
            return figures
        contenders["containers-storage"] = add
    if find_tool("dockerd"):
        docker = stack.enter_context(Docker(fs.fresh("docker")))

        def load_it():
            figures = docker.load(image)
            last["dockerd"] = docker.largest_layer()
            return figures
        contenders["dockerd"] = load_it
    if find_tool("umoci"):
        def unpack():
            last["umoci"] = fs.fresh("umoci")
            return umoci_unpacked(bench.workloads.oci(image), last["umoci"])
        contenders["umoci"] = unpack


# --- adding layers ----------------------------------------------------------------------------------------------------

ALL = ["overlay2 NONE", "overlay2 FULL", "vfs NONE", "vfs FULL"]


@row("a Debian root file system is registered")
def register_debian(bench, fs):
    goal = "overlay2 0.8 and vfs 1.5 of tar; vfs FULL 2"
    yield unpacking(bench, fs, "register Debian", bench.workloads.debian(), goal, [*ALL, "overlay2 process"])


@row("the same with an empty page cache")
def register_cold(bench, fs):
    archive = bench.workloads.debian()

    def cold(contender):
        def run_it():
            empty_caches()
            return contender()
        return run_it

    yield compare(bench, fs, "register Debian, cache cold", {
        "tar -x": cold(lambda: extracted(fs, archive)[0]),
        "layerstore overlay2 NONE": cold(lambda: Ours(bench, fs).run("register", archive)),
        "layerstore overlay2 process": cold(lambda: Ours(bench, fs).process(("register", archive)))})


@row("the same from gzip")
def register_gzip(bench, fs):
    archive = bench.workloads.debian_gzip()
    contenders = {"tar -xz": lambda: extracted(fs, archive)[0],
                  "layerstore overlay2 NONE": lambda: Ours(bench, fs).run("register", archive)}
    if find_tool("containers-storage"):
        contenders["containers-storage"] = lambda: ContainersStorage(fs.fresh("containers")).add(archive)[0]
    yield compare(bench, fs, "register Debian from gzip", contenders, "0.55")


@row("60,000 small files are registered")
def register_small(bench, fs):
    archive = bench.workloads.small_files(bench.workloads.count(60_000))
    yield unpacking(bench, fs, "register 60,000 files", archive, "0.7", ["overlay2 NONE", "overlay2 FULL"])


@row("8 files of 100 MB are registered")
def register_large(bench, fs):
    yield unpacking(bench, fs, "register 8 x 100 MB", bench.workloads.large_files(), "1.1", ["overlay2 NONE", "overlay2 FULL"], with_peers=bench.runs < 4)


@row("100 thin layers are registered, each on the one before")
def thin_layers(bench, fs):
    count = bench.workloads.count(100)
    yield thin_table(bench, fs, f"{count} thin layers", count, with_peers=True)


def thin_table(bench, fs, title, count, with_peers):
    archives, image = bench.workloads.thin_layers(count), bench.workloads.thin_image(count)

    def tar():
        directory = fs.fresh("tar")
        directory.mkdir()
        return measured(["sh", "-c", 'for a in "$2"/*; do mkdir "$1/${a##*/}" && tar -C "$1/${a##*/}" -xf "$a"; done', "sh", directory, archives])

    def ours(driver, durability):
        return lambda: Ours(bench, fs, driver, durability).run("stack", archives)

    contenders = {"tar -x of each": tar, "layerstore overlay2 NONE": ours("overlay2", "NONE"), "layerstore overlay2 FULL": ours("overlay2", "FULL")}
    with ExitStack() as stack:
        if with_peers:
            contenders["layerstore vfs NONE"] = ours("vfs", "NONE")
            image_peers(bench, fs, stack, image, contenders)
        return compare(bench, fs, title, contenders, "NONE 1.3, FULL 2.0")


def image_peers(bench, fs, stack, image, contenders):
    if find_tool("dockerd"):
        docker = stack.enter_context(Docker(fs.fresh("docker")))
        contenders["dockerd"] = lambda: docker.load(image)
    if find_tool("containerd") and find_tool("ctr"):
        containerd = stack.enter_context(Containerd(fs.fresh("containerd")))
        contenders["containerd"] = lambda: containerd.load(bench.workloads.oci_archive(image))
    if find_tool("skopeo") and find_tool("containers-storage"):
        contenders["skopeo"] = lambda: ContainersStorage(fs.fresh("containers")).copied(image)
    if find_tool("umoci"):
        contenders["umoci"] = lambda: umoci_unpacked(bench.workloads.oci(image), fs.fresh("umoci"))


@row("FULL beside a neighbour that writes 1 GB to the same file system")
def neighbour(bench, fs):
    archive, size = bench.workloads.debian(), bench.workloads.count(1000)  # MiB

    def beside(durability):
        def run_it():
            file = fs.fresh("neighbour")
            with subprocess.Popen(["dd", "if=/dev/zero", f"of={file}", "bs=1M", f"count={size}", "status=none"]):
                return Ours(bench, fs, "overlay2", durability).run("register", archive)
        return run_it

    yield compare(bench, fs, "register Debian beside a neighbour who writes 1 GB", {
        "layerstore overlay2 NONE": beside("NONE"), "layerstore overlay2 FULL": beside("FULL"),
        "layerstore overlay2 NONE, alone": lambda: Ours(bench, fs).run("register", archive)}, "FULL 1.3 of NONE")


@row("20,000 entries on Jimfs in a new JVM")
def jimfs(bench, fs):
    archive = bench.workloads.small_files(bench.workloads.count(20_000))
    jars = bench.jimfs()

    def ours():
        return bench.process("open jimfs vfs NONE", f"register {archive}", "close", extra=jars, heap="512m")
    yield compare(bench, fs, f"vfs on Jimfs, {bench.workloads.count(20_000)} entries, whole process", {
        "tar -x": lambda: extracted(fs, archive)[0], "layerstore vfs": ours}, "25,000 entries/s")


# --- images -----------------------------------------------------------------------------------------------------------


@row("an image of 10 layers is loaded")
def load(bench, fs):
    image = bench.workloads.debian_image()
    layers = fs.fresh("layers")
    layers.mkdir()
    run(["tar", "-C", layers, "-xf", image])

    def tar():
        directory = fs.fresh("tar")
        directory.mkdir()
        return measured(["sh", "-c", 'for a in "$2"/*.tar; do mkdir "$1/${a##*/}" && tar -C "$1/${a##*/}" -xf "$a"; done', "sh", directory, layers])

    contenders = {"tar -x of each": tar}
    for durability in ["NONE", "FULL"]:
        contenders[f"layerstore overlay2 {durability}"] = lambda d=durability: Ours(bench, fs, "overlay2", d).run("load", image)
    contenders["layerstore overlay2 process"] = lambda: Ours(bench, fs).process(("load", image))
    contenders["layerstore vfs NONE"] = lambda: Ours(bench, fs, "vfs").run("load", image)
    with ExitStack() as stack:
        image_peers(bench, fs, stack, image, contenders)
        yield compare(bench, fs, "load the 10-layer image", contenders, "NONE 0.6, FULL 0.75")


@row("an image of 10 layers is saved")
def save(bench, fs):
    image = bench.workloads.debian_image()
    file = fs.path / "saved.tar"
    with ExitStack() as stack:
        store = stack.enter_context(Held(bench, fs, ("load", image)))
        process_root = fs.fresh("process")
        bench.process(f"open {process_root} overlay2 NONE", f"load {image}", "close")
        contenders = {"tar -c of each": lambda: measured(
            ["sh", "-c", 'for d in "$1"/overlay2/*/diff; do tar -C "$d" -cf - . | cat >>"$2"; done; rm "$2"', "sh", store.root, fs.path / "tars"])}
        contenders["layerstore overlay2"] = lambda: store.jvm.measured("save", "benchmark:1", fs.fresh("saved.tar"))
        contenders["layerstore process"] = lambda: bench.process(f"open {process_root} overlay2 NONE", f"save benchmark:1 {fs.fresh('saved.tar')}", "close")
        if find_tool("dockerd"):
            docker = stack.enter_context(Docker(fs.fresh("docker")))
            docker.load(image)
            contenders["dockerd"] = lambda: docker.measured("save", "--output", fs.fresh("saved.tar"), "benchmark:1")
        if find_tool("skopeo") and find_tool("containers-storage"):
            storage = ContainersStorage(fs.fresh("containers"))
            storage.copied(image)
            contenders["skopeo"] = lambda: storage.saved(fs.fresh("saved.tar"))

        def check():
            store.jvm.measured("save", "benchmark:1", file)
            names = subprocess.run(["sh", "-c", f"tar -xOf {file} manifest.json"], stdout=subprocess.PIPE, text=True, check=True).stdout
            ours = [bytes_digest(["tar", "-xOf", file, layer]) for layer in json.loads(names)[0]["Layers"]]
            config = json.loads(subprocess.run(["tar", "-xOf", image, "config-0.json"], stdout=subprocess.PIPE, text=True, check=True).stdout)
            return same("layers", {"saved": str(ours), "loaded": str(config["rootfs"]["diff_ids"])})
        yield compare(bench, fs, "save the 10-layer image", contenders, "0.6 of docker save", check)


@row("an image of 10 layers as a file system: opened, walked through, searched, read")
def files(bench, fs):
    image = bench.workloads.debian_image()
    tree, layers = fs.fresh("tree"), fs.fresh("layers")
    for directory in (tree, layers):
        directory.mkdir()
    run(["tar", "-C", layers, "-xf", image])
    for layer in sorted(layers.glob("*.tar")):
        run(["tar", "-C", tree, "-xf", layer])
    entries = sum(1 for _ in tree.rglob("*"))
    times = 10
    with Held(bench, fs, ("load", image)) as store:
        headers = f"{store.root}/image/overlay2/layerdb/sha256/*/tar-split.json.gz"
        yield compare(bench, fs, "open the 10-layer image as a file system", {
            "gzip -dc of the headers": lambda: measured(["sh", "-c", f"cat {headers} | gzip -dc >/dev/null"]),
            "layerstore overlay2": lambda: store.each(times, "view", times)}, "0.15 s")
        yield compare(bench, fs, f"walk through {entries:,} entries with attributes", {
            "find": lambda: measured(["sh", "-c", f"find {tree} -printf '%m %U %G %s %T@' >/dev/null"]), "layerstore overlay2": lambda: store.each(10 * times, "walk", 10 * times)},
            f"{entries / 500_000:.3f} s")
        yield compare(bench, fs, "read all files", {
            "tar -c": lambda: measured(["sh", "-c", 'tar -C "$1" -cf - . | cat >/dev/null', "sh", tree]),
            "layerstore overlay2": lambda: store.jvm.measured("read", "true"),
            "layerstore overlay2, not verified": lambda: store.jvm.measured("read", "false")}, "2.0")
        with ExitStack() as stack:
            contenders = {"find": lambda: measured(["sh", "-c", f"find {tree} -name '*.so' >/dev/null"]),
                          "layerstore overlay2": lambda: store.jvm.measured("search", ".so")}
            if find_tool("dockerd"):
                docker = stack.enter_context(Docker(fs.fresh("docker")))
                docker.load(image)
                words = docker.client("save", "benchmark:1")
                contenders["docker save | tar -t"] = lambda: measured(["sh", "-c", '"$@" | tar -t >/dev/null', "sh", *words])
            yield compare(bench, fs, "find every file of one kind", contenders, "0.2 of docker save")


# --- reading layers back ----------------------------------------------------------------------------------------------


def exporting(bench, fs, title, archive, goal, drivers=("overlay2",)):
    with ExitStack() as stack:
        tree = fs.fresh("tree")
        tree.mkdir()
        run(["tar", "-C", tree, "-xf", archive])
        contenders = {"tar -c": lambda: measured(["sh", "-c", 'tar -C "$1" -cf - . | cat >/dev/null', "sh", tree])}
        check = {"registered": digest(archive)}
        jvm = bench.jvm()
        for driver in drivers:
            root = fs.fresh(driver)
            for line in [("open", root, driver, "NONE"), ("register", archive), ("export", fs.path / "exported"), ("close",)]:
                jvm.measured(*line)
            check[driver] = digest(fs.path / "exported")

            def export(driver=driver, root=root):
                jvm.measured("open", root, driver, "NONE")
                try:
                    # The layer that the JVM means is the last one it has registered: the same in all of these roots.
                    return jvm.measured("export", "/dev/null")
                finally:
                    jvm.measured("close")
            contenders[f"layerstore {driver}"] = export
        if find_tool("containers-storage"):
            storage = ContainersStorage(fs.fresh("containers"))
            layer = storage.add(archive)[1]
            words = storage.command("diff", "--uncompressed", layer)
            check["containers-storage"] = bytes_digest(words)
            contenders["containers-storage"] = lambda: measured(["sh", "-c", '"$@" | cat >/dev/null', "sh", *words])
        if find_tool("dockerd"):
            docker = stack.enter_context(Docker(fs.fresh("docker")))
            docker.load(bench.workloads.one_layer_image(archive))
            words = docker.client("save", "benchmark:1")
            contenders["dockerd"] = lambda: measured(["sh", "-c", '"$@" | cat >/dev/null', "sh", *words])
        return compare(bench, fs, title, contenders, goal, lambda: same("archives", check))


@row("the Debian layer is exported")
def export_debian(bench, fs):
    yield exporting(bench, fs, "export Debian", bench.workloads.debian(), "1.3", ("overlay2", "vfs"))


@row("60,000 small files are exported")
def export_small(bench, fs):
    yield exporting(bench, fs, "export 60,000 files", bench.workloads.small_files(bench.workloads.count(60_000)), "1.5")


@row("8 files of 100 MB are exported")
def export_large(bench, fs):
    yield exporting(bench, fs, "export 8 x 100 MB", bench.workloads.large_files(), "1.2")


# --- many layers and images -------------------------------------------------------------------------------------------


@row("a store of 20,000 layers and 2,000 images of 100 layers each: opened, listed, from Java and from the command line")
def many(bench, fs):
    images, layers = bench.workloads.count(2000), bench.workloads.count(100)
    root = fs.fresh("many")
    jvm = bench.jvm()
    with Held(bench, fs, *(("load", archive) for archive in bench.workloads.many_images(images, layers)), root=root):
        pass
    count = sum(1 for _ in (root / "image/overlay2/layerdb/sha256").iterdir())
    read = ["read", root / "image/overlay2/layerdb"]

    def opened():
        figures = jvm.measured("open", root, "overlay2", "NONE")
        jvm.measured("close")
        return figures

    def cold(contender):
        def run_it():
            empty_caches()
            return contender()
        return run_it

    # A dockerd takes a root for itself and writes to it: its own is a copy.
    docker_root = fs.fresh("docker")
    if find_tool("dockerd"):
        run(["cp", "-a", root, docker_root])

    def docker():
        with Docker(docker_root) as daemon:
            return daemon.startup

    contenders = {"read the files": lambda: bench.floor(*read), "layerstore overlay2": opened,
                  "layerstore process": lambda: bench.process(f"open {root} overlay2 NONE", "close")}
    if find_tool("dockerd"):
        contenders["dockerd starts"] = docker
    yield compare(bench, fs, f"open {count:,} layers", contenders, "0.3 s")
    yield compare(bench, fs, f"open {count:,} layers, cache cold", {name: cold(contender) for name, contender in contenders.items()}, "3 s")

    command = bench.command("--root", root, "images")
    contenders = {}
    with ExitStack() as stack:
        if find_tool("dockerd"):
            daemon = stack.enter_context(Docker(docker_root))
            contenders["docker images"] = lambda: daemon.measured("images")
        contenders["layerstore images, process"] = lambda: measured(command)
        yield compare(bench, fs, f"command line: images, {images // 10 * 10:,} of {layers} layers", contenders, "0.4 s")
    with Held(bench, fs, root=root):
        yield compare(bench, fs, f"list {images // 10 * 10:,} images, {count:,} layers in an open store", {
            "layerstore list": lambda: jvm.measured("list")})


@row("the command line's start")
def command_line(bench, fs):
    root = fs.fresh("store")
    with Held(bench, fs, ("load", bench.workloads.thin_image(bench.workloads.count(100))), root=root):
        pass
    yield compare(bench, fs, "command line: --version", {
        "java -version": lambda: measured([bench.java(), "-version"]), "layerstore --version": lambda: measured(bench.command("--version"))}, "0.12 s")
    yield compare(bench, fs, "command line: images, one image", {
        "java -version": lambda: measured([bench.java(), "-version"]),
        "layerstore images": lambda: measured(bench.command("--root", root, "images"))}, "0.2 s")


# --- mounts and read-write layers -------------------------------------------------------------------------------------


@row("layers are mounted and unmounted; read-write layers made, mounted, unmounted and deleted")
def mounts(bench, fs):
    times = bench.workloads.count(200)
    for layers in [1, bench.workloads.count(100)]:
        archives = bench.workloads.thin_layers(layers)
        for durability in ["NONE", "FULL"]:
            with Held(bench, fs, ("stack", archives), ("create", "work"), ("mounts", "work", times), durability=durability) as store:
                mount_id = (store.root / "image/overlay2/layerdb/mounts/work/mount-id").read_text()
                home = store.root / "overlay2"

                def raw(what, calls):
                    return lambda: bench.floor(what, home, mount_id, times, calls).each(times)

                if durability == "NONE":
                    yield compare(bench, fs, f"mount and unmount, {layers} layers", {
                        "the same calls": raw("mounts", "new"), "mount(2)": raw("mounts", "classic"),
                        "layerstore overlay2": lambda: store.each(times, "mounts", "work", times)}, "1.15")
                contenders = {"the same calls": raw("cycles", "new"), f"layerstore {durability}": lambda: store.each(times, "cycles", times)}
                contenders[f"layerstore {durability}, temporary"] = lambda: store.each(times, "temporary", times)
                if find_tool("containers-storage") and durability == "NONE":
                    contenders["containers-storage"] = storage_cycle(fs, archives)
                yield compare(bench, fs, f"create, mount, unmount, release, {layers} layers, {durability}", contenders,
                              "raw + 0.8 ms" if durability == "NONE" else "raw + 2 ms")


def storage_cycle(fs, archives):
    """Four processes: it has no daemon."""
    storage = ContainersStorage(fs.fresh("containers"))
    top = None
    for archive in sorted(archives.iterdir()):
        top = storage.add(archive, top)[1]

    def cycle():
        figures, out = measured(storage.command("create-layer", top), with_output=True)
        layer = out.split()[0]
        others = [measured(storage.command(*words)) for words in [("mount", layer), ("unmount", layer), ("delete-layer", layer)]]
        return Figures(figures.wall + sum(other.wall for other in others), figures.cpu + sum(other.cpu for other in others))
    return cycle


@row("a read-write layer with thousands of changes: changes, size and archive; commit")
def changes(bench, fs):
    with ExitStack() as stack:
        store = stack.enter_context(Held(bench, fs, ("register", bench.workloads.debian()), ("create", "work")))
        layerdb = store.root / "image/overlay2/layerdb/mounts/work"
        upper = store.root / "overlay2" / (layerdb / "mount-id").read_text() / "diff"
        # As if every file had been changed: the upper directory gets the layer's files, with other times.
        run(["cp", "-a", f"{largest(store.root / 'overlay2')}/.", upper])
        run(["sh", "-c", f"find '{upper}' -exec touch -h -d 2026-01-01 {{}} +"])
        archive = fs.path / "changes.tar"
        contenders = {"tar -c": lambda: measured(["sh", "-c", 'tar -C "$1" -cf - . | cat >"$2"', "sh", upper, fs.fresh("changes.tar")]),
                      "layerstore overlay2": lambda: store.jvm.measured("changes", "work", fs.fresh("changes.tar"))}

        def check():
            store.jvm.measured("changes", "work", archive)
            directory = fs.fresh("unpacked")
            directory.mkdir()
            run(["tar", "-C", directory, "-xf", archive])
            return same("trees", {"upper directory": tree_digest(upper), "archive": tree_digest(directory)})
        count = sum(1 for _ in upper.rglob("*"))
        yield compare(bench, fs, f"changes, size and archive of {count:,} changes", contenders, "1.2", check)

        def commit():
            figures = store.jvm.measured("commit", "work")
            store.jvm.measured("prune")
            return figures
        yield compare(bench, fs, f"commit {count:,} changes", {
            "cp -a": lambda: measured(["cp", "-a", upper, fs.fresh("copy")]), "layerstore overlay2": commit})


@row("programs in a mount, and its files from Java")
def in_mounts(bench, fs):
    times = bench.workloads.count(100)
    with Held(bench, fs, ("register", bench.workloads.debian()), ("create", "work")) as store:
        spawn = ["sh", "-c", f"for i in $(seq {times}); do /bin/true; done"]
        yield compare(bench, fs, "a program that does nothing", {
            "from a shell": lambda: measured(spawn).each(times), "layerstore enter": lambda: store.each(times, "enter", "work", times)})
        if bench.workloads.scale >= 1:
            yield compare(bench, fs, "a program in the root file system of a mount", {
                "from a shell": lambda: measured(spawn).each(times), "layerstore chroot": lambda: store.each(times, "chroot", "work", times)})
        many = times * 10
        copy = "for i in range(%d):\n open(f'%s-{i}','wb').write(b'x'*1000)\n open(f'%s-{i}','rb').read()"
        yield compare(bench, fs, "a file written and read through Mount.file", {
            "open, write, read": lambda: measured(["python3", "-c", copy % (many, *[fs.fresh("plain")] * 2)]).each(many),
            "layerstore Mount.file": lambda: store.each(many, "files", "work", many)})


@row("what is there already is added again, got, deleted, pruned")
def again(bench, fs):
    debian = bench.workloads.debian()
    times = 1000
    last = {"tar -x": None}

    def look(verify):
        def run_it():
            store = Ours(bench, fs)
            store.run("get", 1, before=[("register", debian)])
            with Held(bench, fs, root=store.root):  # A new store: nothing has been looked at.
                return bench.jvm().measured("again", debian, verify)
        return run_it

    yield compare(bench, fs, "register Debian when it is there", {
        "sha256": lambda: measured([require_tool("openssl"), "dgst", "-sha256", debian]), "layerstore quick look": look("false"),
        "layerstore verify": look("true")})
    with Held(bench, fs, ("register", debian)) as store:
        yield compare(bench, fs, "get and close a layer", {"layerstore get": lambda: store.each(times, "get", times)})

    def delete():
        _, last["tar -x"] = extracted(fs, debian)
        fs.settle()
        return measured(["rm", "-r", last["tar -x"]])
    yield compare(bench, fs, "release Debian", {
        "rm -r": delete, "layerstore overlay2": lambda: Ours(bench, fs).run("release", before=[("register", debian)]),
        "layerstore vfs": lambda: Ours(bench, fs, "vfs").run("release", before=[("register", debian)])})
    thin = bench.workloads.thin_layers(bench.workloads.count(100))

    def delete_thin():
        directory = fs.fresh("tar")
        directory.mkdir()
        run(["sh", "-c", f'for a in {thin}/*; do mkdir {directory}/$(basename $a) && tar -C {directory}/$(basename $a) -xf $a; done'])
        return measured(["rm", "-r", directory])
    yield compare(bench, fs, "prune 100 thin layers", {
        "rm -r": delete_thin, "layerstore overlay2": lambda: Ours(bench, fs).run("prune", before=[("stack", thin)])})


@row("an image of 10 layers goes to a registry and comes from there")
def registry(bench, fs):
    image = bench.workloads.debian_image()
    with ExitStack() as stack:
        there = stack.enter_context(Registry(fs.fresh("registry")))
        source = f"{there.address}/benchmark:1"
        store = Ours(bench, fs)
        store.process(("load", image), ("push", "benchmark:1", source))
        archive = fs.path / "pulled.tar"
        run([require_tool("skopeo"), "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", f"docker://{source}", f"oci-archive:{archive}:benchmark:1"])
        pulls = {"curl of the blobs": lambda: there.fetched("benchmark", fs.fresh("blobs")),
                 "layerstore load of the same": lambda: Ours(bench, fs).run("load", archive),
                 "layerstore pull": lambda: Ours(bench, fs).run("pull", source),
                 "layerstore pull process": lambda: bench.process(f"open {fs.fresh('pull')} overlay2 NONE", f"pull {source}", "close")}
        number = iter(range(1_000_000))

        def target():
            return f"{there.address}/pushed-{next(number)}:1"
        pushes = {"layerstore push": lambda: Ours(bench, fs).run("push", "benchmark:1", target(), before=[("load", image)])}
        if find_tool("skopeo") and find_tool("containers-storage"):
            pulls["skopeo"] = lambda: ContainersStorage(fs.fresh("containers")).pulled(source)
        if find_tool("dockerd"):
            docker = stack.enter_context(Docker(fs.fresh("docker")))
            pulls["dockerd"] = lambda: docker.pull(source)

            def push():
                with Docker(fs.fresh("pusher")) as pusher:  # Else it knows what the registry has.
                    pusher.load(image)
                    name = target()
                    pusher.run("tag", "benchmark:1", name)
                    fs.settle()
                    return pusher.measured("push", name)
            pushes["dockerd"] = push
        yield compare(bench, fs, "pull the 10-layer image", pulls, "1.1 of the slower of curl and load, half of skopeo and dockerd")
        yield compare(bench, fs, "push the 10-layer image", pushes, "no slower than dockerd")


# --- slopes -----------------------------------------------------------------------------------------------------------


def slope(bench, fs, title, works, contenders_of, limit):
    """A table for each amount of work, and how far from linear the largest one is: to the least, each contender."""
    tables = {work: compare(bench, fs, f"{title}: {work:,}", contenders_of(work)) for work in works}
    least, most = works[0], works[-1]
    series, notes = {}, []
    for name in tables[least].figures:
        points = [(work, min(value.wall for value in table.figures[name])) for work, table in tables.items() if name in table.figures]
        if points:
            series[name] = points
        if len(points) == len(works):
            notes.append(f"{name} {points[-1][1] / points[0][1] / (most / least):.2f}")
    tables[most].equal = f"{most:,} to {least:,}, in proportion to the work: {', '.join(notes)}. {limit}"
    return list(tables.values()), series


@row("a layer is held and released, beside other processes and without")
def held_layers(bench, fs):
    times = bench.workloads.count(100_000)
    archive = sorted(bench.workloads.thin_layers(1).iterdir())[0]
    with ExitStack() as stack:
        jvm, other = bench.jvm(), stack.enter_context(bench.another_jvm())

        def get(how, beside=False):
            def run_it():
                root = fs.fresh("get")
                jvm.measured(how, root, "vfs", "NONE")
                jvm.measured("register", archive)
                if beside:
                    other.measured("open", root, "vfs", "NONE")
                figures = jvm.measured("get", times).each(times)
                if beside:
                    other.measured("close")
                jvm.measured("close")
                return figures
            return run_it
        yield compare(bench, fs, "a layer is got, held and released", {
            "layerstore exclusive": get("alone"), "layerstore shared": get("open"), "layerstore shared by two processes": get("open", True)},
            "20 us; shared 2 us more than exclusive")


@row("eight processes load an image of 40 layers at once")
def load_together(bench, fs):
    image = bench.workloads.debian_image(bench.workloads.count(40))
    with ExitStack() as stack:
        jvms = [stack.enter_context(bench.another_jvm()) for _ in range(8)]

        def load(those):
            root = fs.fresh("load")
            for one in those:
                one.measured("open", root, "overlay2", "NONE")
            fs.settle()
            figures = measured_together(those, "load", image)
            for one in those:
                one.measured("close")
            return figures
        for one in jvms:
            for _ in range(5):
                load([one])
        for _ in range(5):
            load(jvms)  # Who waits does something else.
        yield compare(bench, fs, "an image of 40 layers is loaded by warm processes at once", {
            "layerstore one process": lambda: load(jvms[:1]), "layerstore eight processes": lambda: load(jvms)}, "CPU 1.1, time 1.2")


@row("twenty command lines that are started together")
def commands(bench, fs):
    count = bench.workloads.count(20)
    layers = [layer.resolve() for layer in sorted(bench.workloads.thin_layers(count + 1).iterdir())]
    small = bench.workloads.thin_image(bench.workloads.count(10))
    last = {}

    def at_once(commands, those):
        """Runs lists of commands, each in a shell of its own, so many of those at a time."""
        script = fs.fresh("commands")
        script.write_text("".join(" && ".join(shlex.join(map(str, command)) for command in one) + "\n" for one in commands))
        return measured(["xargs", "-a", script, "-d", "\n", "-P", those, "-n", "1", "sh", "-c", 'eval "$1" >/dev/null', "sh"])

    def ours(those, *adds):
        def run_it():
            last["root"] = fs.fresh("commands-root")
            return at_once([[bench.command("--root", last["root"], "--driver", "overlay2", *words) for words in one] for one in adds], those)
        return run_it

    def theirs(command):
        def run_it():
            storage = ContainersStorage(fs.fresh("containers"))
            return at_once([command(storage, pair) for pair in pairs], count)
        return run_it

    def check(what, expected):
        def run_it():
            found = len(run(bench.command("--root", last["root"], what, "-q")).split())
            if found != expected:
                raise AssertionError(f"{found} {what}, not {expected}")
            return f"All succeeded; {expected:,} {what} are there."
        return run_it

    pairs = [(layers[0], layer) for layer in layers[1:]]
    registers = [[("register", file) for file in pair] for pair in pairs]
    yield compare(bench, fs, f"{count} command lines at once, the same layer and another one each", {
        "layerstore one at a time": ours(1, *registers), "layerstore at once": ours(count, *registers),
        "containers-storage at once": theirs(lambda storage, pair: [storage.command("import-layer", "--file", file) for file in pair])}, check=check("layers", count + 1))
    yield compare(bench, fs, f"{count} command lines at once, the same image", {
        "layerstore one at a time": ours(1, *[[("load", small)]] * count), "layerstore at once": ours(count, *[[("load", small)]] * count),
        "skopeo to containers-storage at once": theirs(lambda storage, pair: [storage.copy(small)])}, check=check("images", 1))


@row("time against entries: 60,000 to 240,000 small files")
def slope_entries(bench, fs):
    works = [bench.workloads.count(count) for count in (60_000, 120_000, 240_000)]

    def contenders(count):
        archive = bench.workloads.small_files(count)
        return {"tar -x": lambda: extracted(fs, archive)[0], "layerstore register": lambda: Ours(bench, fs).run("register", archive),
                "layerstore export": lambda: Ours(bench, fs).run("export", "/dev/null", before=[("register", archive)])}
    tables, series = slope(bench, fs, "small files", works, contenders, "Goal: 1.1.")
    bench.plot("entries", "Time against entries", "small files in a layer", series)
    yield from tables


@row("time against bytes: the Debian root once to ten times in one layer")
def slope_bytes(bench, fs):
    works = [1, 3, 10]

    def contenders(times):
        archive = bench.workloads.debian_times(times)
        return {"tar -x": lambda: extracted(fs, archive)[0], "layerstore register": lambda: Ours(bench, fs).run("register", archive),
                "layerstore export": lambda: Ours(bench, fs).run("export", "/dev/null", before=[("register", archive)])}
    tables, series = slope(bench, fs, "Debian roots in a layer", works, contenders, "Goal: 1.2.")
    bench.plot("bytes", "Time against bytes", "Debian root file systems in a layer", series)
    yield from tables


@row("time against layers: 10 to 100 thin layers")
def slope_layers(bench, fs):
    works = [bench.workloads.count(count) for count in (10, 30, 100)]

    def contenders(count):
        archives = bench.workloads.thin_layers(count)
        return {f"layerstore {durability}": lambda d=durability: Ours(bench, fs, "overlay2", d).run("stack", archives) for durability in ("NONE", "FULL")}
    tables, series = slope(bench, fs, "thin layers", works, contenders, "")
    bench.plot("layers", "Time against layers", "thin layers, each on the one before", series)
    yield from tables
