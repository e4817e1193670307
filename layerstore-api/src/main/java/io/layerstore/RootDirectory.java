package io.layerstore;

import java.io.IOException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A directory whose files take it for the root of a file system, such as a mounted layer.
 *
 * <p>Whoever made the files chose their symbolic links, and opening a path follows them: if {@code
 * etc/motd} is a link to {@code /etc/passwd}, {@code path().resolve("etc/motd")} opens the file of
 * this machine. {@link #file} does not: it follows links as a process would whose root is this
 * directory. An absolute target begins here, and {@code ..} in the root is the root.
 *
 * <p>Paths as text are names separated by {@code /}, on every system; a leading {@code /} makes no
 * difference, and {@code .} and {@code ..} have their usual meaning. A path that ends in {@code /}
 * must be a directory.
 *
 * <p>Safe for use by many threads.
 */
public interface RootDirectory {

  /**
   * The directory itself.
   *
   * <p>Do not pass it through {@link Path#toRealPath}. For an ordinary user of overlay2 it leads
   * through {@code /proc/<pid>/root} into another mount namespace, and its real path is a directory
   * that nobody may enter.
   *
   * <p><b>A path below it can leave it</b>, by a symbolic link in its last name or on the way. That
   * holds for {@code path().resolve(…)}, and for other programs that get such a path. Use {@link
   * #file} unless you know that there are no links.
   */
  Path path();

  /**
   * The place {@code path}. Nothing is looked up yet, and nothing need be there.
   *
   * @throws IllegalArgumentException if {@code path} has a NUL in it
   */
  RootedFile file(String path);

  /** The place {@code path}, whose names can be any bytes. Nothing is looked up yet. */
  RootedFile file(LayerPath path);

  /** Where {@code path} leads at this moment; see {@link RootedFile#path}. */
  default Path resolve(String path, LinkOption... options) throws IOException {
    return file(path).path(options);
  }

  /** Where {@code path} leads at this moment; see {@link RootedFile#path}. */
  default Path resolve(LayerPath path, LinkOption... options) throws IOException {
    return file(path).path(options);
  }
}
