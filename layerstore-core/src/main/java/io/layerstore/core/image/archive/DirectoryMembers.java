package io.layerstore.core.image.archive;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.InvalidImageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The files of a directory, opened in place.
 *
 * <p>Every name is looked at before it is opened, and opened without following links: name by name
 * from the directory down where the file system can do that, so that nobody who changes the
 * directory meanwhile can lead out of it. Devices and pipes are never opened.
 */
final class DirectoryMembers extends Members {

  private static final Set<OpenOption> READING = Set.of(StandardOpenOption.READ, NOFOLLOW_LINKS);
  private static final int MAX_ROOT_NAMES = TarMembers.MAX_MEMBERS;

  private final Path root;

  /** The directory {@code root}; itself it may be reached through links. */
  DirectoryMembers(Path root) {
    this.root = root;
  }

  @Override
  @Nullable Node node(List<String> names) throws IOException {
    Path path = path(names);
    if (path == null) {
      return null;
    }
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(path, BasicFileAttributes.class, NOFOLLOW_LINKS);
    } catch (NoSuchFileException | NotDirectoryException e) {
      return null;
    }
    if (attributes.isSymbolicLink()) {
      return new Link(Files.readSymbolicLink(path).toString());
    }
    if (attributes.isDirectory()) {
      return new Directory();
    }
    return attributes.isRegularFile()
        ? new File(new FileBlob(List.copyOf(names), attributes.size()))
        : new Special("neither file nor directory");
  }

  /** The path of these names, each of which is one name and no more; null if there can be none. */
  private @Nullable Path path(List<String> names) {
    Path path = root;
    for (String name : names) {
      Path step = step(name);
      if (step == null) {
        return null;
      }
      path = path.resolve(step);
    }
    return path;
  }

  private @Nullable Path step(String name) {
    try {
      Path step = root.getFileSystem().getPath(name);
      boolean isOneName =
          step.getNameCount() == 1
              && !step.isAbsolute()
              && step.getRoot() == null
              && !name.equals("..")
              && step.toString().equals(name);
      return isOneName ? step : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  @Override
  Collection<String> rootNames() throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      for (Path entry : entries) {
        names.add(String.valueOf(entry.getFileName()));
        if (names.size() > MAX_ROOT_NAMES) {
          throw new InvalidImageException(
              "the directory has more than " + MAX_ROOT_NAMES + " names; it is no image layout");
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }

  @Override
  public void close() {}

  private InputStream open(List<String> names) throws IOException {
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(root)) {
      if (stream instanceof SecureDirectoryStream<Path> directory) {
        return open(directory, names);
      }
    }
    Path path = path(names);
    if (path == null) {
      throw new NoSuchFileException(String.join("/", names));
    }
    return Channels.newInputStream(Files.newByteChannel(path, READING));
  }

  private InputStream open(SecureDirectoryStream<Path> directory, List<String> names)
      throws IOException {
    Path step = step(names.get(0));
    if (step == null) {
      throw new NoSuchFileException(names.get(0));
    }
    if (names.size() > 1) {
      try (SecureDirectoryStream<Path> below = directory.newDirectoryStream(step, NOFOLLOW_LINKS)) {
        return open(below, names.subList(1, names.size()));
      }
    }
    BasicFileAttributes attributes =
        directory
            .getFileAttributeView(step, BasicFileAttributeView.class, NOFOLLOW_LINKS)
            .readAttributes();
    if (!attributes.isRegularFile()) {
      throw new InvalidImageException(
          ArchiveText.quoted(names.get(0)) + " is not a regular file any more");
    }
    SeekableByteChannel channel = directory.newByteChannel(step, READING);
    return Channels.newInputStream(channel);
  }

  /** A regular file of the directory. */
  private final class FileBlob implements Blob {
    private final List<String> names;
    private final long sizeBytes;

    FileBlob(List<String> names, long sizeBytes) {
      this.names = names;
      this.sizeBytes = sizeBytes;
    }

    @Override
    public long sizeBytes() {
      return sizeBytes;
    }

    @Override
    public InputStream open() throws IOException {
      return DirectoryMembers.this.open(names);
    }
  }
}
