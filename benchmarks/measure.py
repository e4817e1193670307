"""What can be measured: a place to write to, a JVM that stays warm, whole processes, and contenders that run in turns.

Ratios travel from one machine to another, seconds do not; so everything that is compared runs in the same run, in turns (A B A B ...), and the
ratio of each round is taken before the median.
"""

import contextlib
import os
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
JAR = TOP / "layerstore-cli/target/layerstore.jar"


class CannotMeasure(Exception):
    """Something that a benchmark needs is not there."""


# --- what is needed ---------------------------------------------------------------------------------------------------


def find_tool(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def require_tool(name):
    found = find_tool(name)
    if found is None:
        raise CannotMeasure(f"needs {name}, which is not installed")
    return found


def class_path():
    """The packaged jar, or what LAYERSTORE_CLASSPATH names in its place."""
    other = os.environ.get("LAYERSTORE_CLASSPATH")
    if other is None and not JAR.exists():
        raise CannotMeasure(f"no {JAR}; build it with: mvn -q -DskipTests package")
    return other or str(JAR)


def java():
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else require_tool("java")


def compile_java(source, classes):
    """Compiles a Java file that stands beside this one."""
    javac = Path(os.path.realpath(java())).with_name("javac")
    if not javac.exists():
        raise CannotMeasure(f"needs a JDK, and there is no {javac}")
    run([javac, "-cp", class_path(), "-d", classes, TOP / "benchmarks" / source])


def run(command):
    """Runs a command that is not measured."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise CannotMeasure(f"{' '.join(map(str, command))} failed: {done.stderr.strip()}")
    return done.stdout


# --- a place to write to ----------------------------------------------------------------------------------------------


class Scratch:
    """A directory on an ext4 with a journal, made for this run in a sparse file.

    Whatever file system the machine has, this one is the same everywhere. It matters: an ext4 without a journal, as some virtual machines have,
    creates files many times slower in the minutes after others were deleted. Nothing is deleted in here between runs, for the same reason.
    """

    def __init__(self, parent, size="40G"):
        self._parent, self._size = parent, size
        self._count = 0

    def __enter__(self):
        self._directory = Path(tempfile.mkdtemp(prefix="layerstore-benchmark.", dir=self._parent))
        self._mounted = False
        try:
            image, self.path = self._directory / "ext4", self._directory / "m"
            self.path.mkdir()
            run(["truncate", "-s", self._size, image])
            # An inode for each block, or a million small files would use them up.
            run([require_tool("mkfs.ext4"), "-q", "-F", "-i", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image])
            loop = run([require_tool("losetup"), "--direct-io=on", "--find", "--show", image]).strip()
            try:
                run(["mount", "-o", "noatime", loop, self.path])
                self._mounted = True
            finally:
                run(["losetup", "--detach", loop])  # When it is unmounted, even by somebody else.
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._mounted:
            # Whatever an interrupted run has left mounted in here, too.
            for point in mounts_below(self.path):
                run(["umount", "--lazy", point])
        shutil.rmtree(self._directory)

    def fresh(self, name):
        """The path of a directory that is not there yet."""
        self._count += 1
        return self.path / f"{self._count}-{name}"

    def settle(self):
        """Writes everything out, so that no run pays for the one before it."""
        run(["sync", "-f", self.path])


def mounts_below(directory):
    """Mount points in a directory and the directory itself if it is one, the last one first."""
    with open("/proc/self/mountinfo") as lines:
        points = [line.split(" ")[4] for line in lines]
    return [point for point in reversed(points) if Path(point).is_relative_to(directory)]


def empty_caches():
    """The next run reads everything from the disk."""
    run(["sync"])
    Path("/proc/sys/vm/drop_caches").write_text("3")


# --- contenders -------------------------------------------------------------------------------------------------------


class Figures:
    """What one run cost: seconds, and where it is known the most bytes of the heap and of one helper process."""

    def __init__(self, wall, cpu, heap=None, helper=None):
        self.wall, self.cpu, self.heap, self.helper = wall, cpu, heap, helper

    def each(self, count):
        """The same for one of so many operations."""
        return Figures(self.wall / count, self.cpu / count, self.heap, self.helper)


def measured(command, with_output=False):
    """Runs a command as a whole process, all of its children included; gives the figures, and what it printed if wanted."""
    command = [str(word) for word in command]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise CannotMeasure(f"{' '.join(command)} failed: {done.stderr.strip()}")
    figures = Figures(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (figures, done.stdout) if with_output else figures


class WarmJvm:
    """A JVM that stays warm between runs: WarmStore.java, fed with one line a run."""

    def __init__(self, classes, heap, options=()):
        # What it says besides is a warning or the reason why it ends.
        self._log = open(Path(classes) / f"jvm-{heap}.log", "w+")
        command = [java(), f"-Xmx{heap}", *options, "-cp", f"{class_path()}:{classes}", "WarmStore"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1)
        self.watches_helpers = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # It may be gone.
        self._process.wait()
        self._log.close()

    def has_ended(self):
        return self._process.poll() is not None

    def processor_time(self):
        return processor_time(self._process.pid)

    def measured(self, *words):
        """Has a line carried out, and gives what it cost."""
        before = self.processor_time()
        with HelperWatch(self._process.pid if self.watches_helpers else None) as watch:
            self.begin(*words)
            nanos, heap = self.end(*words)
        return Figures(nanos / 1e9, self.processor_time() - before, heap, watch.peak or None)

    def begin(self, *words):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(" ".join(map(str, words)) + "\n")

    def end(self, *words):
        """Waits for the line that was begun; gives its nanoseconds and bytes of the heap."""
        answer = self._process.stdout.readline()
        if not answer:
            self._process.wait()
            self._log.seek(0)
            raise CannotMeasure(f"the JVM ended at {' '.join(map(str, words))}: {self._log.read()[:600].strip()}")
        return tuple(map(int, answer.split()))


def measured_together(jvms, *words):
    """The same line in several JVMs at once: the time until the last one is done, and the processor time of all."""
    before, start = sum(jvm.processor_time() for jvm in jvms), time.monotonic()
    for jvm in jvms:
        jvm.begin(*words)
    heaps = [jvm.end(*words)[1] for jvm in jvms]
    return Figures(time.monotonic() - start, sum(jvm.processor_time() for jvm in jvms) - before, max(heaps))


class HelperWatch:
    """How large the largest of a JVM's helper processes becomes; takes processor time, so no run that counts is watched."""

    def __init__(self, pid):
        self._pid, self.peak = pid, 0

    def __enter__(self):
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        if self._pid is not None:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        if self._pid is not None:
            self._thread.join()

    def _look(self):
        while not self._ended.wait(0.003):
            for pid in descendants(self._pid):
                try:
                    found = re.search(r"^Name:\tlayerstore-help.*^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M | re.S)
                except OSError:
                    continue  # It has ended just now.
                if found:
                    self.peak = max(self.peak, int(found.group(1)) << 10)


def descendants(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except OSError:
        pass  # A process or a thread has ended just now.
    return found + [below for child in found for below in descendants(child)]


def processor_time(pid):
    """Seconds of a process and of all below it, of those that have ended too."""
    ticks, below = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(") ", 1)[1].split(" ")
        except OSError:
            continue  # The process has ended just now.
        ticks[int(stat.parent.name)] = sum(map(int, fields[11:15]))
        below.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    total, todo = 0, [pid]
    while todo:
        total += ticks.get(todo[-1], 0)
        todo += below.get(todo.pop(), [])
    return total / os.sysconf("SC_CLK_TCK")


def in_turns(contenders, runs, settle=lambda: None, warmup=lambda is_warmup: None):
    """Runs contenders, a dict of name to function, one after the other, once to warm up and then `runs` times.

    Gives the figures by name, those of the warm-up first. One that cannot go on is left out of the further rounds; a dict of reasons says why.
    """
    figures = {name: [] for name in contenders}
    reasons = {}
    for i in range(1 + runs):
        warmup(i == 0)
        for name, contender in contenders.items():
            if name in reasons:
                continue
            settle()
            try:
                figures[name].append(contender())
            except (CannotMeasure, OSError) as reason:
                reasons[name] = str(reason)
                del figures[name]
    return figures, reasons
