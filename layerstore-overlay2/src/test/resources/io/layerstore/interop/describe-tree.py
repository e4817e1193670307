"""Prints a tree, one line for an entry, with all there is to know about it but for the time of its last access."""

import hashlib
import os
import stat
import sys

first_names = {}


def describe(path, shown):
    st = os.lstat(path)
    facts = [shown, stat.filemode(st.st_mode), f"{st.st_uid}:{st.st_gid}", f"mtime={st.st_mtime_ns}"]
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            facts.append(f"size={st.st_size} sha256={hashlib.sha256(file.read()).hexdigest()}")
    elif stat.S_ISLNK(st.st_mode):
        facts.append(f"to={os.readlink(path)!r}")
    elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        facts.append(f"device={os.major(st.st_rdev)}:{os.minor(st.st_rdev)}")
    if not stat.S_ISDIR(st.st_mode):
        facts.append(f"links={st.st_nlink}")
        first = first_names.setdefault(st.st_ino, shown)
        if first != shown:
            facts.append(f"same-as={first}")
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        facts.append(f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}")
    print(" ".join(facts))


def walk(directory, shown):
    describe(directory, shown or "/")
    for name in sorted(os.listdir(directory)):
        path = directory + b"/" + name
        text = shown + "/" + repr(name)[2:-1]  # Any bytes, and a line feed is no end of line.
        if stat.S_ISDIR(os.lstat(path).st_mode):
            walk(path, text)
        else:
            describe(path, text)


walk(os.fsencode(sys.argv[1]), "")
