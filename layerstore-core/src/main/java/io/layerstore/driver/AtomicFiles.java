package io.layerstore.driver;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes the small files and the directories of a store, on any file system.
 *
 * <p>A file that others may read is written aside and renamed in, so that a reader, or the next
 * start after a crash, finds the old content or the new one and never a part. Modes are exact,
 * whatever the process's umask; a file system without POSIX permissions goes without them.
 *
 * <p>The calls are short, so an interrupt does not cut them off: they finish, and the thread's
 * interrupt status stays set. Cleaning up after an interrupted operation therefore works.
 *
 * <p>No call follows a symbolic link in the last component of a path. Safe for use by many threads,
 * on different files.
 */
public final class AtomicFiles {

  private static final boolean IS_WINDOWS = System.getProperty("os.name", "").startsWith("Windows");

  private static final FileAttribute<?>[] NO_ATTRIBUTES = {};
  private static final Set<OpenOption> READING = Set.of(READ, NOFOLLOW_LINKS);

  private AtomicFiles() {}

  /**
   * The content of a small file.
   *
   * @param maxBytes the most bytes it may have
   * @throws NoSuchFileException if there is none
   * @throws StoreCorruptedException if it is not a regular file, or is too large; it was not opened
   * @throws IOException if it cannot be read
   */
  public static byte[] read(Path file, int maxBytes) throws IOException {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    BasicFileAttributes attributes =
        Files.readAttributes(file, BasicFileAttributes.class, NOFOLLOW_LINKS);
    if (!attributes.isRegularFile()) {
      throw new StoreCorruptedException(file.toString(), "not a regular file");
    }
    requireSize(file, attributes.size(), maxBytes);
    return queryUninterrupted(() -> readOnce(file, (int) attributes.size(), maxBytes));
  }

  /** The same as {@link #read}, but null if there is no such file. */
  public static byte @Nullable [] readIfExists(Path file, int maxBytes) throws IOException {
    try {
      return read(file, maxBytes);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static byte[] readOnce(Path file, int expected, int maxBytes) throws IOException {
    // One byte more than expected, so that the end is seen without a second buffer.
    ByteBuffer buffer = ByteBuffer.allocate(expected + 1);
    try (SeekableByteChannel channel = Files.newByteChannel(file, READING)) {
      while (channel.read(buffer) >= 0) {
        if (!buffer.hasRemaining()) {
          requireSize(file, buffer.position(), maxBytes);
          buffer = ByteBuffer.allocate(maxBytes + 1).put(buffer.flip());
        }
      }
    }
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  private static void requireSize(Path file, long size, int maxBytes)
      throws StoreCorruptedException {
    if (size > maxBytes) {
      throw new StoreCorruptedException(
          file.toString(), size + " bytes where at most " + maxBytes + " are expected");
    }
  }

  /**
   * Writes a file in one step, over the one that may be there; a directory of that name is moved
   * aside. What a process that dies leaves beside it, {@link TemporaryFiles#sweep} takes away.
   *
   * <p>After a failure the file has its old content, or, if only forcing the directory failed, the
   * new one.
   *
   * @param mode permission bits, such as {@code 0644}
   * @param durability nothing is forced to the disk for {@link Durability#NONE}
   */
  public static void write(Path file, byte[] content, int mode, Durability durability)
      throws IOException {
    write(file, content, mode, durability, true);
  }

  /**
   * The same as {@link #write}, but only the content is forced to the disk: whoever calls this
   * forces the directory when all is in it.
   */
  public static void writeUnnamed(Path file, byte[] content, int mode, Durability durability)
      throws IOException {
    write(file, content, mode, durability, false);
  }

  private static void write(
      Path file, byte[] content, int mode, Durability durability, boolean isNameForced)
      throws IOException {
    // Opened before the file has its name: without a descriptor left it does not get it.
    try (FileChannel directory =
        durability == Durability.NONE || !isNameForced ? null : openDirectory(parentOf(file))) {
      Path aside = TemporaryFiles.take(file);
      try {
        writeNew(aside, content, mode, durability);
        moveOver(aside, file);
      } finally {
        TemporaryFiles.letGo(aside);
      }
      if (directory != null) {
        force(directory, parentOf(file));
      }
    }
  }

  /** An interrupt closes a channel; then the directory is opened again. */
  private static void force(FileChannel opened, Path directory) throws IOException {
    uninterrupted(
        () -> {
          if (opened.isOpen()) {
            opened.force(true);
          } else {
            syncDirectory(directory);
          }
        });
  }

  private static void moveOver(Path aside, Path file) throws IOException {
    try {
      if (Files.isDirectory(file, NOFOLLOW_LINKS)) {
        DamagedFiles.moveAside(file);
      }
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException e) {
      deleteAfter(e, aside);
      throw e;
    }
  }

  /**
   * Writes a new file in place. For directories that are not visible yet; a crash can leave a part
   * of it.
   *
   * <p>After a failure there is no file. The directory is not forced to the disk.
   *
   * @throws FileAlreadyExistsException if there is one; it is unchanged
   */
  public static void writeNew(Path file, byte[] content, int mode, Durability durability)
      throws IOException {
    uninterrupted(() -> writeNewOnce(file, content, mode, durability));
  }

  private static void writeNewOnce(Path file, byte[] content, int mode, Durability durability)
      throws IOException {
    try (FileChannel channel = createNew(file, mode)) {
      try {
        ByteBuffer rest = ByteBuffer.wrap(content);
        while (rest.hasRemaining()) {
          channel.write(rest);
        }
        if (durability != Durability.NONE) {
          channel.force(true);
        }
      } catch (IOException | RuntimeException e) {
        deleteAfter(e, file);
        throw e;
      }
    }
  }

  /**
   * Writes over a part of a file that exists, in place: for where there is no space for another
   * one.
   *
   * <p>Takes no space on a file system that has the file's blocks already. A failure or a crash can
   * leave any part of it written.
   *
   * @param position where to begin; no byte may come to lie behind the file's end
   */
  public static void overwrite(Path file, long position, byte[] content, Durability durability)
      throws IOException {
    uninterrupted(
        () -> {
          try (FileChannel channel = FileChannel.open(file, WRITE, NOFOLLOW_LINKS)) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
              channel.write(rest, position + rest.position());
            }
            if (durability != Durability.NONE) {
              channel.force(true);
            }
          }
        });
  }

  /**
   * Creates an empty file with exactly {@code mode} and opens it for writing.
   *
   * @throws FileAlreadyExistsException if there is one; it is unchanged
   */
  public static FileChannel createNew(Path file, int mode) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, Set.of(CREATE_NEW, WRITE, NOFOLLOW_LINKS), creationAttributes(file, mode));
    try {
      setMode(file, mode);
      return channel;
    } catch (IOException | RuntimeException e) {
      try (channel) {
        deleteAfter(e, file);
      }
      throw e;
    }
  }

  /**
   * Creates a directory with exactly {@code mode}.
   *
   * @throws FileAlreadyExistsException if there is something of that name; it is unchanged
   */
  public static void createDirectory(Path directory, int mode) throws IOException {
    Files.createDirectory(directory, creationAttributes(directory, mode));
    try {
      setMode(directory, mode);
    } catch (IOException | RuntimeException e) {
      deleteAfter(e, directory);
      throw e;
    }
  }

  /**
   * Creates a directory, and those above it that are missing, with exactly {@code mode}. Existing
   * directories keep theirs.
   *
   * @param durability the names of new directories are forced to the disk unless it is {@link
   *     Durability#NONE}
   * @throws FileAlreadyExistsException if something of that name is not a directory
   */
  public static void createDirectories(Path directory, int mode, Durability durability)
      throws IOException {
    Deque<Path> missing = new ArrayDeque<>();
    if (!Files.isDirectory(directory, NOFOLLOW_LINKS)) {
      // What is above may be reached through links: an administrator can have moved the root
      // elsewhere.
      @Nullable Path p = directory.toAbsolutePath();
      do {
        missing.push(p);
        p = p.getParent();
      } while (p != null && !Files.isDirectory(p));
    }
    for (Path p : missing) {
      try {
        createDirectory(p, mode);
      } catch (FileAlreadyExistsException e) {
        // Another thread may have been quicker; anything but a directory is in the way.
        if (!Files.isDirectory(p, NOFOLLOW_LINKS)) {
          throw e;
        }
      }
      if (durability != Durability.NONE) {
        syncDirectory(parentOf(p));
      }
    }
  }

  /**
   * Forces the names in a directory to the disk. Does nothing where the platform or the file system
   * cannot: on Windows, in memory.
   *
   * @throws IOException if it can, and fails
   */
  public static void syncDirectory(Path directory) throws IOException {
    uninterrupted(
        () -> {
          @Nullable FileChannel channel = openDirectory(directory);
          if (channel != null) {
            try (channel) {
              channel.force(true);
            }
          }
        });
  }

  /**
   * Whether names get to the disk in the order in which they were changed, so that forcing what was
   * changed last forces them all, and a new file its own name. So it is on xfs, and on ext4 if it
   * has a journal: each change is a whole one there, and a rename is one change of two directories.
   * No other file system is relied on.
   *
   * @param existing a file or directory on the file system
   */
  public static boolean forcesNamesInOrder(Path existing) {
    if (existing.getFileSystem() != FileSystems.getDefault()) {
      return false;
    }
    try {
      String type = Files.getFileStore(existing).type();
      return type.equals("xfs") || (type.equals("ext4") && hasJournal(existing));
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /** Whether an ext4 has a journal; false where Linux does not tell. */
  private static boolean hasJournal(Path existing) throws IOException {
    long device = (Long) Files.getAttribute(existing, "unix:dev");
    long major = ((device >>> 8) & 0xfff) | ((device >>> 32) & ~0xfff);
    long minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    Path block = Path.of("/sys/dev/block/" + major + ":" + minor).toRealPath();
    Path task = Path.of("/sys/fs/ext4/" + block.getFileName() + "/journal_task");
    return !Files.readString(task).startsWith("<none>");
  }

  private static @Nullable FileChannel openDirectory(Path directory) throws IOException {
    boolean isDefault = directory.getFileSystem() == FileSystems.getDefault();
    if (isDefault && IS_WINDOWS) {
      return null;
    }
    try {
      return FileChannel.open(directory, READ);
    } catch (IOException | UnsupportedOperationException e) {
      if (isDefault) {
        throw e;
      }
      return null;
    }
  }

  /**
   * Sets the permission bits of a file or directory that this process has just made, if the file
   * system has any.
   */
  private static void setMode(Path path, int mode) throws IOException {
    if (hasPermissions(path)) {
      Files.setPosixFilePermissions(path, permissions(mode));
    }
  }

  private static FileAttribute<?>[] creationAttributes(Path path, int mode) {
    return hasPermissions(path)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions(mode))}
        : NO_ATTRIBUTES;
  }

  private static boolean hasPermissions(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    if ((mode & ~0777) != 0) {
      throw new IllegalArgumentException("not permission bits: 0" + Integer.toOctalString(mode));
    }
    return PosixModes.toPermissions(mode);
  }

  private static Path parentOf(Path path) {
    @Nullable Path parent = path.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IllegalArgumentException("a root directory has no parent: " + path);
    }
    return parent;
  }

  /** Takes back what a failed call made; what fails here too goes along with the first failure. */
  private static void deleteAfter(Exception failure, Path path) {
    Closing.after(failure, () -> Files.deleteIfExists(path));
  }

  /** Work on files that can be done over again. */
  @FunctionalInterface
  public interface Work {
    /** Does it. */
    void run() throws IOException;
  }

  /** A look at files that can be repeated. */
  @FunctionalInterface
  public interface Query<T> {
    /** What was found. */
    T run() throws IOException;
  }

  /**
   * Runs {@code work}, again if an interrupt closes its channel; the interrupt status is set
   * afterwards.
   */
  public static void uninterrupted(Work work) throws IOException {
    queryUninterrupted(
        () -> {
          work.run();
          return Boolean.TRUE;
        });
  }

  /** What {@code query} finds; runs it as {@link #uninterrupted} runs work. */
  public static <T> T queryUninterrupted(Query<T> query) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return query.run();
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
