package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
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
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
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
public final class Directory implements Closeable {

  private static final Set<OpenOption> READ =
      Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);

  private final Path path;
  private final DiskNames names;
  private final @Nullable SecureDirectoryStream<Path> stream;

  /** Where names have several spellings: those known to be in use, all when it was last listed. */
  private Set<String> spelt = new HashSet<>();

  /** The name that was found last, and where. */
  private @Nullable ByteString lastName;

  private @Nullable String lastPlace;

  private Directory(Path path, DiskNames names, @Nullable SecureDirectoryStream<Path> stream) {
    this.path = path;
    this.names = names;
    this.stream = stream;
  }

  /** Opens {@code path}, which must be a directory and no link to one. */
  public static Directory open(Path path, DiskNames names) throws IOException {
    Look expected = look(path);
    if (!expected.isDirectory()) {
      throw new NotDirectoryException(path.toString());
    }
    return verified(openStream(path, names), expected);
  }

  /** Opens the directory that a link in {@code /proc} to another process's descriptor is. */
  static Directory openDescriptor(Path link, DiskNames names) throws IOException {
    return verified(openStream(link, names), look(link.resolve(".")));
  }

  /** The caller closes the stream with the directory. */
  @SuppressWarnings("StreamResourceLeak")
  private static Directory openStream(Path path, DiskNames names) throws IOException {
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
  public Path path() {
    return path;
  }

  /** Where {@code name} in it is, or would be. */
  public Path path(ByteString name) throws IOException {
    return path.resolve(place(name));
  }

  /** The relative path of {@code name}; if it is not there, the one that it can get. */
  private Path place(ByteString name) throws IOException {
    if (!names.hasSpellings()) {
      return names.toPath(name, 0);
    }
    Path free = null;
    for (int spelling = 0; spelling < NameEscapes.SPELLINGS; spelling++) {
      Path candidate = names.toPath(name, spelling);
      if (Objects.equals(name, lastName) && candidate.toString().equals(lastPlace)) {
        return candidate;
      }
      boolean isTaken = lookAt(candidate) != null;
      if (isTaken && isSpelt(candidate)) {
        lastName = name;
        lastPlace = candidate.toString();
        return candidate;
      }
      if (!isTaken && free == null) {
        free = candidate;
      }
    }
    if (free == null) {
      throw new FileAlreadyExistsException(path.resolve(names.toPath(name, 0)).toString());
    }
    return free;
  }

  /** Whether what is found at {@code relative} is really spelt so, and not taken for it. */
  private boolean isSpelt(Path relative) throws IOException {
    String text = relative.toString();
    if (names.tellsSpelling()) {
      Path real = path.resolve(relative).toRealPath(LinkOption.NOFOLLOW_LINKS).getFileName();
      return real != null && real.toString().equals(text);
    }
    if (!spelt.contains(text)) {
      spelt = new HashSet<>();
      forEach(entry -> spelt.add(String.valueOf(entry.getFileName())));
    }
    return spelt.contains(text);
  }

  private void forget(Path relative) {
    spelt.remove(relative.toString());
    lastName = null;
  }

  /** What it is itself. */
  public Look look() throws IOException {
    return stream == null
        ? look(path)
        : Look.of(stream.getFileAttributeView(BasicFileAttributeView.class).readAttributes());
  }

  /** Whether it is held open, so that nobody can lead its operations elsewhere. */
  public boolean isHeld() {
    return stream != null;
  }

  /** A view of the directory itself. */
  public <V extends FileAttributeView> V view(Class<V> type) {
    return stream == null
        ? Files.getFileAttributeView(path, type, LinkOption.NOFOLLOW_LINKS)
        : stream.getFileAttributeView(type);
  }

  /** What {@code name} is; null if there is no such name. */
  public @Nullable Look look(ByteString name) throws IOException {
    Path place = place(name);
    boolean isFound = !names.hasSpellings() || Objects.equals(name, lastName);
    return isFound ? lookAt(place) : null;
  }

  private @Nullable Look lookAt(Path relative) throws IOException {
    try {
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
  public Directory child(ByteString name) throws IOException {
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
        childPath, names, stream.newDirectoryStream(place(name), LinkOption.NOFOLLOW_LINKS));
  }

  /** All names, in no order. */
  public List<ByteString> list() throws IOException {
    List<ByteString> found = new ArrayList<>();
    forEach(entry -> found.add(names.fromPath(entry)));
    return found;
  }

  @SuppressWarnings("StreamResourceLeak") // Closed by Descriptors, which may have to wait.
  private void forEach(Consumer<Path> action) throws IOException {
    DirectoryStream<Path> entries =
        stream == null
            ? Files.newDirectoryStream(path)
            : stream.newDirectoryStream(names.dot(), LinkOption.NOFOLLOW_LINKS);
    try {
      entries.forEach(action);
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    } finally {
      Descriptors.close(entries);
    }
  }

  /** The text of the symbolic link {@code name}. */
  public ByteString readLink(ByteString name) throws IOException {
    return names.fromLinkTarget(Files.readSymbolicLink(path(name)));
  }

  /** Opens the regular file {@code name} for reading. The caller has looked at it. */
  public SeekableByteChannel openFile(ByteString name) throws IOException {
    return openFile(name, READ);
  }

  /**
   * Opens the regular file {@code name}, or makes it.
   *
   * @param options {@link LinkOption#NOFOLLOW_LINKS} among them
   */
  public SeekableByteChannel openFile(
      ByteString name, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return stream == null
        ? Files.newByteChannel(path(name), options, attributes)
        : stream.newByteChannel(place(name), options, attributes);
  }

  /** Makes the directory {@code name}, if there is a way to do so without leaving this one. */
  public void makeDirectory(ByteString name, FileAttribute<?>... attributes) throws IOException {
    Path relative = place(name);
    if (stream == null) {
      Files.createDirectory(path.resolve(relative), attributes);
    } else {
      Descriptors.inDirectory(
          stream, path, held -> Files.createDirectory(held.resolve(relative), attributes));
    }
  }

  /** Deletes {@code name}, which is no directory. */
  public void deleteFile(ByteString name) throws IOException {
    Path place = place(name);
    forget(place);
    if (stream == null) {
      Files.delete(path.resolve(place));
    } else {
      stream.deleteFile(place);
    }
  }

  /** Deletes the empty directory {@code name}. */
  public void deleteDirectory(ByteString name) throws IOException {
    Path place = place(name);
    forget(place);
    if (stream == null) {
      Files.delete(path.resolve(place));
    } else {
      stream.deleteDirectory(place);
    }
  }

  /** Moves {@code name} to {@code newName}, which must be free, in another directory. */
  public void move(ByteString name, Directory target, ByteString newName) throws IOException {
    Path place = place(name);
    forget(place);
    Path newPlace = target.place(newName);
    if (stream == null || target.stream == null) {
      Files.move(
          path.resolve(place), target.path.resolve(newPlace), StandardCopyOption.ATOMIC_MOVE);
    } else {
      stream.move(place, target.stream, newPlace);
    }
    if (target.names.hasSpellings()) {
      target.spelt.add(newPlace.toString());
    }
  }

  @Override
  public void close() throws IOException {
    if (stream != null) {
      Descriptors.close(stream);
    }
  }
}
