package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Forces all files and directories of a layer to the disk.
 *
 * <p>Java has no way to force a whole file system. Where the machine has a program for that, it is
 * asked for a layer of more than a few files; else every file is opened and forced by itself. Many
 * threads do that side by side, which lets a journal commit as many files at once: on ext4 a Debian
 * root takes a third of the time that it takes with 8 threads, and more than 128 gain nothing.
 *
 * <p>Whoever uses the layer may change it meanwhile: what is gone need not be forced, and what this
 * process may no longer read was forced before.
 */
final class LayerSync {

  private static final int THREADS = 128;
  private static final int MAX_PENDING = 256;

  /** With so many to force by themselves the whole file system is forced sooner. */
  private static final int MANY = 128;

  /** GNU's program forces the file system of a file; one that cannot says so by its status. */
  private static final List<Path> PROGRAMS =
      List.of(Path.of("/usr/bin/sync"), Path.of("/bin/sync"));

  private static final String OPERATION = "forcing a layer to the disk";

  /**
   * Whether there is no such program here, or none that can. Elsewhere than on Linux one may return
   * before the work is done.
   */
  private static volatile boolean isUseless =
      !System.getProperty("os.name", "").equalsIgnoreCase("linux");

  private final LayerFiles layer;
  private final OpenOption mode;
  private final Deque<Future<?>> pending = new ArrayDeque<>();
  private int submitted;

  private LayerSync(LayerFiles layer) {
    this.layer = layer;
    // Windows flushes only what is open for writing.
    boolean isWindows = layer.directory().getFileSystem().getSeparator().equals("\\");
    this.mode = isWindows ? StandardOpenOption.WRITE : StandardOpenOption.READ;
  }

  /** Forces everything below the layer's directory, and the directory. */
  static void run(LayerFiles layer) throws IOException {
    ExecutorService threads =
        Executors.newFixedThreadPool(
            THREADS,
            task -> {
              Thread thread = new Thread(task, "layerstore-vfs-sync");
              thread.setDaemon(true);
              return thread;
            });
    try {
      new LayerSync(layer).run(threads);
    } finally {
      threads.shutdownNow();
    }
  }

  private void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, Set.of(mode, LinkOption.NOFOLLOW_LINKS))) {
      channel.force(true);
    } catch (NoSuchFileException e) {
      // Deleted by whoever uses the layer.
    } catch (AccessDeniedException e) {
      // A placeholder, which an ordinary user cannot open and which is empty, or a file that the
      // user has taken the permissions from: the store leaves them to what has content.
    }
  }

  private static void forceDirectory(Path directory) throws IOException {
    try {
      AtomicFiles.syncDirectory(directory);
    } catch (NoSuchFileException e) {
      // Deleted by whoever uses the layer.
    }
  }

  private void run(ExecutorService threads) throws IOException {
    Deque<LayerPath> directories = new ArrayDeque<>();
    directories.add(LayerPath.ROOT);
    try (TreePosition position = new TreePosition(layer.open())) {
      while (!directories.isEmpty()) {
        if (submitted > MANY && forceFileSystem()) {
          return;
        }
        LayerPath path = directories.removeLast();
        try {
          position.goTo(path);
        } catch (NoSuchFileException | NotDirectoryException e) {
          continue;
        }
        Directory directory = position.directory();
        for (ByteString name : directory.list()) {
          Look look = directory.look(name);
          if (look != null && look.isDirectory()) {
            directories.add(path.resolve(name));
          } else if (look != null && look.isFile()) {
            Path file = directory.path(name);
            submit(threads, () -> force(file));
          }
        }
        Path itself = directory.path();
        submit(threads, () -> forceDirectory(itself));
      }
      while (!pending.isEmpty()) {
        await(pending.removeFirst());
      }
    }
  }

  /** Whether the machine's program has forced the file system that the layer is on. */
  private boolean forceFileSystem() throws IOException {
    submitted = 0;
    Path home = layer.directory().toAbsolutePath().getParent();
    if (home == null || layer.directory().getFileSystem() != FileSystems.getDefault()) {
      return false;
    }
    for (Path program : PROGRAMS) {
      if (!isUseless && Files.isExecutable(program)) {
        ProcessBuilder builder =
            new ProcessBuilder(program.toString(), "--file-system", home.toString());
        builder.environment().clear();
        Process process = start(builder);
        if (process != null) {
          return waitFor(process) == 0 || isUseless();
        }
      }
    }
    return isUseless();
  }

  /** Notes that files are to be forced one by one from now on. */
  private static boolean isUseless() {
    isUseless = true;
    return false;
  }

  private static @Nullable Process start(ProcessBuilder builder) {
    try {
      Process process =
          builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
      process.getOutputStream().close();
      return process;
    } catch (IOException e) {
      return null;
    }
  }

  private static int waitFor(Process process) throws IOException {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(OPERATION, e);
    } finally {
      process.destroy();
    }
  }

  @FunctionalInterface
  private interface Task {
    void run() throws IOException;
  }

  private void submit(ExecutorService threads, Task task) throws IOException {
    if (pending.size() >= MAX_PENDING) {
      await(pending.removeFirst());
    }
    submitted++;
    pending.add(
        threads.submit(
            () -> {
              task.run();
              return null;
            }));
  }

  private static void await(Future<?> future) throws IOException {
    try {
      future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(OPERATION, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IOException(e.getCause());
    }
  }
}
