package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OutputFileTest {
  @TempDir private Path temp;

  @Test
  void commit_newFile_hasTheContent() throws IOException {
    Path file = temp.resolve("out");

    write(file, "new", true);

    assertEquals("new", Files.readString(file));
    assertEquals(List.of(file), children());
  }

  @Test
  void close_withoutCommit_leavesNothing() throws IOException {
    write(temp.resolve("out"), "half", false);

    assertEquals(List.of(), children());
  }

  @Test
  void close_withoutCommit_leavesTheOldFile() throws IOException {
    Path file = Files.writeString(temp.resolve("out"), "old");

    write(file, "half", false);

    assertEquals("old", Files.readString(file));
    assertEquals(List.of(file), children());
  }

  @Test
  void create_beforeCommit_showsNoFile() throws IOException {
    Path file = temp.resolve("out");

    try (OutputFile output = OutputFile.create(file)) {
      output.stream().write(1);

      assertFalse(Files.exists(file));
    }
  }

  @Test
  void create_besideAFileOfACommandThatWasKilled_deletesIt() throws IOException {
    Files.createFile(temp.resolve(".tmp-out123"));
    Path ofAnother = Files.createFile(temp.resolve(".tmp-out2-123"));
    Path file = temp.resolve("out");

    write(file, "new", true);

    assertEquals(Set.of(file, ofAnother), Set.copyOf(children()));
  }

  @Test
  void commit_symbolicLink_replacesWhatItPointsTo() throws IOException {
    Path file = Files.writeString(temp.resolve("file"), "old");
    Path link = Files.createSymbolicLink(temp.resolve("link"), file.getFileName());

    write(link, "new", true);

    assertTrue(Files.isSymbolicLink(link));
    assertEquals("new", Files.readString(file));
  }

  @Test
  void commit_newFile_hasTheModeOfAnyNewFile() throws IOException {
    Path other = Files.createFile(temp.resolve("other"));
    Path file = temp.resolve("out");

    write(file, "new", true);

    assertEquals(Files.getPosixFilePermissions(other), Files.getPosixFilePermissions(file));
  }

  @Test
  void commit_device_staysADevice() throws IOException {
    Path device = Path.of("/dev/null");
    assumeTrue(Files.exists(device), "needs /dev/null");

    write(device, "gone", true);

    assertFalse(Files.isRegularFile(device));
  }

  @Test
  void create_missingDirectory_fails() {
    assertThrows(
        NoSuchFileException.class, () -> OutputFile.create(temp.resolve("none").resolve("out")));
  }

  private static void write(Path file, String content, boolean commit) throws IOException {
    try (OutputFile output = OutputFile.create(file)) {
      output.stream().write(content.getBytes(StandardCharsets.UTF_8));
      if (commit) {
        output.commit();
      }
    }
  }

  private List<Path> children() throws IOException {
    try (Stream<Path> children = Files.list(temp)) {
      return children.toList();
    }
  }
}
