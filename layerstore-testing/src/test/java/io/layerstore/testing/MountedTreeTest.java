package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

final class MountedTreeTest {

  private FileSystem fileSystem;
  private Path root;
  private MountedTree tree;

  @BeforeEach
  void makeTree() throws IOException {
    fileSystem = MemoryFiles.unix();
    root = Files.createDirectory(fileSystem.getPath("/root"));
    tree = new MountedTree(root);
  }

  @AfterEach
  void closeFileSystem() throws IOException {
    fileSystem.close();
  }

  private List<String> paths() throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      return paths.skip(1).map(path -> root.relativize(path).toString()).sorted().toList();
    }
  }

  @Test
  void apply_entries_makesThem() throws IOException {
    tree.apply(dir("d"), file("d/f", "x"), symlink("l", "d/f"), hardLink("h", "d/f"));
    assertEquals(List.of("d", "d/f", "h", "l"), paths());
    assertEquals("x", Files.readString(root.resolve("l")));
  }

  @Test
  void apply_attributes_setsModeAndTime() throws IOException {
    tree.apply(dir("d").mode(0700), file("d/f", "x").mode(0640));
    assertEquals(
        "rw-r-----",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("d/f"))));
    assertEquals(FileTime.from(TIME), Files.getLastModifiedTime(root.resolve("d")));
  }

  @Test
  void apply_removeAndOpaque_removeAllBelow() throws IOException {
    tree.apply(dir("d"), dir("d/e"), file("d/e/f", "x"), dir("g"), file("g/h", ""));
    tree.apply(remove("d"), opaque("g"));
    assertEquals(List.of("g"), paths());
  }

  @Test
  void apply_fileOverDirectory_replacesIt() throws IOException {
    tree.apply(dir("d"), file("d/f", "x"));
    tree.apply(file("d", "y"));
    assertEquals(List.of("d"), paths());
  }

  @Test
  void apply_fifo_skipsTheTest() {
    assertThrows(TestAbortedException.class, () -> tree.apply(fifo("p")));
  }

  @Test
  void apply_alteration_isAMistake() {
    assertThrows(IllegalArgumentException.class, () -> tree.apply(chmod("f", 0600)));
  }
}
