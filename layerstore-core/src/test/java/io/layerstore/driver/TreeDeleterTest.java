package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation.Kind;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class TreeDeleterTest {

  private ScratchDirectory scratch;
  private Path tree;

  @BeforeEach
  void create() throws IOException {
    scratch = ScratchDirectory.create();
    tree = scratch.resolve("tree");
  }

  @AfterEach
  void delete() throws IOException {
    scratch.close();
  }

  static List<Configuration> memories() {
    return List.of(
        Configuration.unix().toBuilder()
            .setAttributeViews("basic", "owner", "posix", "unix", "user")
            .build(),
        Configuration.unix(),
        Configuration.osX(),
        Configuration.windows());
  }

  private static void fill(Path tree) throws IOException {
    Files.createDirectories(tree.resolve("a").resolve("b").resolve("c"));
    Files.createDirectory(tree.resolve("empty"));
    Files.writeString(tree.resolve("f"), "x");
    Files.writeString(tree.resolve("a").resolve("f"), "x");
    Files.writeString(tree.resolve("a").resolve("b").resolve("c").resolve("f"), "x");
  }

  @Test
  void delete_tree_isGone() throws IOException {
    fill(tree);
    Path beside = Files.writeString(scratch.resolve("beside"), "x");
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
    assertTrue(Files.exists(beside));
  }

  @ParameterizedTest
  @MethodSource("memories")
  void delete_treeInMemory_isGone(Configuration configuration) throws IOException {
    try (FileSystem memory = Jimfs.newFileSystem(configuration)) {
      Path inMemory = memory.getRootDirectories().iterator().next().resolve("tree");
      fill(inMemory);
      TreeDeleter.delete(inMemory);
      assertFalse(Files.exists(inMemory));
    }
  }

  @ParameterizedTest
  @MethodSource("memories")
  void delete_deepTreeInMemory_isGone(Configuration configuration) throws IOException {
    try (FileSystem memory = Jimfs.newFileSystem(configuration)) {
      Path inMemory = memory.getRootDirectories().iterator().next().resolve("tree");
      Path deep = inMemory;
      for (int i = 0; i < 50; i++) {
        deep = deep.resolve("d");
      }
      Files.createDirectories(deep);
      Files.writeString(deep.resolve("f"), "x");
      TreeDeleter.delete(inMemory);
      assertFalse(Files.exists(inMemory));
    }
  }

  @Test
  void delete_missing_isHarmless() throws IOException {
    TreeDeleter.delete(tree);
  }

  @Test
  void delete_fileOrLink_removesItAlone() throws IOException {
    Path file = Files.writeString(scratch.resolve("f"), "x");
    Path link = Files.createSymbolicLink(scratch.resolve("l"), file);
    TreeDeleter.delete(link);
    assertTrue(Files.exists(file));
    TreeDeleter.delete(file);
    assertFalse(Files.exists(file));
  }

  @Test
  void delete_linksInIt_areNotFollowed() throws IOException {
    Path outside = Files.createDirectory(scratch.resolve("outside"));
    Files.writeString(outside.resolve("f"), "x");
    Files.createDirectory(tree);
    Files.createSymbolicLink(tree.resolve("absolute"), outside);
    Files.createSymbolicLink(tree.resolve("relative"), Path.of("../outside"));
    Files.createSymbolicLink(tree.resolve("file"), outside.resolve("f"));
    Files.createSymbolicLink(tree.resolve("dangling"), Path.of("nowhere"));
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
    assertTrue(Files.exists(outside.resolve("f")));
  }

  @Test
  void delete_fifosSocketsAndOddNames_areGone() throws Exception {
    Files.createDirectory(tree);
    Tool.require("mkfifo").run(tree.resolve("fifo"));
    Tool.require("sh")
        .in(tree)
        .run("-c", "printf x > \"$(printf 'bad\\377name')\"; mkdir ' \\n'; mkdir -- -rf; : > '*'");
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_deeperThanAnyPath_isGoneWithFewDescriptors() throws Exception {
    // 2,000 levels of names of 100 bytes: 200 KB of path, where the system allows 4 KB.
    int levels = 2000;
    Files.createDirectory(tree);
    Tool.require("sh")
        .in(tree)
        .run(
            "-c",
            "n=$(printf '%0100d' 0); i=0; while [ $i -lt "
                + levels
                + " ]; do mkdir $n && cd $n && : > file; i=$((i+1)); done");
    FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
    AtomicInteger most = new AtomicInteger();
    faulty.failWhen(
        operation -> {
          most.accumulateAndGet(faulty.openResources().size(), Math::max);
          return false;
        });
    TreeDeleter.delete(faulty.wrap(tree));
    assertFalse(Files.exists(tree));
    // A directory stream has two descriptors.
    assertTrue(2 * most.get() < 64, () -> most + " directories were open at the same time");
    assertEquals(List.of(), faulty.openResources());
  }

  @Test
  void delete_wideAndDeep_isGone() throws IOException {
    for (int i = 0; i < 20; i++) {
      Path deep = tree.resolve("t" + i);
      for (int j = 0; j < 20; j++) {
        deep = deep.resolve("d" + j);
      }
      Files.createDirectories(deep);
      for (Path p = deep; !p.equals(tree); p = p.getParent()) {
        Files.writeString(p.resolve("f"), "x");
      }
    }
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_manyFiles_areGone() throws IOException {
    Files.createDirectory(tree);
    for (int i = 0; i < 3000; i++) {
      Files.createFile(tree.resolve("some-longer-name-" + i));
    }
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_modesShutTheOwnerOut_isGone() throws IOException {
    // As root modes shut nobody out, and this only shows that nothing else goes wrong.
    fill(tree);
    Path deep = tree.resolve("a/b/c/d/e/f/g/h/i/j");
    Files.createDirectories(deep);
    Files.writeString(deep.resolve("f"), "x");
    for (String name : List.of("a/b/c/d/e/f/g/h/i/j", "a/b/c/d/e/f/g/h/i", "a/b", "empty", "")) {
      Files.setPosixFilePermissions(
          tree.resolve(name), PosixFilePermissions.fromString("---------"));
    }
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_readOnlyDirectories_areGone() throws IOException {
    fill(tree);
    for (String name : List.of("a/b/c", "a/b", "a", "empty", "")) {
      Files.setPosixFilePermissions(
          tree.resolve(name), PosixFilePermissions.fromString("r-xr-xr-x"));
    }
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_notAllowed_failsAndNamesIt() {
    // The kernel lets nobody delete this one.
    Path file = Path.of("/proc/version");
    assumeTrue(Files.exists(file), "needs /proc");
    FileSystemException e = assertThrows(FileSystemException.class, () -> TreeDeleter.delete(file));
    assertEquals(file.toString(), e.getFile());
  }

  @Test
  void delete_entryCannotBeDeleted_failsAndCanBeRepeated() throws IOException {
    fill(tree);
    FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
    faulty.failWhen(
        operation -> operation.kind() == Kind.DELETE && operation.path().endsWith("c/f"));
    assertThrows(FileSystemException.class, () -> TreeDeleter.delete(faulty.wrap(tree)));
    assertEquals(List.of(), faulty.openResources());
    assertTrue(Files.exists(tree.resolve("a/b/c/f")));
    TreeDeleter.delete(tree);
    assertFalse(Files.exists(tree));
  }

  @Test
  void delete_bindMountInIt_refusesBeforeAnythingIsDeleted() throws Exception {
    requireUnshare();
    fill(tree);
    Path elsewhere = Files.createDirectory(scratch.resolve("elsewhere"));
    Files.writeString(elsewhere.resolve("precious"), "x");
    Tool mount = Tool.require("mount");
    mount.run("--bind", elsewhere, tree.resolve("a/b/c"));
    try {
      FileSystemException e =
          assertThrows(FileSystemException.class, () -> TreeDeleter.delete(tree));
      assertEquals(tree.resolve("a/b/c").toString(), e.getFile());
      assertTrue(Files.exists(elsewhere.resolve("precious")));
      assertTrue(Files.exists(tree.resolve("f")));
    } finally {
      Tool.require("umount").run(tree.resolve("a/b/c"));
    }
    TreeDeleter.delete(tree);
    assertTrue(Files.exists(elsewhere.resolve("precious")));
  }

  @Test
  void delete_mountedItself_refuses() throws Exception {
    requireUnshare();
    Files.createDirectory(tree);
    Path link = Files.createSymbolicLink(scratch.resolve("way"), scratch.path());
    Tool.require("mount").run("-t", "tmpfs", "tmpfs", tree);
    try {
      Files.writeString(tree.resolve("precious"), "x");
      assertThrows(FileSystemException.class, () -> TreeDeleter.delete(link.resolve("tree")));
      assertTrue(Files.exists(tree.resolve("precious")));
    } finally {
      Tool.require("umount").run(tree);
    }
  }

  private static void requireUnshare() {
    Machine.requireRoot();
    assumeTrue(canMount(), "needs to be allowed to mount");
  }

  private static boolean canMount() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      // CAP_SYS_ADMIN is the 21st.
      return lines
          .filter(line -> line.startsWith("CapEff:"))
          .map(line -> Long.parseUnsignedLong(line.substring(7).trim(), 16))
          .anyMatch(capabilities -> (capabilities & (1L << 21)) != 0);
    } catch (IOException e) {
      return false;
    }
  }
}
