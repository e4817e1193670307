package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.RootedFile;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A place below an {@link InRootDirectory}. Safe for use by many threads. */
final class InRootFile implements RootedFile {

  private final InRootDirectory root;
  private final ByteString text;

  InRootFile(InRootDirectory root, ByteString text) {
    this.root = root;
    this.text = text;
  }

  /** What is done where a way ended. */
  @FunctionalInterface
  private interface Action<T> {
    T run(InRootWalk walk) throws IOException;
  }

  /**
   * Goes to the place and runs {@code action} there; once more, all the way, where that failed and
   * the place has changed since it was looked at.
   */
  private <T> T at(boolean followsLast, FileAttribute<?> @Nullable [] missing, Action<T> action)
      throws IOException {
    for (int tries = 1; ; tries++) {
      try (TreeView view = root.view();
          InRootWalk walk = new InRootWalk(view, missing)) {
        try {
          walk.go(text, followsLast);
          return action.run(walk);
        } catch (FileSystemException e) {
          if (tries > InRootWalk.MAX_CHANGES || !walk.isStale()) {
            throw walk.located(e);
          }
        }
      }
    }
  }

  @Override
  public Path path(LinkOption... options) throws IOException {
    boolean follows =
        !Arrays.asList(options).contains(LinkOption.NOFOLLOW_LINKS)
            || InRootWalk.endsAsDirectory(text);
    return at(follows, null, InRootWalk::path);
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
    Set<OpenOption> all = new HashSet<>(options);
    boolean writes =
        all.contains(StandardOpenOption.WRITE) || all.contains(StandardOpenOption.APPEND);
    boolean isNew = writes && all.contains(StandardOpenOption.CREATE_NEW);
    boolean makes = writes && (isNew || all.contains(StandardOpenOption.CREATE));
    boolean follows = all.add(LinkOption.NOFOLLOW_LINKS) && !isNew;
    return at(
        follows,
        null,
        walk -> {
          ByteString name = requireFile(walk, isNew, makes);
          return walk.directory().openFile(name, all, attributes);
        });
  }

  /** The last name, if it is a regular file, or can become one. */
  private static ByteString requireFile(InRootWalk walk, boolean isNew, boolean makes)
      throws IOException {
    ByteString name = walk.name();
    Look look = walk.look();
    String path = walk.path().toString();
    if (name != null && look == null && !makes) {
      throw new NoSuchFileException(path);
    }
    if (name != null && look != null && isNew) {
      throw new FileAlreadyExistsException(path);
    }
    if (name == null || (look == null ? walk.needsDirectory() : look.isDirectory())) {
      throw new FileSystemException(path, null, "is a directory");
    }
    if (look != null && look.isSymlink()) {
      throw new FileSystemException(path, null, "is a symbolic link, which is not to be followed");
    }
    if (look != null && !look.isFile()) {
      throw new FileSystemException(
          path, null, "is not a regular file, and a device or a FIFO leads out of the layer");
    }
    return name;
  }

  @Override
  public void createDirectories(FileAttribute<?>... attributes) throws IOException {
    at(
        true,
        attributes,
        walk -> {
          Look look = walk.look();
          if (walk.name() != null && (look == null || !look.isDirectory())) {
            throw new FileAlreadyExistsException(walk.path().toString());
          }
          return root;
        });
  }

  @Override
  public List<LayerPath> list() throws IOException {
    return at(true, null, InRootWalk::list);
  }

  @Override
  public void delete() throws IOException {
    at(
        false,
        null,
        walk -> {
          ByteString name = walk.name();
          Look look = walk.look();
          if (name == null) {
            throw new FileSystemException(
                walk.path().toString(), null, "ends in the root or in '..', not in a name");
          }
          if (look == null) {
            throw new NoSuchFileException(walk.path().toString());
          }
          if (look.isDirectory()) {
            walk.directory().deleteDirectory(name);
          } else {
            walk.directory().deleteFile(name);
          }
          return root;
        });
  }

  /** The path as printable text. */
  @Override
  public String toString() {
    return text.toString();
  }
}
