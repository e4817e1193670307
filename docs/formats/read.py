#!/usr/bin/env python3
"""Reads what layerstore adds to a data root, and its helper's frames. Written from the pages beside it; shares no code with layerstore.

read.py attributes FILE             the records of a vfs layer, a JSON document a line
read.py names FILE                  checks a table of names and their spellings
read.py tar-split FILE TREE         the layer's archive
read.py frames FILE                 a side of a conversation with the helper, a JSON document a line
read.py index FILE                  what an index says of layers, a JSON document a line
read.py lease FILE                  what one store holds of a shared root, a JSON document a line
read.py root DIR                    the names in a root that are layerstore's
"""
import base64
import gzip
import json
import os
import re
import struct
import sys
import unicodedata


class Malformed(Exception):
    pass


def require(condition, problem):
    if not condition:
        raise Malformed(problem)


def text(data):
    return "".join(chr(b) if 0x20 <= b <= 0x7E and b != 0x25 else "%%%02X" % b for b in data)


def untext(value):
    return re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), value.encode("ascii"))


def crc(data, polynomial, bits):
    """A reflected CRC that begins with all ones and is inverted at the end."""
    ones = (1 << bits) - 1
    value = ones
    for b in data:
        value ^= b
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
    return value ^ ones


# ---- attributes.md ----


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        require(count <= self.left(), "cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self):
        value = shift = 0
        while True:
            b = self.take(1)[0]
            value |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return value & (1 << 64) - 1
            require(shift < 64, "a number without end")

    def bytes(self):
        return self.take(self.number())

    def time(self):
        seconds = self.number()
        return [seconds - (1 << 64) if seconds >> 63 else seconds, self.number()]


def key(data):
    if data[:2] == b"\0\0":
        require(len(data) == 10 or (len(data) == 11 and data[10] == 0), "impossible key")
        number = struct.unpack(">Q", data[2:10])[0]
        return {"inode" if len(data) == 10 else "group": number}
    directory, name = data.split(b"\0")
    return {"path": text(directory + b"/" + name if directory else name)}


def common(body):
    return {**{name: body.number() for name in ("mode", "uid", "gid")}, "modified": body.time()}


def record(key_bytes, data):
    body = Body(data)
    kind = chr(body.take(1)[0])
    require(kind in "dfpcblt", "unknown type")
    made = {"key": key(key_bytes), "type": kind}
    made["device"] = [body.number(), body.number()] if kind in "cb" else None
    made.update(common(body))
    made["text"] = text(body.bytes()) if kind in "lt" else None
    made["shownText"] = text(body.bytes()) if kind == "l" else None
    made["xattrs"] = [[text(body.bytes()), body.bytes().hex()] for _ in range(body.number())]
    shown = {"inode": body.number(), "born": body.time(), "size": body.number()}
    made["shown"] = {**shown, **common(body)}
    made["group"] = body.number() if body.left() else 0
    require(body.left() == 0, "bytes left over")
    return made


def attributes(data):
    magic, end = b"layerstore vfs attributes 1\n", len(data) - 40
    require(data.startswith(magic) and end >= len(magic), "no table of version 1")
    index, blocks, records, root, checksum, mark = struct.unpack(">QQQQI4s", data[end:])
    require(mark == b"LSVA" and index + 8 * blocks == end, "its end is not that of a table")
    require(crc(data[index : end + 32], 0x82F63B78, 32) == checksum, "checksum of the index")
    yield {"records": records, "root": root}
    position, count, last = len(magic), 0, None
    for at in struct.unpack(">%dQ" % blocks, data[index:end]):
        length, checksum = struct.unpack(">II", data[at : at + 8])
        items = Body(data[at + 8 : at + 8 + length])
        require(at == position and crc(items.data, 0x82F63B78, 32) == checksum, "damaged block")
        while items.left():
            key_bytes = items.bytes()
            require(last is None or last < key_bytes, "not in order")
            yield record(key_bytes, items.bytes())
            last, count = key_bytes, count + 1
        position = at + 8 + length
    require(position == index and count == records, "other numbers than the trailer says")


# ---- names.md ----

DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(com|lpt)[1-9])")
ESCAPE = re.compile(rb"\xef([\x80-\x83])([\x80-\xbf])")


def differs(word, name):
    try:
        form = {"composed": "NFD", "decomposed": "NFC"}.get(word)
        characters = name.decode("utf-8")
        return form is not None and unicodedata.normalize(form, characters) != characters
    except UnicodeDecodeError:
        return word == "bytes"


def spell(words, name, spelling):
    escaped = {i for m in ESCAPE.finditer(name) for i in range(m.start(), m.end())}
    every = range(len(name))
    if "reserved" in words:
        escaped |= {i for i in every if name[i] < 0x20 or name[i] in b'\x7f\\:*?"<>|'}
        escaped |= {len(name) - 1} if name[-1:] in (b".", b" ") else set()
        stem = name.split(b".")[0].decode("utf-8", "replace").strip().lower()
        escaped |= {0} if DEVICE.fullmatch(stem) else set()
    high = {i for i in every if name[i] >= 0x80}
    for word in words:
        escaped |= high if differs(word, name) else set()
    if spelling:
        letters = [i for i in every if name[i : i + 1].isalpha()]
        escaped |= high | set(letters if spelling == 2 else letters[:1])
        escaped |= {i for i in letters if name[i : i + 1].isupper()}
    return b"".join(chr(0xF000 + name[i]).encode() if i in escaped else name[i : i + 1] for i in every)


def true_name(spelt):
    return ESCAPE.sub(lambda m: bytes([(m[1][0] & 3) << 6 | m[2][0] & 0x3F]), spelt)


def check_names(lines):
    for line in lines:
        words, name, *spellings = line.rstrip("\n").split("\t")
        name = untext(name)
        for number, spelling in enumerate(spellings):
            spelt = spell(words.split(), name, number)
            if text(spelt) != spelling or true_name(spelt) != name:
                yield "spelling %d is %s: %s" % (number, text(spelt), line)


# ---- tar-split.md ----


def assemble(document, tree):
    top = os.path.realpath(tree)
    for line in document:
        entry = json.loads(line)
        payload = base64.b64decode(entry["payload"] or "")
        if entry["type"] == 2:
            yield payload
        elif entry.get("size"):
            raw = entry.get("name_raw")
            name = base64.b64decode(raw) if raw else entry["name"].encode("utf-8")
            path = os.path.realpath(os.path.join(top.encode(), name.lstrip(b"/")))
            require(path.startswith(top.encode() + b"/"), "a name leads out of the tree")
            content = open(path, "rb").read()
            expected = struct.unpack(">Q", payload)[0]
            require(crc(content, 0xD800000000000000, 64) == expected, "wrong content: %r" % name)
            yield content


# ---- helper.md ----

LAYOUT = re.compile(r"^([A-Z_]+) +(0x[0-9a-f]{4}) [<>] (.*)$", re.MULTILINE)


def layouts():
    """The frames as the page has them: opcode to name and fields."""
    page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "helper.md")
    found = LAYOUT.findall(open(page, encoding="utf-8").read())
    return {int(opcode, 16): (name, fields.replace("-", "")) for name, opcode, fields in found}


def frames(data):
    known, stream = layouts(), Body(data)
    while stream.left():
        length, opcode, zero, sequence = struct.unpack("<IHHI", stream.take(12))
        limit = 1048576 if opcode in (3, 4) else 65536
        require(opcode in known and zero == 0 and length <= limit, "no frame: %#x" % opcode)
        name, fields = known[opcode]
        body, made = Body(stream.take(length)), {"frame": name, "sequence": sequence}

        def value(kind):
            if kind == "rest":
                return body.take(body.left()).hex()
            if kind == "bytes":
                return text(body.take(value("u16")))
            return int.from_bytes(body.take(int(kind[1:]) // 8), "little", signed=kind[0] == "i")

        for field in fields.split(", ") if fields else []:
            *repeated, kind, field = field.split()
            made[field] = [value(kind) for _ in range(made["count"])] if repeated else value(kind)
        require(body.left() == 0, "bytes left over in " + name)
        require(name != "XATTR" or made["length"] * 2 == len(made["value"]), "length of a value")
        yield made


# ---- index.md ----


def index(data):
    require(data[:8] == b"LSINDEX1" and len(data) >= 16, "not an index of version 1")
    require(crc(data[:-4], 0xEDB88320, 32) == int.from_bytes(data[-4:], "big"), "checksum")
    body = Body(data[8:-4])
    for _ in range(int.from_bytes(body.take(4), "big")):
        name = body.take(int.from_bytes(body.take(4), "big"))
        parts, stamp = body.take(1)[0], body.take(8)
        content = body.take(int.from_bytes(body.take(4), "big"))
        yield {"name": text(name), "parts": parts, "stamp": stamp.hex(), "content": text(content)}
    require(body.left() == 0, "bytes left over")


# ---- ../sharing.md ----


def lease(data):
    require(data[:8] == b"lslease1" and len(data) % 0x4000 == 0, "not a lease of version 1")
    state, alone, pid, since, count, _, length = struct.unpack_from("<7Q", data, 8)
    yield {"state": state, "alone": alone, "pid": pid, "since": since, "command": data[64:64 + length].decode()}
    for number in range(count):
        at = 1024 + 256 * number
        word, fingerprint, kind, length = struct.unpack_from("<QQBB", data, at)
        if word:
            held, expected = data[at + 18:at + 18 + length], 0xCBF29CE484222325
            for byte in held:
                expected = (expected ^ byte) * 0x100000001B3 % 2**64
            require(fingerprint == expected, "hash of claim %d" % number)
            yield {"claim": number, "kind": kind, "key": held.decode(), "mode": {1: "wanted", 2: "held"}[word % 4]}


# ---- README.md ----

HEX, ID, DB = "[0-9a-f]{64}", "[A-Za-z0-9][A-Za-z0-9_.-]*", "image/[a-z0-9]+/layerdb"
OURS = [
    (r"(.*/)?[^/]+\.damaged-[0-9]+", "damaged"),
    (r"(.*/)?\.tmp-[^/]*[0-9]", "leftover"),
    (r"layerstore\.lock", "lock"),
    (r"layerstore(/board|/\.?[0-9a-f]{16}(\.alive)?)?", "sharing"),
    (r"tmp/layerstore-[0-9]+", "leftover"),
    (r"\.layerstore-probe[0-9]+|(overlay2/)?check-overlayfs-support[0-9a-f]+", "leftover"),
    *((DB + "/tmp/%s-[0-9]+" % kind, kind) for kind in ("write-set", "mount-set", "mount-removing")),
    (DB + "/sha256/%s(-%s)?-removing" % (HEX, HEX), "removing"),
    ("vfs/attributes(/%s)?" % ID, "attributes"),
    ("vfs/names", "names"),
    (r"image/[a-z0-9]+/layerstore-partial(/sha(256|512)-[0-9a-f]+(-[0-9]+)?)?", "partial"),
    (r"image/[a-z0-9]+/layerstore-manifests(/%s(/[0-9]+-sha(256|512)-[0-9a-f]+)?)?" % HEX, "manifests"),
    (DB + r"/layerstore\.index|overlay2/layerstore\.index", "index"),
    ("vfs/staging(/[^/]+)?", "staging"),
    ("overlay2/%s/persistent" % ID, "persistent"),
]
DOCKERS = "|".join([
    "tmp|image|image/[a-z0-9]+(/repositories.json)?|%s(/(tmp|mounts|sha256))?" % DB,
    "%s/sha256/%s(/(diff|size|cache-id|parent|tar-split.json.gz|descriptor.json))?" % (DB, HEX),
    "%s/mounts/[^/]+(/(mount-id|init-id|parent))?" % DB,
    "image/[a-z0-9]+/imagedb(/(content|metadata)(/sha256(/%s(/(parent|lastUpdated|builtLocally))?)?)?)?" % HEX,
    "image/[a-z0-9]+/distribution(/(diffid-by-digest|v2metadata-by-diffid)(/sha256(/%s)?)?)?" % HEX,
    "vfs(/dir(/%s)?)?|overlay2(/l(/[A-Z2-7]+)?|/backingFsBlockDev)?" % ID,
    "overlay2/%s(/(diff|link|lower|work|committed|merged))?" % ID,
])
# Nothing below these is looked at: files of layers, and what is in the hands of unfinished work.
OPAQUE = r"vfs/dir/[^/]+|overlay2/[^/]+/(diff|work|merged)|.*-removing|(.*/)?tmp/.*|vfs/staging/.*|(.*/)?check-.*|\.layer.*"


def kind_of(name):
    kinds = [kind for pattern, kind in OURS if re.fullmatch(pattern, name)]
    return kinds[0] if kinds else "" if re.fullmatch(DOCKERS, name) else "unknown"


def root(top):
    for directory, names, files in os.walk(top):
        for name in sorted(names + files):
            path = os.path.relpath(os.path.join(directory, name), top)
            kind = kind_of(path)
            if kind:
                yield path + "\t" + kind
            if name in names and (re.fullmatch(OPAQUE, path) or kind in ("damaged", "unknown")):
                names.remove(name)


def main(command, path, *rest):
    data = b"" if command == "root" else open(path, "rb").read()
    if command == "tar-split":
        lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()
        sys.stdout.buffer.writelines(assemble(lines, *rest))
        return 0
    if command in ("root", "names"):
        lines = list(root(path) if command == "root" else check_names(data.decode("ascii").splitlines()))
        sys.stdout.writelines(line + "\n" for line in lines)
        return int(any(line.endswith("unknown") for line in lines) if command == "root" else bool(lines))
    for made in {"attributes": attributes, "frames": frames, "index": index, "lease": lease}[command](data):
        print(json.dumps(made))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
    except Malformed as malformed:
        sys.exit("read.py: " + str(malformed))
