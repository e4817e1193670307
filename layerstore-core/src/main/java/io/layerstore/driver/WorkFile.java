package io.layerstore.driver;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A file by which others can tell whether the process that made it is still at work: for temporary
 * files where several processes may be at once.
 *
 * <p>Between processes that is a lock of the operating system, which ends with the process, however
 * it ends. Within this process it is a list, because a POSIX lock is lost when any descriptor of
 * the file is closed. On a file system without locks no file is ever taken for an abandoned one.
 *
 * <p>Not safe for use by many threads; different files may be used by different threads.
 */
public final class WorkFile implements Closeable {

  /**
   * What is locked or being looked at; with the channel, or it would be closed when it is garbage.
   */
  private static final Map<Path, Object> IN_HAND = new ConcurrentHashMap<>();

  private static final Object LOOKING = new Object();

  private final Path path;
  private final FileChannel channel;

  private WorkFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** What to do with something abandoned. */
  @FunctionalInterface
  public interface Removal {
    void run() throws IOException;
  }

  /**
   * Makes an empty file, with the mode that the user's umask asks for.
   *
   * @param path a name that was never used before: it must not be given to anything else later
   * @throws FileAlreadyExistsException if there is one, or somebody took this one for abandoned;
   *     another name may be tried
   */
  public static WorkFile create(Path path) throws IOException {
    Path absolute = path.toAbsolutePath();
    if (IN_HAND.putIfAbsent(absolute, LOOKING) != null) {
      throw new FileAlreadyExistsException(path.toString());
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, CREATE_NEW, WRITE);
      // Whoever saw the file before it was locked has the lock, or has deleted it.
      if (!lock(channel) || !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new FileAlreadyExistsException(path.toString());
      }
      IN_HAND.put(absolute, channel);
      return new WorkFile(absolute, channel);
    } catch (IOException | RuntimeException | Error e) {
      IN_HAND.remove(absolute);
      if (channel != null) {
        channel.close();
      }
      throw e;
    }
  }

  /** Whether nobody else has a lock; true as well where there are no locks. */
  private static boolean lock(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false;
    } catch (IOException | UnsupportedOperationException e) {
      return true;
    }
  }

  /** For writing the file. */
  public FileChannel channel() {
    return channel;
  }

  /** The work is done: the file, if it still has its name, can be taken for abandoned. */
  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      IN_HAND.remove(path);
    }
  }

  /**
   * Runs {@code removal} if the process that made {@code path} is gone; no process that runs this,
   * too, does so at the same time.
   *
   * @return whether it was run
   * @throws IOException if the file cannot be opened, or from {@code removal}
   */
  public static boolean ifAbandoned(Path path, Removal removal) throws IOException {
    Path absolute = path.toAbsolutePath();
    if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
        || IN_HAND.putIfAbsent(absolute, LOOKING) != null) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(path, WRITE, LinkOption.NOFOLLOW_LINKS)) {
      @Nullable FileLock lock = channel.tryLock();
      if (lock == null) {
        return false;
      }
      removal.run();
      return true;
    } catch (NoSuchFileException | OverlappingFileLockException | UnsupportedOperationException e) {
      return false;
    } finally {
      IN_HAND.remove(absolute);
    }
  }
}
