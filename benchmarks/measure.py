"""What the benchmarks share: a place to write to, contenders that run in turns, and a table of medians.

Ratios travel from one machine to another, seconds do not; so everything that is compared runs in the same run, in turns (A B A B ...), and the
ratio of each round is taken before the median.
"""

import os
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
JAR = TOP / "layerstore-cli/target/layerstore.jar"


class CannotMeasure(Exception):
    """Something that a benchmark needs is not there."""


def main(benchmark):
    """Runs a benchmark and exits: 0 if it has measured, 1 if it could not."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    try:
        benchmark()
    except CannotMeasure as reason:
        sys.exit(f"cannot measure: {reason}")
    except KeyboardInterrupt:
        sys.exit("interrupted")


# --- what is needed ---------------------------------------------------------------------------------------------------


def require_root():
    if os.geteuid() != 0:
        raise CannotMeasure("needs root, for owners, mounts and a file system of its own")


def require_tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
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
        require_root()
        self._directory = Path(tempfile.mkdtemp(prefix="layerstore-benchmark.", dir=self._parent))
        self._mounted = False
        try:
            image, self.path = self._directory / "ext4", self._directory / "m"
            self.path.mkdir()
            run(["truncate", "-s", self._size, image])
            run([require_tool("mkfs.ext4"), "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image])
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
            # Whatever an interrupted run has left mounted in here.
            with open("/proc/self/mountinfo") as lines:
                points = [line.split(" ")[4] for line in lines]
            for point in reversed(points):
                if Path(point).is_relative_to(self.path):
                    run(["umount", "--lazy", point])
        shutil.rmtree(self._directory)

    def fresh(self, name):
        """The path of a directory that is not there yet."""
        self._count += 1
        return self.path / f"{self._count}-{name}"

    def settle(self):
        """Writes everything out, so that no run pays for the one before it."""
        run(["sync", "-f", self.path])


# --- contenders -------------------------------------------------------------------------------------------------------


class Figures:
    """What one run cost, in seconds."""

    def __init__(self, wall, cpu):
        self.wall, self.cpu = wall, cpu


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
        command = [java(), f"-Xmx{heap}", *options, "-cp", f"{class_path()}:{classes}", "WarmStore"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()

    def measured(self, *words):
        """Has a line carried out, and gives what it cost."""
        before = processor_time(self._process.pid)
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        answer = self._process.stdout.readline()
        if not answer:
            raise CannotMeasure(f"the JVM ended at: {' '.join(map(str, words))}")
        return Figures(int(answer) / 1e9, processor_time(self._process.pid) - before)


def processor_time(pid):
    """Seconds of a process, of its children, and of those of them that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(") ", 1)[1].split(" ")
        except OSError:
            continue  # The process has ended just now.
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def in_turns(contenders, runs, settle=lambda: None, warmups=1):
    """Runs contenders, a dict of name to function, one after the other, `runs` times; gives the figures by name."""
    figures = {name: [] for name in contenders}
    for i in range(warmups + runs):
        for name, contender in contenders.items():
            settle()
            figure = contender()
            if i >= warmups:
                figures[name].append(figure)
    return figures


# --- the report -------------------------------------------------------------------------------------------------------


def print_machine(*tools):
    """The machine, how busy it is, and the versions of what is compared."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"machine    {os.cpu_count()} x {model.group(1) if model else platform.machine()}, {memory} GiB, "
          f"Linux {platform.release()}, load {load}")
    version = subprocess.run([java(), "-version"], stderr=subprocess.PIPE, text=True).stderr.splitlines()
    print(f"java       {version[0]}; {version[1]}")
    for tool in tools:
        print(f"{tool[0]:10} {run(tool).splitlines()[0]}")
    print()


def print_table(figures):
    """The median, minimum and maximum of the wall clock, and the median of the processor time."""
    width = max(map(len, figures))
    print(f"{'':{width}}" + "".join(f"{title:>10}" for title in ["median", "min", "max", "cpu"]))
    for name, values in figures.items():
        walls = [value.wall for value in values]
        cells = [statistics.median(walls), min(walls), max(walls), statistics.median(value.cpu for value in values)]
        print(f"{name:{width}}" + "".join(f"{duration(cell):>10}" for cell in cells))
    print()


def duration(seconds):
    return f"{seconds:5.2f} s" if seconds >= 0.1 else f"{seconds * 1e6:5.0f} us"


def ratio(figures, ours, theirs):
    """The median of the ratios of the rounds."""
    return statistics.median(a.wall / b.wall for a, b in zip(figures[ours], figures[theirs]))


def cpu_ratio(figures, ours, theirs):
    return statistics.median(a.cpu / b.cpu for a, b in zip(figures[ours], figures[theirs]))


def print_ratio(figures, ours, theirs, goal):
    value = ratio(figures, ours, theirs)
    print(f"{ours} / {theirs}: {value:.2f} (processor time: {cpu_ratio(figures, ours, theirs):.2f}); goal {goal}")
    return value
