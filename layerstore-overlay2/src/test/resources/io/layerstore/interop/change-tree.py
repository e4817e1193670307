"""Changes the working directory, a mounted tree that make-base.py has filled, in every way that there is."""

import os
import shutil
import socket

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
NAMESPACED_CAPABILITY = bytes.fromhex("0100000300200000000000000000000000000000e8030000")


def write(path, content):
    with open(path, "wb") as out:
        out.write(content)


# Deletions: of files, of trees, of names with any bytes, and of what is then made again as something else.
shutil.rmtree("trees/gone")
shutil.rmtree("trees/replaced")
os.mkdir("trees/replaced", 0o750)
write("trees/replaced/new", b"new\n")
shutil.rmtree("trees/to-file")
write("trees/to-file", b"a file\n")
os.remove("trees/to-directory")
os.makedirs("trees/to-directory/below")
for name in os.listdir(b"names/removed"):
    os.remove(b"names/removed/" + name)
for name in os.listdir(b"names"):
    if name != b"removed":
        os.chmod(b"names/" + name, 0o600)
write(b"names/new-\xff\xfe", b"any bytes\n")
write(b"names/" + b"x" * 150, b"longer than the field for names\n")
os.makedirs("names/" + "y" * 90 + "/" + "z" * 90)
write("names/" + "y" * 90 + "/" + "z" * 90 + "/file", b"in the prefix\n")

# Links: across directories, to what is below, to a name that is longer than the field for it.
os.link("links/a0", "trees/linked")
write("links/fresh", b"fresh\n")
for name in ["links/other/fresh", "trees/fresh", "zz-fresh"]:
    os.link("links/fresh", name)
os.link(b"names/" + b"x" * 150, "links/to-long")
os.symlink("s" * 200, "links/long-target")
os.remove("links/a1")

# Attributes.
os.chmod("modes/setuid", 0o6755)
os.chmod("modes/private", 0o1777)
os.chown("owners/other", 5000000, 6000000)
os.chown("owners/directory", 7, 8)
write("attributes/capable-new", b"capable\n")
os.setxattr("attributes/capable-new", "security.capability", CAPABILITY)
write("attributes/capable-in-namespace", b"capable\n")
os.setxattr("attributes/capable-in-namespace", "security.capability", NAMESPACED_CAPABILITY)
os.removexattr("attributes/capable-changed", "security.capability")
os.setxattr("attributes/user", "user.another", b"not exported")

# Nodes.
os.mkfifo("special/pipe", 0o600)
os.mknod("special/zero", 0o020644, os.makedev(1, 5))
os.mknod("special/large", 0o060600, os.makedev(259, 70000))
os.remove("special/null")
sock = socket.socket(socket.AF_UNIX)
sock.bind("special/socket")
sock.close()

# Content and times, to the nanosecond and before 1970.
write("times/large", os.urandom(1_000_003))
write("times/empty-new", b"")
with open("times/sparse", "wb") as out:
    out.truncate(3_000_000)
os.utime("times/old", ns=(1, 1_234_567_890_987_654_321))
os.utime("times/epoch", (-1000, -1000))
os.utime("times/future", (9 * 10**9, 9 * 10**9))
