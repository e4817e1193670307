package io.layerstore.core.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import com.google.common.util.concurrent.Uninterruptibles;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreLockedException;
import io.layerstore.testing.LibraryThreads;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Tool;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class StoreLockTest {

  @TempDir private Path root;

  private static StoreLock.Held acquire(Path root) throws LayerStoreException {
    return StoreLock.acquire(root, false, () -> {});
  }

  private static StoreLock.Held share(Path root) throws LayerStoreException {
    return StoreLock.acquire(root, true, () -> {});
  }

  @Test
  void acquire_lockFileThatIsAnotherUsers_isRefusedAndSaysWhy() throws IOException {
    assumeFalse(Machine.isRoot(), "root may open every file");
    Path file = Files.createFile(root.resolve("layerstore.lock"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));

    LayerStoreException e = assertThrows(LayerStoreException.class, () -> share(root));
    assertTrue(e.getMessage().contains("permission denied: " + file), e.getMessage());
    assertTrue(e.getMessage().contains("run as another user"), e.getMessage());
  }

  @Test
  void acquire_shared_keepsOutWhoWantsItAlone() throws IOException {
    StoreLock.Held first = share(root);
    StoreLock.Held second = share(root);
    first.close();
    assertThrows(StoreLockedException.class, () -> acquire(root));
    assertOtherProcessIsLockedOut();
    second.close();
    acquire(root).close();
  }

  @Test
  void acquire_sharedBesideAnOlderVersion_isRefused() throws Exception {
    try (OtherProcess other = new OtherProcess(root, OtherProcess.OLD)) {
      assertEquals("holds true", other.answer());
      assertThrows(StoreLockedException.class, () -> share(root));
    }
    StoreLock.Held lock = share(root);
    try (OtherProcess other = new OtherProcess(root, OtherProcess.OLD)) {
      assertEquals("locked out", other.answer());
    }
    lock.close();
  }

  @Test
  void acquire_sharedWhileSomebodyHasItAlone_isRefused() throws IOException {
    StoreLock.Held lock = acquire(root);
    assertThrows(StoreLockedException.class, () -> share(root));
    lock.close();
    share(root).close();
  }

  private Path lockFile() {
    return root.resolve(DataRoot.LOCK_FILE);
  }

  /** Another process that tries to lock a root, says what came of it, and ends with its input. */
  static final class OtherProcess implements AutoCloseable {

    private final Process process;
    private final BufferedReader out;

    /** Locks as versions before the root could be shared. */
    static final String OLD = "old";

    OtherProcess(Path root) throws IOException {
      this(root, "");
    }

    OtherProcess(Path root, String how) throws IOException {
      process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-cp",
                  classPath().map(Path::toString).collect(Collectors.joining(File.pathSeparator)),
                  OtherProcess.class.getName(),
                  root.toString(),
                  how)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      out = process.inputReader(StandardCharsets.UTF_8);
    }

    String answer() throws IOException {
      return out.readLine();
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }

    /** The main program of the other process. */
    public static void main(String[] arguments) throws IOException {
      if (arguments[1].equals(OLD)) {
        try (FileChannel channel =
            FileChannel.open(
                Path.of(arguments[0]).resolve(DataRoot.LOCK_FILE),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
          FileLock lock = channel.tryLock();
          System.out.println(lock == null ? "locked out" : "holds true");
          while (lock != null && System.in.read() >= 0) {}
        }
        return;
      }
      try (StoreLock.Held lock = acquire(Path.of(arguments[0]))) {
        System.out.println("holds " + (lock != null));
        while (System.in.read() >= 0) {}
      } catch (StoreLockedException e) {
        System.out.println("locked out");
      }
    }
  }

  /** Where the lock is, and all that it needs. */
  private static Stream<Path> classPath() {
    return Stream.of(
            StoreLock.class, LayerStoreException.class, Uninterruptibles.class, StoreLockTest.class)
        .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
        .map(location -> Path.of(URI.create(location.toString())));
  }

  private void assertOtherProcessIsLockedOut() throws IOException {
    try (OtherProcess other = new OtherProcess(root)) {
      assertEquals("locked out", other.answer());
    }
  }

  @Test
  void acquire_free_makesAnEmptyPrivateFile() throws IOException {
    acquire(root).close();
    assertEquals(0, Files.size(lockFile()));
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(lockFile())));
  }

  @Test
  void acquire_heldInThisJvm_isRefusedWithTheRoot() throws IOException {
    StoreLock.Held lock = acquire(root);
    StoreLockedException e = assertThrows(StoreLockedException.class, () -> acquire(root));
    assertEquals(root, e.root());
    lock.close();
  }

  @Test
  void acquire_otherSpellingsOfTheRoot_areTheSameRoot(@TempDir Path elsewhere) throws IOException {
    StoreLock.Held lock = acquire(root);
    Path link = Files.createSymbolicLink(elsewhere.resolve("link"), root);
    Path dotted = root.resolve("..").resolve(root.getFileName());
    Path relative = Path.of("").toAbsolutePath().relativize(root);
    for (Path spelling : List.of(link, dotted, relative)) {
      assertThrows(StoreLockedException.class, () -> acquire(spelling), "" + spelling);
    }
    Files.delete(link);
    lock.close();
  }

  @Test
  void acquire_otherRoot_isIndependent(@TempDir Path other) throws IOException {
    StoreLock.Held lock = acquire(root);
    acquire(other).close();
    lock.close();
  }

  @Test
  void acquire_afterClose_works() throws IOException {
    for (int i = 0; i < 3; i++) {
      acquire(root).close();
    }
  }

  @Test
  void acquire_heldByAnotherProcess_isRefusedUntilThatEnds() throws IOException {
    try (OtherProcess other = new OtherProcess(root)) {
      assertEquals("holds true", other.answer());
      assertThrows(StoreLockedException.class, () -> acquire(root));
    }
    acquire(root).close();
  }

  @Test
  void acquire_holderIsKilled_works() throws Exception {
    try (OtherProcess other = new OtherProcess(root)) {
      assertEquals("holds true", other.answer());
      other.process.destroyForcibly().waitFor();
      acquire(root).close();
    }
  }

  @Test
  void acquire_held_anotherProcessIsLockedOut() throws IOException {
    StoreLock.Held lock = acquire(root);
    assertOtherProcessIsLockedOut();
    lock.close();
    try (OtherProcess other = new OtherProcess(root)) {
      assertEquals("holds true", other.answer());
    }
  }

  @Test
  void acquire_secondAttemptInThisJvm_doesNotLoseTheLock() throws IOException {
    StoreLock.Held lock = acquire(root);
    assertThrows(StoreLockedException.class, () -> acquire(root));
    assertOtherProcessIsLockedOut();
    lock.close();
  }

  @Test
  void acquire_otherClassLoader_isRefusedAndDoesNotLoseTheLock() throws Exception {
    StoreLock.Held lock = acquire(root);
    URL[] urls =
        classPath()
            .map(
                path -> {
                  try {
                    return path.toUri().toURL();
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                })
            .toArray(URL[]::new);
    try (URLClassLoader loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
      Class<?> copy = loader.loadClass(StoreLock.class.getName());
      assertNotSame(StoreLock.class, copy);
      InvocationTargetException e =
          assertThrows(
              InvocationTargetException.class,
              () ->
                  copy.getMethod("acquire", Path.class, boolean.class, Runnable.class)
                      .invoke(null, root, false, (Runnable) () -> {}));
      assertEquals(StoreLockedException.class.getName(), e.getCause().getClass().getName());
    }
    assertOtherProcessIsLockedOut();
    lock.close();
  }

  @Test
  void acquire_interruptedThread_holdsTheLock() throws IOException {
    Thread.currentThread().interrupt();
    StoreLock.Held lock = acquire(root);
    assertTrue(Thread.interrupted());
    assertOtherProcessIsLockedOut();
    Thread.currentThread().interrupt();
    lock.close();
    assertTrue(Thread.interrupted());
  }

  @Test
  void acquire_everyThreadInterrupted_holdsTheLock() throws IOException {
    StoreLock.Held lock = acquire(root);
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().startsWith("layerstore-lock")) {
        thread.interrupt();
      }
    }
    assertOtherProcessIsLockedOut();
    lock.close();
  }

  @Test
  void close_twice_isHarmlessAndLeavesNoThread() throws IOException {
    LibraryThreads threads = LibraryThreads.now();
    StoreLock.Held lock = acquire(root);
    assertFalse(threads.begunSince().isEmpty());
    lock.close();
    lock.close();
    assertEquals(List.of(), threads.begunSince());
  }

  @Test
  void close_secondCallAfterSomebodyElseLocked_doesNotUnlock() throws IOException {
    StoreLock.Held first = acquire(root);
    first.close();
    StoreLock.Held second = acquire(root);
    first.close();
    assertThrows(StoreLockedException.class, () -> acquire(root));
    second.close();
  }

  @Test
  void acquire_refused_leavesNoThread() throws IOException {
    LibraryThreads threads = LibraryThreads.now();
    try (OtherProcess other = new OtherProcess(root)) {
      assertEquals("holds true", other.answer());
      assertThrows(StoreLockedException.class, () -> acquire(root));
    }
    assertEquals(List.of(), threads.begunSince());
  }

  @Test
  void acquire_fifoInItsPlace_isRefusedAndDoesNotWait() throws Exception {
    Tool.require("mkfifo").run(lockFile());
    assertThrows(LayerStoreException.class, () -> acquire(root));
    Files.delete(lockFile());
    acquire(root).close();
  }

  @Test
  void acquire_symbolicLinkInItsPlace_isRefused() throws IOException {
    Path target = root.resolve("target");
    Files.createSymbolicLink(lockFile(), target);
    assertThrows(LayerStoreException.class, () -> acquire(root));
    assertFalse(Files.exists(target));
  }

  @Test
  void acquire_rootMissing_isAnErrorThatNamesIt() {
    Path missing = root.resolve("missing");
    LayerStoreException e = assertThrows(LayerStoreException.class, () -> acquire(missing));
    assertTrue(e.getMessage().contains(missing.toString()), e.getMessage());
  }

  @Test
  void acquire_inMemory_isExclusiveToo() throws IOException {
    try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
      Path inMemory = Files.createDirectory(memory.getPath("/root"));
      Files.createSymbolicLink(memory.getPath("/link"), inMemory);
      StoreLock.Held lock = acquire(inMemory);
      assertThrows(StoreLockedException.class, () -> acquire(memory.getPath("/link")));
      lock.close();
      acquire(inMemory).close();
    }
  }

  @Test
  void acquire_twoFileSystemsInMemory_areIndependent() throws IOException {
    try (FileSystem one = Jimfs.newFileSystem(Configuration.unix());
        FileSystem two = Jimfs.newFileSystem(Configuration.unix())) {
      StoreLock.Held lock = acquire(Files.createDirectory(one.getPath("/root")));
      acquire(Files.createDirectory(two.getPath("/root"))).close();
      lock.close();
    }
  }
}
