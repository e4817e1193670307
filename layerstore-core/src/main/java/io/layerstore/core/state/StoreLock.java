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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The gate of a root: one store holds it alone, or any number share it.
 *
 * <p>Between processes it is the operating system's lock on {@code <root>/layerstore.lock}, which
 * ends with the process, however it ends. The file stays; it is empty, and dockerd, which takes no
 * lock itself, does not look at it. Between the stores of one JVM it is a registry that knows a
 * root by its identity, so that another spelling of its path or a symbolic link is the same root. A
 * file system without locks has the registry alone.
 *
 * <p>A POSIX lock is lost as soon as the process closes <em>any</em> descriptor of the file. So the
 * file is opened at most once in the JVM at a time, the registry is asked before, and it spans
 * class loaders. Where other code of the JVM opens and closes it, the lock is lost all the same:
 * that is why {@link io.layerstore.core.share.Participant} tells a second time who is there. And an
 * interrupt closes the channel a thread is using: so a thread of the lock's own, which nobody else
 * can interrupt, opens the channel, keeps it, and closes it.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreLock {

  /**
   * Beginning of the names of the system properties that are set while a root on the default file
   * system is locked.
   */
  private static final String PROPERTY_PREFIX = "io.layerstore.lock.";

  /**
   * The roots that are locked on other file systems, which can only be reached through the same
   * classes.
   */
  private static final Map<Object, Object> LOCKED = new ConcurrentHashMap<>();

  /** What the registry has of a root that is not shared; older versions write the same. */
  private static final String EXCLUSIVE = "held";

  private final Path root;
  private final boolean isShared;

  /** Done at the end, if nobody else has the root then. */
  private final Runnable whenAlone;

  private final CountDownLatch closing = new CountDownLatch(1);
  private final CompletableFuture<Boolean> acquired = new CompletableFuture<>();
  private final CompletableFuture<Boolean> released = new CompletableFuture<>();
  private final Thread owner;

  /** Used by the owner alone. */
  private @Nullable FileLock lock;

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

  private StoreLock(Path root, boolean isShared, Runnable whenAlone) {
    this.root = root;
    this.isShared = isShared;
    this.whenAlone = whenAlone;
    this.owner = new Thread(this::holdLock, "layerstore-lock " + root);
    owner.setDaemon(true);
  }

  /** What one who has locked a root gives back. */
  public interface Held extends AutoCloseable {

    /**
     * Lets the end of the last lock delete the lock file, if this one made it. For a root that is
     * to be as it was before.
     */
    void deleteFileAtClose();

    /**
     * Gives the right back. A second call does nothing.
     *
     * @throws LayerStoreException if the lock file cannot be closed; the right is given back even
     *     so
     */
    @Override
    void close() throws LayerStoreException;
  }

  /**
   * Locks the root, or fails at once.
   *
   * @param root the directory, which exists
   * @param isShared whether others may share it
   * @param whenAlone done when the lock is given back, if nobody else has the root then
   * @throws StoreLockedException if somebody has it who does not share it, or does not want to
   * @throws LayerStoreException if the lock file cannot be made or locked
   */
  public static Held acquire(Path root, boolean isShared, Runnable whenAlone)
      throws LayerStoreException {
    RootIdentity identity;
    try {
      identity = RootIdentity.of(root);
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot look at the root " + root + ": " + FileFailures.describe(e), e);
    }
    boolean isDefault = root.getFileSystem() == FileSystems.getDefault();
    Map<Object, Object> registry = isDefault ? System.getProperties() : LOCKED;
    Object key = isDefault ? PROPERTY_PREFIX + identity.key() : identity;
    StoreLock lock = new StoreLock(root, isShared, whenAlone);
    return isShared ? lock.share(registry, key) : lock.take(registry, key);
  }

  private Held take(Map<Object, Object> registry, Object key) throws LayerStoreException {
    if (registry.putIfAbsent(key, EXCLUSIVE) != null) {
      throw new StoreLockedException(root);
    }
    try {
      start();
    } catch (LayerStoreException | RuntimeException | Error e) {
      // The owner has closed the file by now, and only then may another try.
      registry.remove(key);
      throw e;
    }
    return new OneHeld(
        () -> {
          try {
            end();
          } finally {
            registry.remove(key);
          }
        });
  }

  /**
   * Shares the lock of this JVM. The registry has who ends it, and how many are to come before; as
   * types that all class loaders know.
   */
  private Held share(Map<Object, Object> registry, Object key) throws LayerStoreException {
    List<LayerStoreException> failures = new ArrayList<>();
    registry.compute(
        key,
        (k, present) -> {
          if (present instanceof Map.Entry<?, ?> shared
              && shared.getKey() instanceof Integer users) {
            return Map.entry(users + 1, shared.getValue());
          }
          if (present != null) {
            failures.add(new StoreLockedException(root));
            return present;
          }
          try {
            start();
            Callable<Boolean> end =
                () -> {
                  end();
                  return true;
                };
            return Map.entry(1, end);
          } catch (LayerStoreException e) {
            failures.add(e);
            return null;
          }
        });
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
    return new OneHeld(() -> unshare(registry, key));
  }

  private static void unshare(Map<Object, Object> registry, Object key) throws LayerStoreException {
    List<LayerStoreException> failures = new ArrayList<>();
    registry.computeIfPresent(
        key,
        (k, present) -> {
          Map.Entry<?, ?> shared = (Map.Entry<?, ?>) present;
          int users = (Integer) shared.getKey();
          if (users > 1) {
            return Map.entry(users - 1, shared.getValue());
          }
          try {
            ((Callable<?>) shared.getValue()).call();
          } catch (LayerStoreException e) {
            failures.add(e);
          } catch (Exception e) {
            failures.add(new LayerStoreException("cannot close the lock file: " + e, e));
          }
          return null;
        });
    if (!failures.isEmpty()) {
      throw failures.get(0);
    }
  }

  /** Ends something. */
  @FunctionalInterface
  private interface End {
    void run() throws LayerStoreException;
  }

  private final class OneHeld implements Held {
    private final End end;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    OneHeld(End end) {
      this.end = end;
    }

    @Override
    public void deleteFileAtClose() {
      deletesFile = true;
    }

    @Override
    public void close() throws LayerStoreException {
      if (isClosed.compareAndSet(false, true)) {
        end.run();
      }
    }
  }

  private void start() throws LayerStoreException {
    owner.start();
    try {
      acquired.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof LayerStoreException failure
          ? failure
          : new LayerStoreException(
              "cannot lock the store at "
                  + root
                  + ": "
                  + reason(e.getCause())
                  + (isShared ? "; where files cannot be locked, open it exclusively" : ""),
              e);
    }
  }

  private static String reason(@Nullable Throwable cause) {
    return cause instanceof IOException e ? FileFailures.describe(e) : String.valueOf(cause);
  }

  /** The life of the owning thread: opens and locks, says so, waits for the end, and closes. */
  private void holdLock() {
    @Nullable FileChannel channel = null;
    try {
      @Nullable Object key;
      do {
        if (channel != null) {
          channel.close();
        }
        key = keyOf(root.resolve(DataRoot.LOCK_FILE));
        channel = open();
        if (!tryLock(channel, isShared)) {
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
      if (!isShared || isAlone(channel)) {
        whenAlone.run();
        if (isFileNew && deletesFile) {
          deleteFile(root);
        }
      }
      channel.close();
      released.complete(true);
    } catch (IOException | RuntimeException e) {
      released.completeExceptionally(e);
    }
  }

  /**
   * What tells a file from another one of the same name. The one that is locked must still have the
   * name: whoever makes the file may delete it again, see {@link Held#deleteFileAtClose}.
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

  private FileChannel open() throws IOException {
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
        return FileChannel.open(
            file, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, NOFOLLOW_LINKS));
      } catch (NoSuchFileException e) {
        try {
          FileChannel channel =
              FileChannel.open(
                  file,
                  Set.of(
                      StandardOpenOption.CREATE_NEW,
                      StandardOpenOption.READ,
                      StandardOpenOption.WRITE,
                      NOFOLLOW_LINKS),
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

  /** Whether nobody else has the root, and nobody can have it from now on. */
  private boolean isAlone(FileChannel channel) throws IOException {
    if (!channel.isOpen()) {
      return false; // With its file system, and the lock with it.
    }
    @Nullable FileLock own = lock;
    if (own != null) {
      own.release();
    }
    return tryLock(channel, false);
  }

  private boolean tryLock(FileChannel channel, boolean shared) throws IOException {
    try {
      lock = channel.tryLock(0, Long.MAX_VALUE, shared);
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (UnsupportedOperationException e) {
      // A file system without locks: the registry has to do.
      return true;
    }
  }

  private void end() throws LayerStoreException {
    closing.countDown();
    try {
      released.join();
      Uninterruptibles.joinUninterruptibly(owner);
    } catch (CompletionException e) {
      throw new LayerStoreException("cannot close the lock file: " + e.getCause(), e);
    }
  }
}
