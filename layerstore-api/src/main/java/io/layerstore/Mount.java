package io.layerstore;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * One mount of a layer. Mounts of the same layer are counted: the files are there from the first
 * mount to the close of the last.
 *
 * <p>{@link #file} opens, makes and deletes files of the layer. {@link #path} is for programs, and
 * for what {@link java.nio.file.Files} can do besides; a path below it can lead out of the layer,
 * to the files of this machine.
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
   * <p>The programs are those of this machine. Also where the mount is in another namespace, the
   * command sees it at a path without links of {@code /proc} in it, so that {@code cd}, {@code
   * bwrap} and {@code git} work in it. There it runs as user 0 of a user namespace that has no
   * rights beyond those of this process. With overlay2 and a store that is open for reading only
   * the working directory has no path at all; programs that ask for it, such as shells, complain.
   *
   * <p>The command ends by itself or by {@link Process#destroy}, not by {@link #close}, which it
   * keeps busy.
   *
   * @param builder what to run; its command and its directory are replaced, everything else about
   *     it stays
   * @return {@code builder}
   * @throws LayerStoreException if no command can run in this mount: it is gone, the layer is not
   *     on the default file system, or there is no such program where that can be told beforehand
   * @throws IllegalStateException if this mount is closed
   */
  ProcessBuilder enter(ProcessBuilder builder) throws LayerStoreException;

  /**
   * The same with the mount as the root directory of the command. The programs are those of the
   * layer, and its {@code /proc}, {@code /dev} and {@code /sys} are as empty as the layer has them.
   *
   * <p>This is {@code chroot(2)}: it gives a command its files, and does not protect this machine
   * from one that root runs. An ordinary user's command runs as user 0 of a user namespace. A
   * program that is not in the layer ends with status 127, as in a shell.
   *
   * <p>The driver vfs does this with the programs {@code chroot} and, for an ordinary user, {@code
   * unshare} of this machine.
   *
   * @param builder as with {@link #enter}
   * @return {@code builder}
   * @throws LayerStoreException as with {@link #enter}
   * @throws IllegalStateException if this mount is closed
   */
  ProcessBuilder chroot(ProcessBuilder builder) throws LayerStoreException;

  /**
   * The namespaces this mount is in, if they are not those of this process: what {@code nsenter}
   * needs. Empty for every mount but that of an ordinary user's overlay2.
   *
   * @throws LayerStoreException if the mount is gone
   */
  Optional<Namespace> namespace() throws LayerStoreException;

  /**
   * Undoes exactly this mount. A second call does nothing.
   *
   * @throws MountBusyException if it was the last mount and something still uses the files, also in
   *     another mount namespace or through a bind mount; the mount stays, and the call can be
   *     repeated
   * @throws LayerStoreException if the driver failed
   */
  @Override
  void close() throws LayerStoreException;

  /**
   * Undoes exactly this mount even if something still uses the files, for a busy mount whose users
   * cannot be made to stop. Where it was the last mount, its path shows nothing from then on; who
   * has a file open or works in a directory keeps that until the end, and the kernel ends the mount
   * with the last of them. Until then a read-write layer cannot be mounted again, and its files are
   * not deleted: {@link LayerStore#releaseRWLayer} frees its name, and the first cleanup or open
   * after that end deletes them. A call after {@link #close} does nothing, and the other way round.
   *
   * @throws LayerStoreException if the driver failed
   */
  void closeLazily() throws LayerStoreException;

  /**
   * Where a mount is that is not in the namespaces of this process. {@link Mount#enter} needs none
   * of this; other programs do:
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
