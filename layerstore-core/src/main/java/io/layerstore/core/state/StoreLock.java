package io.layerstore.core.state;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import com.google.common.util.concurrent.Uninterruptibles;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreLockedException;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The right to write to a root: held by one store of one process at a time.
 *
 * <p>Between processes it is the operating system's lock on {@code <root>/layerstore.lock}, which
 * ends with the process, however it ends. The file stays; it is empty, and dockerd, which takes no
 * lock itself, does not look at it. Between the stores of one JVM it is a registry that knows a
 * root by its identity, so that another spelling of its path or a symbolic link is the same root. A
 * file system without locks has the registry alone.
 *
 * <p>A POSIX lock is lost as soon as the process closes <em>any</em> descriptor of the file. So the
 * file is opened at most once in the JVM at a time, the registry is asked before, and it spans
 * class loaders. And an interrupt closes the channel a thread is using: so a thread of the lock's
 * own, which nobody else can interrupt, opens the channel, keeps it, and closes it.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreLock implements AutoCloseable {

  /**
   * Beginning of the names of the system properties that are set while a root on the default file
   * system is locked.
   */
  private static final String PROPERTY_PREFIX = "io.layerstore.lock.";

  /**
   * The roots that are locked on other file systems, which can only be reached through the same
   * classes.
   */
  private static final Set<RootIdentity> LOCKED = ConcurrentHashMap.newKeySet();

  private final Runnable unregister;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CompletableFuture<Boolean> acquired = new CompletableFuture<>();
  private final CompletableFuture<Boolean> released = new CompletableFuture<>();
  private final Thread owner;

  /** Whether this made the file; nobody else may delete it. Set before {@code acquired}. */
  private volatile boolean isFileNew;

  private volatile boolean deletesFile;

  /**
   * What makes two paths the same root: its file system and the file's key there, or its real path
   * where there are no keys.
   */
  private record RootIdentity(FileSystem fileSystem, Object key) {

    static RootIdentity of(Path root) throws IOException {
      @Nullable Object key = Files.readAttributes(root, BasicFileAttributes.class).fileKey();
      return new RootIdentity(root.getFileSystem(), key != null ? key : root.toRealPath());
    }
  }

  private StoreLock(Path root, Runnable unregister) {
    this.unregister = unregister;
    this.owner = new Thread(() -> holdLock(root), "layerstore-lock " + root);
    owner.setDaemon(true);
  }

  /**
   * Locks the root, or fails at once.
   *
   * @param root the directory, which exists
   * @throws StoreLockedException if another process, or another store in this one, has it
   * @throws LayerStoreException if the lock file cannot be made or locked
   */
  public static StoreLock acquire(Path root) throws LayerStoreException {
    StoreLock lock = new StoreLock(root, register(root));
    try {
      lock.owner.start();
      lock.acquired.join();
      return lock;
    } catch (CompletionException e) {
      // The owner has closed the file by now, and only then may another try.
      lock.unregister.run();
      throw e.getCause() instanceof LayerStoreException failure
          ? failure
          : new LayerStoreException(
              "cannot lock the store at " + root + ": " + reason(e.getCause()), e);
    } catch (RuntimeException | Error e) {
      lock.unregister.run();
      throw e;
    }
  }

  private static String reason(@Nullable Throwable cause) {
    return cause instanceof IOException e ? FileFailures.describe(e) : String.valueOf(cause);
  }

  private static Runnable register(Path root) throws LayerStoreException {
    RootIdentity identity;
    try {
      identity = RootIdentity.of(root);
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot look at the root " + root + ": " + FileFailures.describe(e), e);
    }
    if (root.getFileSystem() == FileSystems.getDefault()) {
      String property = PROPERTY_PREFIX + identity.key();
      if (System.getProperties().putIfAbsent(property, "held") != null) {
        throw new StoreLockedException(root);
      }
      return () -> System.getProperties().remove(property);
    }
    if (!LOCKED.add(identity)) {
      throw new StoreLockedException(root);
    }
    return () -> LOCKED.remove(identity);
  }

  /** The life of the owning thread: opens and locks, says so, waits for the end, and closes. */
  private void holdLock(Path root) {
    @Nullable FileChannel channel = null;
    try {
      @Nullable Object key;
      do {
        if (channel != null) {
          channel.close();
        }
        key = keyOf(root.resolve(DataRoot.LOCK_FILE));
        channel = open(root);
        if (!tryLock(channel)) {
          throw new StoreLockedException(root);
        }
      } while (!isFileNew && !Objects.equals(key, keyOf(root.resolve(DataRoot.LOCK_FILE))));
    } catch (IOException | RuntimeException e) {
      fail(channel, e);
      return;
    }
    acquired.complete(true);
    awaitClosing();
    try {
      if (isFileNew && deletesFile) {
        deleteFile(root);
      }
      channel.close();
      released.complete(true);
    } catch (IOException | RuntimeException e) {
      released.completeExceptionally(e);
    }
  }

  /**
   * What tells a file from another one of the same name. The one that is locked must still have the
   * name: whoever makes the file may delete it again, see {@link #deleteFileAtClose}.
   */
  private static @Nullable Object keyOf(Path file) throws IOException {
    try {
      return Files.readAttributes(file, BasicFileAttributes.class, NOFOLLOW_LINKS).fileKey();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** While it is locked, so that nobody holds a lock that the next one does not see. */
  private static void deleteFile(Path root) {
    try {
      Files.deleteIfExists(root.resolve(DataRoot.LOCK_FILE));
    } catch (IOException e) {
      // Windows deletes no file that is open. It is empty, and does no harm.
      return;
    }
  }

  private void fail(@Nullable FileChannel channel, Exception failure) {
    if (channel != null) {
      Closing.after(failure, channel);
    }
    acquired.completeExceptionally(failure);
  }

  private void awaitClosing() {
    while (closing.getCount() > 0) {
      try {
        closing.await();
      } catch (InterruptedException e) {
        // From one who interrupts every thread he finds. The lock must hold even so; the status is
        // not wanted: closing comes next.
      }
    }
  }

  private FileChannel open(Path root) throws IOException {
    Path file = root.resolve(DataRoot.LOCK_FILE);
    if (Files.exists(file, NOFOLLOW_LINKS) && !Files.isRegularFile(file, NOFOLLOW_LINKS)) {
      // Opening a FIFO would wait for ever.
      throw new LayerStoreException(file + " is not a regular file; remove it");
    }
    FileAttribute<?>[] attributes =
        root.getFileSystem().supportedFileAttributeViews().contains("posix")
            ? new FileAttribute<?>[] {
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
            }
            : new FileAttribute<?>[0];
    while (true) {
      try {
        isFileNew = false;
        return FileChannel.open(file, Set.of(StandardOpenOption.WRITE, NOFOLLOW_LINKS));
      } catch (NoSuchFileException e) {
        try {
          FileChannel channel =
              FileChannel.open(
                  file,
                  Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, NOFOLLOW_LINKS),
                  attributes);
          isFileNew = true;
          return channel;
        } catch (FileAlreadyExistsException other) {
          // Another process was faster; that one may be locked.
        } catch (IOException full) {
          makeRoom(root, full);
        }
      }
    }
  }

  /**
   * Gives up an empty directory for temporary files, which is made again when it is needed, for the
   * lock file's sake: a dockerd's root without a free inode has had none yet, and nothing can be
   * deleted without.
   */
  private static void makeRoom(Path root, IOException full) throws IOException {
    try {
      if (!FileFailures.isForWantOfSpace(full)
          || !Files.deleteIfExists(root.resolve(DataRoot.TEMPORARY))) {
        throw full;
      }
    } catch (IOException e) {
      if (e != full) {
        full.addSuppressed(e);
      }
      throw full;
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      @Nullable FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (UnsupportedOperationException e) {
      // A file system without locks: the registry has to do.
      return true;
    }
  }

  /**
   * Lets {@link #close} delete the lock file, if this made it. For a root that is to be as it was
   * before.
   */
  void deleteFileAtClose() {
    deletesFile = true;
  }

  /**
   * Gives the right back. A second call does nothing.
   *
   * @throws LayerStoreException if the lock file cannot be closed; the right is given back even so
   */
  @Override
  public void close() throws LayerStoreException {
    if (closing.getCount() == 0) {
      return;
    }
    closing.countDown();
    try {
      released.join();
      Uninterruptibles.joinUninterruptibly(owner);
    } catch (CompletionException e) {
      throw new LayerStoreException("cannot close the lock file: " + e.getCause(), e);
    } finally {
      unregister.run();
    }
  }
}
