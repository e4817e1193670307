package io.layerstore.core.vfs;

import io.layerstore.ByteString;
import io.layerstore.UnsupportedEntryException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An open directory in which single names are looked at, opened, moved and deleted, never following
 * the name.
 *
 * <p>Where the file system has {@link SecureDirectoryStream}, every operation is relative to the
 * open directory, so nobody can lead it elsewhere by exchanging a directory for a link. Elsewhere
 * it goes by path, and relies on nobody else changing the tree.
 *
 * <p>Not safe for use by many threads.
 */
final class Directory implements Closeable {

  private static final Set<OpenOption> READ =
      Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);

  private final Path path;
  private final ByteNames names;
  private final @Nullable SecureDirectoryStream<Path> stream;

  private Directory(Path path, ByteNames names, @Nullable SecureDirectoryStream<Path> stream) {
    this.path = path;
    this.names = names;
    this.stream = stream;
  }

  /** Opens {@code path}, which must be a directory and no link to one. */
  static Directory open(Path path, ByteNames names) throws IOException {
    Look expected = look(path);
    if (!expected.isDirectory()) {
      throw new NotDirectoryException(path.toString());
    }
    return verified(openStream(path, names), expected);
  }

  /** The caller closes the stream with the directory. */
  @SuppressWarnings("StreamResourceLeak")
  private static Directory openStream(Path path, ByteNames names) throws IOException {
    DirectoryStream<Path> stream = Files.newDirectoryStream(path);
    if (stream instanceof SecureDirectoryStream<Path> secure) {
      return new Directory(path, names, secure);
    }
    stream.close();
    return new Directory(path, names, null);
  }

  private static Directory verified(Directory directory, Look expected) throws IOException {
    try {
      if (!directory.look().isSameFileAs(expected)) {
        throw new NotDirectoryException(directory.path.toString());
      }
      return directory;
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  private static Look look(Path path) throws IOException {
    return Look.of(
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS));
  }

  /** Where it was when it was opened. */
  Path path() {
    return path;
  }

  /** Where {@code name} in it is. */
  Path path(ByteString name) throws UnsupportedEntryException {
    return path.resolve(names.toPath(name));
  }

  /** What it is itself. */
  Look look() throws IOException {
    return stream == null
        ? look(path)
        : Look.of(stream.getFileAttributeView(BasicFileAttributeView.class).readAttributes());
  }

  /** Whether it is held open, so that nobody can lead its operations elsewhere. */
  boolean isHeld() {
    return stream != null;
  }

  /** A view of the directory itself. */
  <V extends FileAttributeView> V view(Class<V> type) {
    return stream == null
        ? Files.getFileAttributeView(path, type, LinkOption.NOFOLLOW_LINKS)
        : stream.getFileAttributeView(type);
  }

  /** What {@code name} is; null if there is no such name. */
  @Nullable Look look(ByteString name) throws IOException {
    try {
      Path relative = names.toPath(name);
      return stream == null
          ? look(path.resolve(relative))
          : Look.of(
              stream
                  .getFileAttributeView(
                      relative, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                  .readAttributes());
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Opens the directory {@code name}; fails if it is anything else. */
  Directory child(ByteString name) throws IOException {
    Path childPath = path(name);
    Look look = look(name);
    if (look == null) {
      throw new NoSuchFileException(childPath.toString());
    }
    if (!look.isDirectory()) {
      throw new NotDirectoryException(childPath.toString());
    }
    if (stream == null) {
      return new Directory(childPath, names, null);
    }
    return new Directory(
        childPath, names, stream.newDirectoryStream(names.toPath(name), LinkOption.NOFOLLOW_LINKS));
  }

  /** All names, in no order. */
  List<ByteString> list() throws IOException {
    List<ByteString> found = new ArrayList<>();
    DirectoryStream<Path> entries =
        stream == null
            ? Files.newDirectoryStream(path)
            : stream.newDirectoryStream(names.dot(), LinkOption.NOFOLLOW_LINKS);
    try {
      for (Path entry : entries) {
        found.add(names.fromPath(entry));
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    } finally {
      Descriptors.close(entries);
    }
    return found;
  }

  /** The text of the symbolic link {@code name}. */
  ByteString readLink(ByteString name) throws IOException {
    return names.fromLinkTarget(Files.readSymbolicLink(path(name)));
  }

  /** Opens the regular file {@code name} for reading. The caller has looked at it. */
  SeekableByteChannel openFile(ByteString name) throws IOException {
    return openFile(name, READ);
  }

  /**
   * Opens the regular file {@code name}, or makes it.
   *
   * @param options {@link LinkOption#NOFOLLOW_LINKS} among them
   */
  SeekableByteChannel openFile(
      ByteString name, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return stream == null
        ? Files.newByteChannel(path(name), options, attributes)
        : stream.newByteChannel(names.toPath(name), options, attributes);
  }

  /** Makes the directory {@code name}, if there is a way to do so without leaving this one. */
  void makeDirectory(ByteString name, FileAttribute<?>... attributes) throws IOException {
    Path relative = names.toPath(name);
    if (stream == null) {
      Files.createDirectory(path.resolve(relative), attributes);
    } else {
      Descriptors.inDirectory(
          stream, path, held -> Files.createDirectory(held.resolve(relative), attributes));
    }
  }

  /** Deletes {@code name}, which is no directory. */
  void deleteFile(ByteString name) throws IOException {
    if (stream == null) {
      Files.delete(path(name));
    } else {
      stream.deleteFile(names.toPath(name));
    }
  }

  /** Deletes the empty directory {@code name}. */
  void deleteDirectory(ByteString name) throws IOException {
    if (stream == null) {
      Files.delete(path(name));
    } else {
      stream.deleteDirectory(names.toPath(name));
    }
  }

  /** Moves {@code name} to {@code newName}, which must be free, in another directory. */
  void move(ByteString name, Directory target, ByteString newName) throws IOException {
    if (stream == null || target.stream == null) {
      Files.move(path(name), target.path(newName), StandardCopyOption.ATOMIC_MOVE);
    } else {
      stream.move(names.toPath(name), target.stream, names.toPath(newName));
    }
  }

  @Override
  public void close() throws IOException {
    if (stream != null) {
      Descriptors.close(stream);
    }
  }
}
