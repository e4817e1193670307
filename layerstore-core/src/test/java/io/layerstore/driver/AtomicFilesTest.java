package io.layerstore.driver;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.FileOperation.Kind;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFilesTest {

  @TempDir private Path directory;

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }

  @Nested
  final class Read {

    @Test
    void read_smallFile_isItsContent() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "value");
      assertArrayEquals(bytes("value"), AtomicFiles.read(file, 5));
    }

    @Test
    void read_empty_isEmpty() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "");
      assertEquals(0, AtomicFiles.read(file, 5).length);
    }

    @Test
    void read_oneByteTooMany_isCorruption() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "values");
      assertThrows(StoreCorruptedException.class, () -> AtomicFiles.read(file, 5));
    }

    @Test
    void read_missing_saysSo() {
      assertThrows(NoSuchFileException.class, () -> AtomicFiles.read(directory.resolve("f"), 5));
    }

    @Test
    void read_symbolicLink_isCorruption() throws IOException {
      Files.writeString(directory.resolve("f"), "v");
      Path link = Files.createSymbolicLink(directory.resolve("l"), Path.of("f"));
      assertThrows(StoreCorruptedException.class, () -> AtomicFiles.read(link, 5));
    }

    @Test
    void read_directory_isCorruption() {
      assertThrows(StoreCorruptedException.class, () -> AtomicFiles.read(directory, 5));
    }

    @Test
    @Timeout(60)
    void read_fifo_isCorruptionAndDoesNotWait() throws Exception {
      Path fifo = directory.resolve("fifo");
      Tool.require("mkfifo").run(fifo);
      assertThrows(StoreCorruptedException.class, () -> AtomicFiles.read(fifo, 5));
    }

    @Test
    void read_sizeNotTold_isReadToItsEnd() throws IOException {
      // Files of the kernel say 0 bytes; so does one that grows after the look at it.
      Path status = Path.of("/proc/self/status");
      org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(status), "needs /proc");
      assertTrue(new String(AtomicFiles.read(status, 1 << 20), UTF_8).contains("Name:"));
      assertThrows(StoreCorruptedException.class, () -> AtomicFiles.read(status, 10));
    }

    @Test
    void read_interruptedThread_isReadAndStaysInterrupted() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "value");
      Thread.currentThread().interrupt();
      try {
        assertArrayEquals(bytes("value"), AtomicFiles.read(file, 5));
      } finally {
        assertTrue(Thread.interrupted());
      }
    }
  }

  @Nested
  final class Write {

    @Test
    void write_overExisting_replacesContentAndMode() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "old");
      AtomicFiles.write(file, bytes("new"), 0604, Durability.FULL);
      assertEquals("new", Files.readString(file));
      assertEquals("rw----r--", mode(file));
      assertEquals(List.of("f"), names(directory));
    }

    @Test
    void write_overSymbolicLink_replacesTheLink() throws IOException {
      Path target = Files.writeString(directory.resolve("target"), "old");
      Path link = Files.createSymbolicLink(directory.resolve("link"), target);
      AtomicFiles.write(link, bytes("new"), 0644, Durability.NONE);
      assertFalse(Files.isSymbolicLink(link));
      assertEquals("old", Files.readString(target));
    }

    @Test
    void write_durable_forcesTheFileRenamesAndForcesTheDirectory() throws IOException {
      FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
      AtomicFiles.write(faulty.wrap(directory.resolve("f")), bytes("v"), 0644, Durability.METADATA);
      assertEquals(
          List.of(
              Kind.CREATE_FILE,
              Kind.SET_ATTRIBUTE,
              Kind.WRITE,
              Kind.FORCE,
              Kind.MOVE,
              Kind.FORCE_DIRECTORY),
          faulty.operations().stream().map(FileOperation::kind).toList());
    }

    @Test
    void write_notDurable_forcesNothing() throws IOException {
      FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
      AtomicFiles.write(faulty.wrap(directory.resolve("f")), bytes("v"), 0644, Durability.NONE);
      assertEquals(
          List.of(Kind.CREATE_FILE, Kind.SET_ATTRIBUTE, Kind.WRITE, Kind.MOVE),
          faulty.operations().stream().map(FileOperation::kind).toList());
    }

    @Test
    void write_anyFailure_leavesOldOrNewAndNothingElse() throws IOException {
      for (int i = 0; i < 6; i++) {
        Path file = Files.writeString(directory.resolve("f"), "old");
        FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
        faulty.failAt(i);
        Path wrapped = faulty.wrap(file);
        assertThrows(
            IOException.class,
            () -> AtomicFiles.write(wrapped, bytes("new"), 0644, Durability.FULL));
        assertEquals(i < 5 ? "old" : "new", Files.readString(file), "failure " + i);
        assertEquals(List.of("f"), names(directory), "failure " + i);
        assertEquals(List.of(), faulty.openResources());
      }
    }

    @Test
    void writeNew_existing_isRefusedAndKept() throws IOException {
      Path file = Files.writeString(directory.resolve("f"), "old");
      assertThrows(
          FileAlreadyExistsException.class,
          () -> AtomicFiles.writeNew(file, bytes("new"), 0644, Durability.NONE));
      assertEquals("old", Files.readString(file));
    }

    @Test
    void writeNew_danglingLink_isRefused() throws IOException {
      Path link = Files.createSymbolicLink(directory.resolve("l"), Path.of("nowhere"));
      assertThrows(
          FileAlreadyExistsException.class,
          () -> AtomicFiles.writeNew(link, bytes("new"), 0644, Durability.NONE));
      assertFalse(Files.exists(directory.resolve("nowhere")));
    }

    @Test
    void writeNew_interruptedThread_writesAndStaysInterrupted() throws IOException {
      Thread.currentThread().interrupt();
      try {
        AtomicFiles.writeNew(directory.resolve("f"), bytes("v"), 0644, Durability.FULL);
      } finally {
        assertTrue(Thread.interrupted());
      }
      assertEquals("v", Files.readString(directory.resolve("f")));
    }

    @Test
    void write_modeBeyondPermissions_isRefused() {
      assertThrows(
          IllegalArgumentException.class,
          () -> AtomicFiles.writeNew(directory.resolve("f"), bytes("v"), 04755, Durability.NONE));
    }

    @Test
    void write_inMemoryWithoutPermissions_works() throws IOException {
      try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
        Path file = memory.getPath("/f");
        AtomicFiles.write(file, bytes("v"), 0600, Durability.FULL);
        assertArrayEquals(bytes("v"), AtomicFiles.read(file, 5));
      }
    }

    @Test
    void write_inMemoryOfWindows_works() throws IOException {
      try (FileSystem memory = Jimfs.newFileSystem(Configuration.windows())) {
        Path file = memory.getPath("C:\\f");
        AtomicFiles.write(file, bytes("v"), 0600, Durability.FULL);
        AtomicFiles.write(file, bytes("w"), 0600, Durability.FULL);
        assertArrayEquals(bytes("w"), AtomicFiles.read(file, 5));
      }
    }
  }

  @Nested
  final class Directories {

    @Test
    void createDirectory_anyUmask_hasTheMode() throws IOException {
      AtomicFiles.createDirectory(directory.resolve("d"), 0777);
      assertEquals("rwxrwxrwx", mode(directory.resolve("d")));
    }

    @Test
    void createDirectory_existing_isRefused() throws IOException {
      Files.createDirectory(directory.resolve("d"));
      assertThrows(
          FileAlreadyExistsException.class,
          () -> AtomicFiles.createDirectory(directory.resolve("d"), 0700));
    }

    @Test
    void createDirectories_someMissing_makesThoseAndKeepsOthers() throws IOException {
      Path existing = Files.createDirectory(directory.resolve("a"));
      Files.setPosixFilePermissions(existing, PosixFilePermissions.fromString("rwx--x--x"));
      AtomicFiles.createDirectories(existing.resolve("b/c"), 0710, Durability.FULL);
      assertEquals("rwx--x--x", mode(existing));
      assertEquals("rwx--x---", mode(existing.resolve("b")));
      assertEquals("rwx--x---", mode(existing.resolve("b/c")));
    }

    @Test
    void createDirectories_reachedThroughALink_isMade() throws IOException {
      Files.createDirectory(directory.resolve("real"));
      Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("real"));
      AtomicFiles.createDirectories(link.resolve("a"), 0700, Durability.NONE);
      assertTrue(Files.isDirectory(directory.resolve("real/a")));
    }

    @Test
    void createDirectories_linkInItsPlace_isRefused() throws IOException {
      Files.createDirectory(directory.resolve("real"));
      Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("real"));
      assertThrows(
          FileAlreadyExistsException.class,
          () -> AtomicFiles.createDirectories(link, 0700, Durability.NONE));
    }

    @Test
    void createDirectories_durable_forcesEachNewName() throws IOException {
      FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
      AtomicFiles.createDirectories(
          faulty.wrap(directory.resolve("a/b")), 0700, Durability.METADATA);
      assertEquals(
          List.of(directory, directory.resolve("a")),
          faulty.operations().stream()
              .filter(operation -> operation.kind() == Kind.FORCE_DIRECTORY)
              .map(FileOperation::path)
              .toList());
    }

    @Test
    void syncDirectory_onDisk_reportsAFailure() {
      FaultyFileSystem faulty = FaultyFileSystem.over(FileSystems.getDefault());
      faulty.failWhen(operation -> operation.kind() == Kind.FORCE_DIRECTORY);
      assertThrows(IOException.class, () -> AtomicFiles.syncDirectory(faulty.wrap(directory)));
    }

    @Test
    void syncDirectory_missing_fails() {
      assertThrows(
          IOException.class, () -> AtomicFiles.syncDirectory(directory.resolve("nowhere")));
    }

    @Test
    void syncDirectory_inMemory_doesNothing() throws IOException {
      try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
        AtomicFiles.syncDirectory(memory.getPath("/"));
      }
    }

    @Test
    void createNew_anyUmask_hasTheMode() throws IOException {
      try (FileChannel channel = AtomicFiles.createNew(directory.resolve("f"), 0666)) {
        assertEquals(0, channel.size());
      }
      assertEquals("rw-rw-rw-", mode(directory.resolve("f")));
    }
  }
}
