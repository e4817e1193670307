package io.layerstore.driver.rooted;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ByteString;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ByteNamesTest {

  @TempDir Path directory;

  private final ByteNames onDisk = new ByteNames(FileSystems.getDefault());

  static ByteString bytes(String latin1) {
    return ByteString.of(latin1.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Names that are no text, nearly text, or text that something on the way may take for more. */
  static Stream<ByteString> names() {
    return Stream.of(
        bytes("plain"),
        bytes("caf\u00e9"),
        bytes("\u00ff\u00fe"),
        bytes("..\u00c0\u00afx"),
        bytes("\u00ed\u00b2\u0080"),
        bytes("\u00f4\u0090\u0080\u0080"),
        bytes("a\u00e2\u0082"),
        ByteString.utf8("\u20ac\ud83d\ude00"),
        bytes("line\nbreak\ttab\rreturn"),
        bytes("\u0001\u007f\u0080"),
        bytes("100%"),
        bytes("%41%2F"),
        bytes("c:\\x"),
        bytes(" "),
        bytes("..."),
        bytes("-rf"),
        bytes("?*\"<>|"),
        bytes("dot."),
        bytes("a".repeat(255)));
  }

  @Nested
  class OnDisk {

    @ParameterizedTest
    @MethodSource("io.layerstore.driver.rooted.ByteNamesTest#names")
    void fromPath_listedFile_isTheNameItWasMadeWith(ByteString name) throws IOException {
      Files.createFile(directory.resolve(onDisk.toPath(name)));
      assertEquals(List.of(name), list(directory, onDisk));
    }

    @ParameterizedTest
    @MethodSource("io.layerstore.driver.rooted.ByteNamesTest#names")
    void fromLinkTarget_relativeLink_isTheTextItWasMadeWith(ByteString name) throws IOException {
      assertLinkKeeps(bytes("../x/").concat(name));
    }

    @ParameterizedTest
    @MethodSource("io.layerstore.driver.rooted.ByteNamesTest#names")
    void fromLinkTarget_absoluteLink_isTheTextItWasMadeWith(ByteString name) throws IOException {
      assertLinkKeeps(bytes("/x/").concat(name));
    }

    private void assertLinkKeeps(ByteString text) throws IOException {
      Path link = directory.resolve("link");
      Files.createSymbolicLink(link, onDisk.toLinkTarget(text));
      assertEquals(text, onDisk.fromLinkTarget(Files.readSymbolicLink(link)));
    }

    @Test
    void fromLinkTarget_absoluteLinkToDirectoryThatExists_hasNoSlashAdded() throws IOException {
      Path existing = Files.createDirectory(directory.resolve(onDisk.toPath(bytes("\u00e9"))));
      Path link = directory.resolve("link");
      Files.createSymbolicLink(link, existing);
      ByteString text = onDisk.fromLinkTarget(Files.readSymbolicLink(link));
      assertEquals(ByteString.utf8(directory + "/").concat(bytes("\u00e9")), text);
    }
  }

  @Nested
  class InMemory {

    private final FileSystem fileSystem = MemoryFiles.unix();
    private final ByteNames inMemory = new ByteNames(fileSystem);

    @ParameterizedTest
    @MethodSource("io.layerstore.driver.rooted.ByteNamesTest#names")
    void fromPath_listedFile_isTheNameItWasMadeWith(ByteString name) throws IOException {
      Path top = Files.createDirectory(fileSystem.getPath("/top"));
      Files.createFile(top.resolve(inMemory.toPath(name)));
      assertEquals(List.of(name), list(top, inMemory));
    }

    @ParameterizedTest
    @MethodSource("io.layerstore.driver.rooted.ByteNamesTest#names")
    void fromLinkTarget_link_isTheTextItWasMadeWith(ByteString name) throws IOException {
      ByteString text = bytes("../x/").concat(name);
      Path link = fileSystem.getPath("/link");
      Files.createSymbolicLink(link, inMemory.toLinkTarget(text));
      assertEquals(text, inMemory.fromLinkTarget(Files.readSymbolicLink(link)));
    }
  }

  private static List<ByteString> list(Path directory, ByteNames names) throws IOException {
    List<ByteString> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        found.add(names.fromPath(entry));
      }
    }
    return found;
  }
}
