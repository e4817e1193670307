package io.layerstore;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * One mount of a layer. Mounts of the same layer are counted: the files are there from the first
 * mount to the close of the last.
 *
 * <p>{@link #file} opens, makes and deletes files of the layer. {@link #path} is for other programs
 * and for whatever else {@link java.nio.file.Files} can do; a path below it can lead out of the
 * layer, to files of this machine.
 *
 * <p>Safe for use by many threads.
 */
public interface Mount extends RootDirectory, AutoCloseable {

  /**
   * Makes a command run in this mount, with {@link #path} as its working directory:
   *
   * <pre>{@code
   * Process process = mount.enter(new ProcessBuilder("make", "install")).inheritIO().start();
   * }</pre>
   *
   * <p>Programs are those of this machine. Even if the mount is in another namespace, the command
   * sees a plain path, not one through {@code /proc}, so {@code cd}, {@code bwrap} and {@code git}
   * work. In that case it runs as user 0 of a user namespace, with no more rights than this
   * process. With overlay2 and a read-only store the working directory has no path at all; programs
   * that ask for it, such as shells, complain.
   *
   * <p>{@link #close} does not end the command, and fails while it runs; {@link Process#destroy}
   * ends it.
   *
   * @param builder what to run; its command and directory are replaced, everything else stays
   * @return {@code builder}
   * @throws LayerStoreException if no command can run in this mount: it is gone, the layer is not
   *     on the default file system, or it can be told beforehand that there is no such program
   * @throws IllegalStateException if this mount is closed
   */
  ProcessBuilder enter(ProcessBuilder builder) throws LayerStoreException;

  /**
   * Makes a command run with this mount as its root directory. Programs are those of the layer;
   * {@code /proc}, {@code /dev} and {@code /sys} are what the layer has, usually empty.
   *
   * <p>This is {@code chroot(2)}: it does not isolate a command that root runs from this machine.
   * An ordinary user's command runs as user 0 of a user namespace. A program that is not in the
   * layer ends with status 127, as in a shell.
   *
   * <p>The vfs driver needs the programs {@code chroot} and, for an ordinary user, {@code unshare}
   * of this machine.
   *
   * @param builder as with {@link #enter}
   * @return {@code builder}
   * @throws LayerStoreException as with {@link #enter}
   * @throws IllegalStateException if this mount is closed
   */
  ProcessBuilder chroot(ProcessBuilder builder) throws LayerStoreException;

  /**
   * The namespaces of this mount, for {@code nsenter}; empty if they are those of this process.
   * Only overlay2 of an ordinary user uses others.
   *
   * @throws LayerStoreException if the mount is gone
   */
  Optional<Namespace> namespace() throws LayerStoreException;

  /**
   * Unmounts exactly this mount; what another process shares stays. A second call does nothing.
   *
   * @throws MountBusyException if it was the last mount and something still uses the files, even in
   *     another mount namespace or through a bind mount; the mount stays, and the call can be
   *     repeated
   * @throws LayerStoreException if the driver failed
   */
  @Override
  void close() throws LayerStoreException;

  /**
   * Unmounts exactly this mount even if something still uses its files. If it was the last mount,
   * its path is empty from then on; open files and working directories stay usable, and the kernel
   * ends the mount with the last of them. Until then a read-write layer cannot be mounted again,
   * and its files are not deleted: {@link LayerStore#releaseRWLayer} frees its name, and the first
   * cleanup or open afterwards deletes them. Does nothing after {@link #close}, nor does {@code
   * close} after this.
   *
   * @throws LayerStoreException if the driver failed
   */
  void closeLazily() throws LayerStoreException;

  /**
   * Where a mount in other namespaces is. {@link Mount#enter} takes care of this; for other
   * programs:
   *
   * <pre>{@code
   * nsenter --target PID --user --mount --preserve-credentials --wd=/proc/PID/root/PATH COMMAND
   * }</pre>
   *
   * @param pid a process in the user and mount namespace of the mount; both last as long as the
   *     mount
   * @param path where the mount is there
   */
  record Namespace(long pid, Path path) {

    /** Checks that both are there. */
    public Namespace {
      Objects.requireNonNull(path, "path");
    }
  }
}
