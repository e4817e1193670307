package io.layerstore.driver.rooted;

import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * What a name in a directory stands for, without following it.
 *
 * @param kind what it is
 * @param key what tells it from other files of the file system; null where there is no such thing
 * @param sizeBytes its size
 */
public record Look(Kind kind, @Nullable Object key, long sizeBytes) {

  /** What the file system has under a name. */
  public enum Kind {
    DIRECTORY,
    FILE,
    SYMLINK,
    /** A device, a FIFO, a socket: nothing to open. */
    OTHER
  }

  public static Look of(BasicFileAttributes attributes) {
    Kind kind =
        attributes.isSymbolicLink()
            ? Kind.SYMLINK
            : attributes.isDirectory()
                ? Kind.DIRECTORY
                : attributes.isRegularFile() ? Kind.FILE : Kind.OTHER;
    return new Look(kind, attributes.fileKey(), attributes.size());
  }

  /** The same file as one of another kind. */
  public Look as(Kind other) {
    return new Look(other, key, sizeBytes);
  }

  public boolean isDirectory() {
    return kind == Kind.DIRECTORY;
  }

  public boolean isFile() {
    return kind == Kind.FILE;
  }

  public boolean isSymlink() {
    return kind == Kind.SYMLINK;
  }

  /** Whether both are one file; where the file system cannot tell, of one kind. */
  public boolean isSameFileAs(Look other) {
    return kind == other.kind && (key == null || other.key == null || key.equals(other.key));
  }
}
