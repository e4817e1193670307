package io.layerstore.driver.rooted;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory that is held open while somebody puts a link in its place. */
final class DirectoryTest {

  private static final ByteString NAME = ByteString.utf8("new");
  private static final int THREADS = 4;
  private static final int EACH = 50;

  @TempDir private Path temp;
  private Path path;
  private Path aside;
  private Path outside;

  @BeforeEach
  void makeDirectories() throws IOException {
    assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "needs /proc");
    path = Files.createDirectory(temp.resolve("directory"));
    aside = temp.resolve("aside");
    outside = Files.createDirectory(temp.resolve("outside"));
  }

  private Directory open() throws IOException {
    Directory directory = Directory.open(path, DiskNames.asTheyAre(path.getFileSystem()));
    assertTrue(directory.isHeld());
    return directory;
  }

  private void exchangeForALink() throws IOException {
    Files.move(path, aside);
    Files.createSymbolicLink(path, outside);
  }

  @Test
  void makeDirectory_exchangedForALink_makesItInTheOneThatIsOpen() throws IOException {
    try (Directory directory = open()) {
      exchangeForALink();

      directory.makeDirectory(NAME);

      assertTrue(Files.isDirectory(aside.resolve("new")));
      assertFalse(Files.exists(outside.resolve("new")));
    }
  }

  @Test
  void openFile_exchangedForALink_makesItInTheOneThatIsOpen() throws IOException {
    try (Directory directory = open()) {
      exchangeForALink();

      directory
          .openFile(
              NAME,
              Set.of(
                  StandardOpenOption.CREATE_NEW,
                  StandardOpenOption.WRITE,
                  LinkOption.NOFOLLOW_LINKS))
          .close();

      assertTrue(Files.isRegularFile(aside.resolve("new")));
      assertFalse(Files.exists(outside.resolve("new")));
    }
  }

  @Test
  void makeDirectory_linkThere_isRefused() throws IOException {
    Files.createSymbolicLink(path.resolve("new"), outside.resolve("made"));
    try (Directory directory = open()) {
      assertThrows(FileAlreadyExistsException.class, () -> directory.makeDirectory(NAME));
    }
    assertFalse(Files.exists(outside.resolve("made")));
  }

  @Test
  void makeDirectory_directoryDeleted_fails() throws IOException {
    try (Directory directory = open()) {
      Files.delete(path);

      assertThrows(NoSuchFileException.class, () -> directory.makeDirectory(NAME));
    }
  }

  @Test
  void makeDirectory_manyThreadsInOne_eachIsMadeThere() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int thread = i;
        running.add(threads.submit(() -> makeMany(thread)));
      }
      for (Future<?> each : running) {
        each.get();
      }
    } finally {
      threads.shutdown();
    }
    try (Directory directory = open()) {
      assertEquals(THREADS * EACH, directory.list().size());
    }
  }

  private boolean makeMany(int thread) throws IOException {
    for (int i = 0; i < EACH; i++) {
      try (Directory directory = open()) {
        directory.makeDirectory(ByteString.utf8(thread + "-" + i));
      }
    }
    return true;
  }
}
