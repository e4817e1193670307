package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.overlay2.linux.wire.HelperServer;
import io.layerstore.overlay2.linux.wire.HelperStart;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.testing.FormatVectors;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code docs/formats/helper.md} says what goes through the pipes to the helper and back. */
final class HelperVectorsTest {

  private static final Path PAGE = Path.of("../docs/formats/helper.md");
  private static final Pattern NUMBER =
      Pattern.compile("(?m)^([A-Z][A-Z0-9_]*) +(0x[0-9a-f]+|[0-9]+)\\b( [<>])?");

  private static final WrittenFrames TO_HELPER =
      new WrittenFrames()
          .frame("START", Protocol.OP_START)
          .number("u32", "version", 3)
          .number("u32", "flags", 3)
          .frame("FORK", Protocol.OP_FORK)
          .number("u8", "mode", Protocol.MODE_APPLY)
          .number("u32", "flags", 0x7c)
          .number("u32", "rootUid", 0xffff_fffeL)
          .number("u32", "rootGid", 100_000)
          .number("u64", "maxFileSize", Long.MAX_VALUE)
          .number("u8", "tree", Protocol.TREE_DIFF)
          .bytes("home", "/var/lib/docker/overlay2")
          .bytes("id", "layer")
          .frame("OPENED", Protocol.OP_OPENED)
          .frame("REAP", Protocol.OP_REAP)
          .number("u32", "pid", 4711)
          .frame("BLOCK", Protocol.OP_BLOCK)
          .number("u32", "offset", 262_144)
          .number("u32", "length", 1000)
          .frame("MAPPED", Protocol.OP_MAPPED)
          .frame("PROBE", Protocol.OP_PROBE)
          .frame("MOUNT", Protocol.OP_MOUNT)
          .number("u32", "flags", Protocol.MOUNT_METACOPY_OFF)
          .bytes("id", "layer")
          .bytes("label", "")
          .list("count", "link", List.of("AAAA", "BBBB"))
          .frame("UNMOUNT", Protocol.OP_UNMOUNT)
          .number("u32", "flags", Protocol.UNMOUNT_LAZY)
          .bytes("id", "layer")
          .frame("RELEASE", Protocol.OP_RELEASE)
          .number("i32", "descriptor", 7)
          .frame("LIST", Protocol.OP_LIST)
          .frame("ENTRY", Protocol.OP_ENTRY)
          .number("u8", "type", Protocol.TYPE_FILE)
          .number("u32", "mode", 04755)
          .number("u32", "uid", 0xffff_fffeL)
          .number("u32", "gid", 128)
          .number("i64", "mtime", -1)
          .number("u32", "mtimeNanos", 999_999_999)
          .number("i64", "atime", 1L << 40)
          .number("u32", "atimeNanos", 0)
          .number("u64", "size", 4099)
          .number("u64", "stored", 3)
          .number("u32", "major", 0)
          .number("u32", "minor", 0)
          .number("u16", "xattrs", 1)
          .bytes("path", "caf\u00e9 100%")
          .bytes("link", "")
          .frame("DATA", Protocol.OP_DATA)
          .number("u64", "offset", 4096)
          .rest("bytes", "new")
          .frame("XATTR", Protocol.OP_XATTR)
          .bytes("name", "user.x")
          .number("u32", "length", 2)
          .rest("value", "\u00ff")
          .frame("FINISH", Protocol.OP_FINISH)
          .frame("SCAN", Protocol.OP_SCAN)
          .number("u32", "flags", Protocol.SCAN_CONTENT)
          .bytes("path", "")
          .frame("NAMES", Protocol.OP_NAMES)
          .number("u32", "flags", 0)
          .bytes("path", "etc")
          .frame("STAT", Protocol.OP_STAT)
          .number("u32", "flags", Protocol.SCAN_FOLLOW)
          .bytes("path", "etc/motd")
          .frame("READ", Protocol.OP_READ)
          .number("u32", "flags", 0)
          .number("u64", "size", 6)
          .bytes("path", "etc/motd")
          .frame("REMOVE", Protocol.OP_REMOVE)
          .bytes("id", "layer")
          .frame("EXCHANGE", Protocol.OP_EXCHANGE)
          .bytes("id", "layer")
          .bytes("other", "pending")
          .frame("SYNC", Protocol.OP_SYNC);

  private static final WrittenFrames FROM_HELPER =
      new WrittenFrames()
          .frame("HELLO", Protocol.OP_HELLO)
          .number("u32", "version", 3)
          .number("u32", "pid", 4711)
          .number("u32", "facts", 0x0d)
          .frame("MAP", Protocol.OP_MAP)
          .number("u32", "pid", 4711)
          .frame("FORKED", Protocol.OP_FORKED)
          .number("u32", "pid", 4712)
          .number("u32", "input", 4)
          .number("u32", "output", 5)
          .number("u32", "memory", 6)
          .frame("REAPED", Protocol.OP_REAPED)
          .number("u8", "ended", 1)
          .number("u32", "status", 137)
          .frame("TAKEN", Protocol.OP_TAKEN)
          .number("u32", "offset", 262_144)
          .frame("DONE", Protocol.OP_DONE)
          .number("u64", "a", 1L << 33)
          .number("u64", "b", 2)
          .frame("ERROR", Protocol.OP_ERROR)
          .number("u16", "code", Protocol.CODE_SYSTEM)
          .number("u32", "errno", 28)
          .bytes("stage", "write")
          .bytes("path", "etc/motd")
          .bytes("text", "")
          .frame("FEATURE", Protocol.OP_FEATURE)
          .bytes("name", "overlay mount")
          .number("u8", "state", Protocol.STATE_UNKNOWN)
          .bytes("evidence", "mount: EPERM")
          .frame("MOUNTED", Protocol.OP_MOUNTED)
          .number("u8", "api", Protocol.API_NEW)
          .number("i32", "descriptor", -1)
          .frame("MOUNTPOINT", Protocol.OP_MOUNTPOINT)
          .number("u32", "mountId", 33)
          .number("u32", "major", 0)
          .number("u32", "minor", 52)
          .bytes("type", "overlay")
          .bytes("source", Protocol.SOURCE_OF_STORE)
          .bytes("path", "layer/merged")
          .frame("SALVAGE", Protocol.OP_SALVAGE)
          .number("u64", "size", 6)
          .bytes("path", "a")
          .frame("REDIRECT", Protocol.OP_REDIRECT)
          .bytes("path", "lib")
          .frame("THROUGH", Protocol.OP_THROUGH)
          .bytes("path", "lib/x")
          .bytes("real", "usr/lib/x")
          .number("u64", "size", 0)
          .frame("WARNING", Protocol.OP_WARNING)
          .number("u16", "code", Protocol.WARN_DEVICE_SKIPPED)
          .number("u32", "errno", 1)
          .bytes("path", "dev/null")
          .bytes("text", "")
          .frame("NODE", Protocol.OP_NODE)
          .number("u8", "type", Protocol.TYPE_CHARACTER_DEVICE)
          .number("u32", "mode", 0666)
          .number("u32", "uid", 0)
          .number("u32", "gid", 0)
          .number("u32", "links", 1)
          .number("u64", "device", 2049)
          .number("u64", "inode", 12)
          .number("u64", "size", 0)
          .number("i64", "mtime", 0)
          .number("u32", "mtimeNanos", 0)
          .number("i64", "ctime", 1_600_000_000)
          .number("u32", "ctimeNanos", 1)
          .number("u32", "major", 1)
          .number("u32", "minor", 3)
          .number("u32", "marks", Protocol.MARK_SEEN)
          .number("u16", "xattrs", 0)
          .bytes("path", "dev/null")
          .bytes("link", "")
          .frame("CONTENT_END", Protocol.OP_CONTENT_END)
          .number("u8", "changed", 0);

  @Test
  void numbers_onThePage_areThoseOfTheProtocol() throws IOException, IllegalAccessException {
    Map<String, Integer> onPage = new TreeMap<>();
    Matcher matcher = NUMBER.matcher(Files.readString(PAGE));
    while (matcher.find()) {
      String prefix = matcher.group(3) == null ? "" : "OP_";
      onPage.put(prefix + matcher.group(1), Integer.decode(matcher.group(2)));
    }

    assertEquals(ProtocolTest.inJava(), onPage);
  }

  @Test
  void vectors_ofFramesOfEveryKind_areWhatIsWrittenNow() throws IOException {
    FormatVectors.assertIs("to-helper.bin", TO_HELPER.frames());
    FormatVectors.assertIs("to-helper.json", TO_HELPER.json());
    FormatVectors.assertIs("from-helper.bin", FROM_HELPER.frames());
    FormatVectors.assertIs("from-helper.json", FROM_HELPER.json());
  }

  @Test
  void vectors_readByAnother_haveTheSameFields() throws IOException, InterruptedException {
    FormatVectors.assertReads("frames", "to-helper.bin", TO_HELPER.json());
    FormatVectors.assertReads("frames", "from-helper.bin", FROM_HELPER.json());
  }

  @Test
  void answers_ofTheHelper_areReadByAnother(@TempDir Path home)
      throws IOException, InterruptedException {
    Helpers.makeLayer(home, "layer", Helpers.link(1), false);
    Files.writeString(home.resolve("layer/diff/a"), "content");
    WrittenFrames questions =
        new WrittenFrames()
            .frame("SCAN", Protocol.OP_SCAN)
            .number("u32", "flags", Protocol.SCAN_CONTENT)
            .bytes("path", "")
            .frame("READ", Protocol.OP_READ)
            .number("u32", "flags", 0)
            .number("u64", "size", 1)
            .bytes("path", "missing");
    Path answers = Files.createTempFile(home, "answers", ".bin");
    HelperStart start =
        HelperStart.inLayer(HelperStart.Mode.SCAN, home, "layer", Protocol.TREE_DIFF)
            .withFlags(Helpers.isRoot() ? 0 : Protocol.START_USER_XATTR);
    try (HelperServer server = Helpers.server(Helpers.namespace())) {
      Process helper = server.fork(start);
      try (OutputStream in = helper.getOutputStream()) {
        in.write(questions.frames());
      }
      Files.write(answers, new BufferedInputStream(helper.getInputStream()).readAllBytes());
      assertEquals(Protocol.EXIT_DONE, helper.waitFor());
    }

    String read = FormatVectors.read("frames", answers.toString());

    List<String> names = read.lines().map(line -> line.split("\"", -1)[3]).toList();
    assertEquals(List.of("HELLO", "NODE", "DATA", "CONTENT_END", "DONE", "ERROR"), names);
    assertTrue(read.contains("\"bytes\": \"636f6e74656e74\""), read);
    assertFalse(read.contains("\"code\": 2,"), read);
  }
}
