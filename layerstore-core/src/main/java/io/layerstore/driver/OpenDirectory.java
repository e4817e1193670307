package io.layerstore.driver;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A directory that is being emptied, by its descriptor where the file system offers that, else by
 * its path.
 *
 * <p>Its owner, this process, may read, write and search it, whatever its mode was. Every name
 * given to it is a single component. Used by one thread.
 */
final class OpenDirectory implements Closeable {

  private static final Set<PosixFilePermission> NEEDED =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  private final Path path;
  private final DirectoryStream<Path> stream;
  private final @Nullable SecureDirectoryStream<Path> secure;
  private final Iterator<Path> entries;

  private OpenDirectory(Path path, DirectoryStream<Path> stream) {
    this.path = path;
    this.stream = stream;
    this.secure = stream instanceof SecureDirectoryStream<Path> s ? s : null;
    this.entries = stream.iterator();
  }

  /** Opens the directory at {@code path}, which the caller has seen not to be a symbolic link. */
  @SuppressWarnings("StreamResourceLeak") // Closed with the OpenDirectory.
  static OpenDirectory openTop(Path path) throws IOException {
    return open(path, () -> Files.newDirectoryStream(path));
  }

  /** Opens the directory {@code name} in this one. */
  OpenDirectory openChild(Path name) throws IOException {
    Path child = path.resolve(name);
    SecureDirectoryStream<Path> here = secure;
    return here == null
        ? openTop(child)
        : open(child, () -> here.newDirectoryStream(name, NOFOLLOW_LINKS));
  }

  private static OpenDirectory open(Path path, Opening opening) throws IOException {
    DirectoryStream<Path> stream;
    try {
      stream = opening.open();
    } catch (AccessDeniedException e) {
      makeAccessible(path, e);
      stream = opening.open();
    }
    OpenDirectory directory = new OpenDirectory(path, stream);
    try {
      directory.makeAccessible();
      return directory;
    } catch (IOException | RuntimeException e) {
      try (directory) {
        throw e;
      }
    }
  }

  private interface Opening {
    DirectoryStream<Path> open() throws IOException;
  }

  Path path() {
    return path;
  }

  /**
   * The next name, or null at the end. What is deleted or added meanwhile may or may not be among
   * them.
   */
  @Nullable Path nextName() throws IOException {
    try {
      return entries.hasNext() ? entries.next().getFileName() : null;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  boolean isDirectory(Path name) throws IOException {
    BasicFileAttributes attributes =
        secure == null
            ? Files.readAttributes(path.resolve(name), BasicFileAttributes.class, NOFOLLOW_LINKS)
            : secure
                .getFileAttributeView(name, BasicFileAttributeView.class, NOFOLLOW_LINKS)
                .readAttributes();
    return attributes.isDirectory();
  }

  /** Deletes anything but a directory; for one it fails with some {@link FileSystemException}. */
  void deleteFile(Path name) throws IOException {
    if (secure != null) {
      secure.deleteFile(name);
    } else if (isDirectory(name)) {
      throw new FileSystemException(path.resolve(name).toString(), null, "is a directory");
    } else {
      Files.delete(path.resolve(name));
    }
  }

  /** Deletes an empty directory. */
  void deleteDirectory(Path name) throws IOException {
    if (secure != null) {
      secure.deleteDirectory(name);
    } else {
      Files.delete(path.resolve(name));
    }
  }

  /** Moves the directory {@code name} to {@code target}, where it is called {@code newName}. */
  void moveDirectory(Path name, OpenDirectory target, Path newName) throws IOException {
    try {
      moveOnce(name, target, newName);
    } catch (AccessDeniedException e) {
      // A directory that moves gets a new "..", and so must be writable itself.
      makeAccessible(path.resolve(name), e);
      moveOnce(name, target, newName);
    }
  }

  private void moveOnce(Path name, OpenDirectory target, Path newName) throws IOException {
    if (secure != null && target.secure != null) {
      secure.move(name, target.secure, newName);
    } else {
      Files.move(path.resolve(name), target.path.resolve(newName), StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /**
   * Gives the owner the permissions it needs. Does nothing if they are there, or if this process is
   * not the owner.
   */
  private void makeAccessible() throws IOException {
    @Nullable PosixFileAttributeView view =
        secure == null
            ? Files.getFileAttributeView(path, PosixFileAttributeView.class, NOFOLLOW_LINKS)
            : secure.getFileAttributeView(PosixFileAttributeView.class);
    if (view == null) {
      return;
    }
    Set<PosixFilePermission> present = view.readAttributes().permissions();
    if (!present.containsAll(NEEDED)) {
      try {
        view.setPermissions(NEEDED);
      } catch (FileSystemException notOwner) {
        // The group's or others' permissions may do; if not, the deletion that follows says what
        // could not be deleted.
        return;
      }
    }
  }

  /**
   * Gives the owner of the directory at {@code path} the permissions it needs.
   *
   * @throws AccessDeniedException the given failure, if that cannot be done
   */
  private static void makeAccessible(Path path, AccessDeniedException failure) throws IOException {
    // By path and without NOFOLLOW: with it the JDK opens the directory to change its mode, and
    // that is what failed.
    if (!Files.isDirectory(path, NOFOLLOW_LINKS)) {
      throw failure;
    }
    try {
      Files.setPosixFilePermissions(path, NEEDED);
    } catch (FileSystemException | UnsupportedOperationException e) {
      failure.addSuppressed(e);
      throw failure;
    }
  }

  @Override
  public void close() throws IOException {
    stream.close();
  }
}
