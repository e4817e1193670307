package io.layerstore.driver;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Deletes a directory with everything in it, whatever an archive or a container has put there.
 *
 * <p>It never follows a symbolic link, and never enters another file system: if something is
 * mounted in the tree, nothing is deleted. It holds a fixed number of descriptors, and the same
 * little memory, for a tree of any depth and with paths of any length. A directory whose mode shuts
 * its owner out is opened up first: an archive may contain such, and a store must be able to remove
 * it.
 *
 * <p>What cannot be deleted makes the call fail; other parts of the tree may be gone by then, and
 * the call can be repeated. Nobody else may be changing the tree.
 */
public final class TreeDeleter {

  /**
   * How many levels are open at the same time; each costs two descriptors on Linux. What lies
   * deeper is moved up into the top directory and deleted from there, so that depth costs neither
   * descriptors nor stack, and no path gets too long for the system.
   */
  private static final int MAX_OPEN = 8;

  private final Path tree;
  private final @Nullable Object device;
  private final String movedUpPrefix =
      ".layerstore-" + Long.toHexString(ThreadLocalRandom.current().nextLong()) + "-";

  /**
   * Entries deleted or moved up so far: what tells a second pass that helps from one that does not.
   */
  private long progress;

  private TreeDeleter(Path tree) throws IOException {
    this.tree = tree;
    this.device = deviceOf(tree);
  }

  /**
   * Deletes {@code tree}: a directory with its content, or a file or symbolic link. If there is
   * nothing of that name, it does nothing.
   *
   * @throws FileSystemException if a file system is mounted in it; nothing was deleted
   * @throws IOException if something in it cannot be deleted; it names the first such
   */
  public static void delete(Path tree) throws IOException {
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(tree, BasicFileAttributes.class, NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      return;
    }
    if (!attributes.isDirectory()) {
      Files.deleteIfExists(tree);
      return;
    }
    requireNothingMountedIn(tree);
    new TreeDeleter(tree).run();
  }

  /**
   * Refuses a tree that {@link #delete} would refuse, for who wants to know before.
   *
   * @throws FileSystemException if a file system is mounted in it
   */
  public static void requireNothingMountedIn(Path tree) throws IOException {
    Optional<String> mounted = MountPoints.firstIn(tree);
    if (mounted.isPresent()) {
      throw isMounted(mounted.get());
    }
  }

  private void run() throws IOException {
    while (true) {
      long before = progress;
      try (OpenDirectory top = OpenDirectory.openTop(tree)) {
        empty(top, top, 1);
      }
      try {
        Files.deleteIfExists(tree);
        return;
      } catch (DirectoryNotEmptyException e) {
        requireProgress(before, tree);
      }
    }
  }

  /**
   * Deletes or moves up everything in {@code directory}, which is the {@code depth}th that is open.
   */
  private void empty(OpenDirectory directory, OpenDirectory top, int depth) throws IOException {
    for (@Nullable Path name = directory.nextName(); name != null; name = directory.nextName()) {
      try {
        deleteEntry(directory, name, top, depth);
        progress++;
      } catch (NoSuchFileException e) {
        // Gone already, as wanted.
      }
    }
  }

  private void deleteEntry(OpenDirectory directory, Path name, OpenDirectory top, int depth)
      throws IOException {
    try {
      // Most entries are files, and this is one system call for them; a directory answers with an
      // error.
      directory.deleteFile(name);
    } catch (NoSuchFileException e) {
      throw e;
    } catch (FileSystemException e) {
      if (!directory.isDirectory(name)) {
        throw e;
      }
      deleteDirectory(directory, name, top, depth);
    }
  }

  private void deleteDirectory(OpenDirectory parent, Path name, OpenDirectory top, int depth)
      throws IOException {
    Path path = parent.path().resolve(name);
    if (!Objects.equals(device, deviceOf(path))) {
      throw isMounted(path.toString());
    }
    while (true) {
      long before = progress;
      if (depth < MAX_OPEN) {
        try (OpenDirectory child = parent.openChild(name)) {
          empty(child, top, depth + 1);
        }
      }
      try {
        parent.deleteDirectory(name);
        return;
      } catch (DirectoryNotEmptyException e) {
        if (depth == MAX_OPEN) {
          parent.moveDirectory(name, top, tree.getFileSystem().getPath(movedUpPrefix + progress));
          return;
        }
        // Some file systems skip names while others are deleted.
        requireProgress(before, path);
      }
    }
  }

  private void requireProgress(long before, Path directory) throws DirectoryNotEmptyException {
    if (progress == before) {
      throw new DirectoryNotEmptyException(directory.toString());
    }
  }

  /** The number of the file system that {@code path} is on, where that can be told. */
  private static @Nullable Object deviceOf(Path path) throws IOException {
    return path.getFileSystem().supportedFileAttributeViews().contains("unix")
        ? Files.getAttribute(path, "unix:dev", NOFOLLOW_LINKS)
        : null;
  }

  private static FileSystemException isMounted(String place) {
    return new FileSystemException(
        place, null, "a file system is mounted there; unmount it, then delete the tree");
  }
}
