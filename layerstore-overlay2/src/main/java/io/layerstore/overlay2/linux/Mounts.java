package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.overlay2.linux.wire.Protocol;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Mounts the layers of one home.
 *
 * <p>Opened by {@link LinuxCalls#openMounts}. Safe for use by many threads: one request is carried
 * out at a time, and an interrupt of the calling thread waits until it has been. When the JVM dies,
 * mounts that are not persistent are undone.
 */
public interface Mounts extends AutoCloseable {

  /**
   * Mounts a layer at {@code <id>/merged}, which is made; or uses its mount there, if that is one
   * of just this layer. Processes that use one mount are counted by the kernel.
   *
   * @throws MountElsewhereException if others have it mounted where this process cannot see it
   * @throws LayerStoreException if it cannot be mounted; nothing is left of the attempt
   */
  Mounted mount(OverlayMount mount) throws LayerStoreException;

  /**
   * Mounts a layer nowhere: only who has the path can look into it, and it is gone with the last
   * one who does.
   *
   * @throws LayerStoreException if it cannot be mounted, for instance because the kernel is older
   *     than 6.7
   */
  Detached mountDetached(OverlayMount mount) throws LayerStoreException;

  /**
   * Undoes the mount of a layer and removes {@code <id>/merged}; does nothing if there is none. If
   * other processes use it, it stays, and is theirs.
   *
   * @param lazily at once out of sight, and undone when the last one who uses it stops
   * @return whether it is gone
   * @throws io.layerstore.MountBusyException if it is in use and not to be undone lazily; it stays
   */
  boolean unmount(String id, boolean lazily) throws LayerStoreException;

  /** Stops using the mount of a layer, which stays. */
  void leave(String id) throws LayerStoreException;

  /** What is mounted at home and below, by whomever. */
  List<Point> list() throws LayerStoreException;

  /**
   * Home as the mounts can be seen: itself, or a path below {@code /proc} where an ordinary user's
   * mounts are. Such a path must not be canonicalised: the result would be the host's, where
   * nothing is mounted.
   */
  Path home();

  /**
   * Whether the process that mounts is still there. Once it is not, every method that needs it
   * fails, an ordinary user's mounts are gone with its namespace, and those of root stay where they
   * are, for other {@link Mounts} to undo.
   */
  boolean isAlive();

  /**
   * The namespaces in which the mounts are and where a directory is in them; empty if they are
   * those of this process.
   *
   * @param seen a directory as this process reaches it, such as {@link #merged} or {@link
   *     Detached#path}
   */
  Optional<Mount.Namespace> namespaceOf(Path seen);

  /**
   * The command line of a program that goes to a directory, into the namespaces of the mounts, and
   * becomes another program there. It ends with status 125 if it cannot get there, with 126 or 127
   * if it cannot become that program.
   *
   * @param seen as with {@link #namespaceOf}
   * @param isRoot whether it is to be the root directory, rather than the working directory
   */
  List<String> commandIn(Path seen, boolean isRoot, List<String> command);

  /** Where {@link #mount} shows a layer. */
  default Path merged(String id) {
    return home().resolve(id).resolve("merged");
  }

  /**
   * Undoes every mount that is not persistent and that no other process uses, lazily if files of it
   * are open, and ends the process. A second call does nothing.
   */
  @Override
  void close() throws LayerStoreException;

  /** The system calls that make a mount. */
  enum Api {
    /** Whichever the kernel has, the newer first. */
    ANY,
    /**
     * {@code fsopen}, {@code fsconfig}, {@code fsmount}, {@code move_mount}: any number of layers,
     * Linux 6.7.
     */
    NEW,
    /** {@code mount}: what fits in one page of options. */
    CLASSIC
  }

  /**
   * A line of {@code /proc/self/mountinfo}.
   *
   * @param mountId the kernel's number of the mount
   * @param major the device it shows, upper part
   * @param minor the device it shows, lower part
   * @param fileSystem its type, such as {@code overlay}
   * @param source what it was made from; for overlay any word
   * @param path where it is, relative to the home it was asked for; empty for that home itself
   */
  record Point(
      long mountId, long major, long minor, String fileSystem, String source, ByteString path) {

    /** Whether a store made it for as long as its process lives. */
    public boolean isOfProcess() {
      return source.equals(Protocol.SOURCE_OF_STORE);
    }
  }

  /** A mount that is attached nowhere. Safe for use by many threads. */
  interface Detached extends AutoCloseable {

    /** Where it can be looked into while it is open; not to be canonicalised. */
    Path path();

    /** Gives it up. A second call does nothing. */
    @Override
    void close() throws LayerStoreException;
  }
}
