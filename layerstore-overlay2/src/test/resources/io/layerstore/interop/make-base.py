"""Fills the working directory, a root file system already, with files of every kind for later layers to change."""

import os

DAY = 86400


def directory(path, mode=0o755):
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)


def file(path, content=None, mode=0o644):
    directory(os.path.dirname(path))
    with open(path, "wb") as out:
        out.write(content if content is not None else os.fsencode(path))
    os.chmod(path, mode)


def xattr(path, name, value):
    os.setxattr(path, name, value, follow_symlinks=False)


# A capability as the kernel keeps it: version 2, effective, CAP_NET_RAW.
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")

for tree in ["replaced", "gone", "emptied", "to-file", "again", "moved", "untouched"]:
    for i in range(5):
        file(f"trees/{tree}/sub{i}/deep/file{i}")
file("trees/to-directory")

for name in [b"with space", b"line\nfeed", b"back\\slash", b"caf\xe9", "sn\u00f6".encode(), b"*?[x]", b"-dash", b"comma,colon:equals=",
             b"quote\"'`$(x)", b"n" * 255, b"\x01\x7f", b"..."]:
    file(b"names/" + name)
    file(b"names/removed/" + name)

for i in range(4):
    file(f"links/a{i}")
    directory("links/other")
    os.link(f"links/a{i}", f"links/other/b{i}")
    os.link(f"links/a{i}", f"links/c{i}")

file("modes/setuid", mode=0o4755)
file("modes/setgid", mode=0o2755)
file("modes/none", mode=0)
directory("modes/sticky", 0o1777)
directory("modes/private", 0o700)
file("owners/large")
os.chown("owners/large", 3000000, 4000000)
file("owners/other", mode=0o6755)
os.chown("owners/other", 12345, 54321)
os.chmod("owners/other", 0o6755)
directory("owners/directory")
os.chown("owners/directory", 1000, 1000)

for name in ["capable", "capable-changed", "capable-moved"]:
    file(f"attributes/{name}", mode=0o755)
    xattr(f"attributes/{name}", "security.capability", CAPABILITY)
file("attributes/user")
xattr("attributes/user", "user.text", b"value")
xattr("attributes/user", "user.binary", bytes(range(256)))
directory("attributes/directory")
xattr("attributes/directory", "user.directory", b"")
os.symlink("nowhere", "attributes/link")
xattr("attributes/link", "trusted.link", b"on a link")

directory("special")
os.mkfifo("special/fifo", 0o640)
os.mknod("special/null", 0o020666, os.makedev(1, 3))
os.mknod("special/block", 0o060600, os.makedev(7, 200))
os.symlink("/etc/motd", "special/absolute")
os.symlink("../../../../etc/passwd", "special/climbing")
os.symlink("dangling", "special/dangling")
os.symlink("../trees", "special/to-directory")

for path, seconds in [("times/epoch", 0), ("times/old", 5 * DAY), ("times/future", 4 * 10**9)]:
    file(path)
    os.utime(path, (seconds, seconds))
file("times/empty", b"")
file("times/large", os.urandom(300_000))
os.utime("times", (DAY, DAY))
