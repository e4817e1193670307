package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.testing.ChildJvm;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WorkFileTest {

  @TempDir private Path directory;

  private boolean sweep(Path file) throws IOException {
    return WorkFile.ifAbandoned(file, () -> Files.delete(file));
  }

  @Test
  void ifAbandoned_fileOfThisProcess_isLeftAloneUntilClosed() throws IOException {
    Path file = directory.resolve("work");
    try (WorkFile work = WorkFile.create(file)) {
      assertTrue(work.channel().isOpen());
      assertFalse(sweep(file));
    }
    assertTrue(sweep(file));
    assertFalse(Files.exists(file));
  }

  /** As for a directory that is kept until the process ends. */
  @Test
  void create_nobodyHoldsTheObject_staysLocked() throws IOException {
    Path file = directory.resolve("work");
    boolean unused = WorkFile.create(file).channel().isOpen();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    try (FileChannel other = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertThrows(OverlappingFileLockException.class, other::tryLock);
    }
  }

  @Test
  void ifAbandoned_noFile_runsNothing() throws IOException {
    assertFalse(sweep(directory.resolve("none")));
  }

  @Test
  void ifAbandoned_link_runsNothing() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("file"));
    Files.createFile(directory.resolve("file"));
    assertFalse(sweep(link));
  }

  @Test
  void create_fileThatExists_fails() throws IOException {
    Path file = Files.createFile(directory.resolve("work"));
    assertThrows(FileAlreadyExistsException.class, () -> WorkFile.create(file));
    assertTrue(sweep(file));
  }

  /** Makes the file it is given, says so, and works until it is killed. */
  static final class Worker {
    private Worker() {}

    public static void main(String[] arguments) throws IOException {
      try (WorkFile work = WorkFile.create(Path.of(arguments[0]))) {
        System.out.println(work.channel().isOpen());
        int unused = System.in.read();
      }
    }
  }

  @Test
  void ifAbandoned_fileOfAnotherProcess_isLeftAloneUntilThatIsKilled()
      throws IOException, InterruptedException {
    Path file = directory.resolve("work");
    Process worker = ChildJvm.start(Worker.class, file);
    try (BufferedReader out = worker.inputReader()) {
      assertEquals("true", out.readLine());
      assertFalse(sweep(file));
    } finally {
      worker.destroyForcibly().waitFor();
    }
    assertTrue(sweep(file));
  }
}
