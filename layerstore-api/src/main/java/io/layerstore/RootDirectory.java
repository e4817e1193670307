package io.layerstore;

import java.io.IOException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A directory that its files take for the root of a file system, such as a mounted layer.
 *
 * <p>Whoever made the files chose their symbolic links, and a link is followed by whoever opens a
 * path: where {@code etc/motd} is a link to {@code /etc/passwd}, then {@code
 * path().resolve("etc/motd")} opens the file of this machine. {@link #file} does not: it follows
 * every link as a process would that has this directory as its root. An absolute target begins
 * here, and {@code ..} in the root is the root.
 *
 * <p>Paths as text are names with {@code /} between them; it makes no difference whether one begins
 * with {@code /}, and {@code .} and {@code ..} mean what they always mean. One that ends in {@code
 * /} is that of a directory. Paths of this kind never depend on the system's separator.
 *
 * <p>Safe for use by many threads.
 */
public interface RootDirectory {

  /**
   * The directory itself.
   *
   * <p>Take it as it is: do not pass it through {@link Path#toRealPath}. With overlay2 as an
   * ordinary user it leads through {@code /proc/<pid>/root} into another mount namespace, and its
   * canonical form is a directory nobody may enter.
   *
   * <p><b>A path below it can leave it</b>, by a symbolic link in its last name or on the way. That
   * is so for {@code path().resolve(…)}, and for what another program is told to open or starts in.
   * Use {@link #file} for files of which you do not know that they are no links.
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
