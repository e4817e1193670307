package io.layerstore.testing;

import java.nio.file.Path;

/**
 * One change that was asked of a {@link FaultyFileSystem}.
 *
 * @param kind what was to be done
 * @param path what it was done to, on the file system below
 * @param target where it was moved, copied or linked to, on the file system below; else null
 */
public record FileOperation(Kind kind, Path path, Path target) {

  /** The kinds of changes. */
  public enum Kind {
    /** A directory was made. */
    CREATE_DIRECTORY,
    /** A file was made by opening it. */
    CREATE_FILE,
    /** Bytes were written to an open file. */
    WRITE,
    /** A file was cut. */
    TRUNCATE,
    /** An open file was forced to the disk. */
    FORCE,
    /** A directory was forced to the disk. */
    FORCE_DIRECTORY,
    /** A file or directory got another name. */
    MOVE,
    /** A file was copied. */
    COPY,
    /** A file or an empty directory was deleted. */
    DELETE,
    /** A hard link was made. */
    CREATE_LINK,
    /** A symbolic link was made. */
    CREATE_SYMBOLIC_LINK,
    /** An attribute, such as permissions or a time, was set. */
    SET_ATTRIBUTE
  }

  static FileOperation of(Kind kind, Path path) {
    return new FileOperation(kind, path, null);
  }

  /** The name of {@link #path}, without the directory. */
  public String name() {
    return String.valueOf(path.getFileName());
  }

  @Override
  public String toString() {
    return kind + " " + path + (target == null ? "" : " -> " + target);
  }
}
