package io.layerstore.spi;

import io.layerstore.DriverException;
import io.layerstore.DriverStatus;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport;
import io.layerstore.RootDirectory;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the files of layers, each under an id that the store chooses, and mounts a layer merged
 * with those below it.
 *
 * <p>The store calls {@link #create}, fills the layer through {@link #openWriter}, and from then on
 * never changes it; or {@link #createReadWrite}, and lets the user change it through {@link
 * #mount}. {@link #remove} ends either. In the parameter names, {@code id} is always a driver id
 * and {@code parent} the driver id of the layer directly below.
 *
 * <p>An implementation
 *
 * <ul>
 *   <li>is safe for use by many threads on different ids; the store never runs two calls that
 *       change the same id at once;
 *   <li>never reads or writes outside its home, whatever links a layer contains;
 *   <li>refuses an id that is not one safe path component with {@link IllegalArgumentException};
 *   <li>leaves nothing behind when a creation fails;
 *   <li>finishes {@link #mount} and {@link #unmount} even if the calling thread is interrupted, and
 *       leaves its interrupt status set: the store calls these from its callers' threads;
 *   <li>never touches directories in its home that it did not create;
 *   <li>throws {@link io.layerstore.DriverException} or a subclass for what the file system or the
 *       kernel refuses.
 * </ul>
 *
 * <p>Mirrors {@code graphdriver.Driver} of moby, on trees in place of tar streams.
 */
public interface GraphDriver extends AutoCloseable {

  /** The driver's name. */
  String name();

  /** What it keeps on the file system, and how. */
  DriverTraits traits();

  /** Facts for people, in a fixed order. */
  DriverStatus status() throws LayerStoreException;

  /** What it found and mended when it opened its home. */
  default RecoveryReport recoveryReport() {
    return RecoveryReport.CLEAN;
  }

  /**
   * Makes an empty read-only layer on top of {@code parent}; {@code size} among the storage options
   * is refused. It need not be on the disk before {@link #sync}.
   */
  void create(String id, @Nullable String parent, CreateOptions options) throws LayerStoreException;

  /**
   * Makes an empty read-write layer on top of {@code parent}. With {@link
   * io.layerstore.Durability#FULL} it is on the disk when this returns, with what it has of its
   * parent.
   */
  void createReadWrite(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException;

  /**
   * Deletes a layer with its files. One that does not exist is not an error.
   *
   * @throws io.layerstore.MountBusyException if it is mounted and in use; it is unchanged
   * @throws io.layerstore.DriverException if its files cannot be deleted now, for instance because
   *     something is mounted below them; another call can delete the rest
   */
  void remove(String id) throws LayerStoreException;

  /**
   * Exchanges the files of the layers {@code damaged} and {@code sound}, if layers in this driver
   * depend on the files of the layer below. Repairs whatever else is wrong with {@code damaged},
   * which may be gone altogether. Layers on it and later mounts have the sound files; an existing
   * mount keeps the old ones, and until it ends, {@link #remove} of {@code sound} fails.
   *
   * @param parent the layer that both are on, or null
   * @return whether that was done; false if every layer has all of its files, so that there is no
   *     need
   * @throws io.layerstore.DriverException if it cannot be done, for instance because a persistent
   *     mount uses the damaged files; they stay where they are
   */
  default boolean exchangeFiles(String damaged, String sound, @Nullable String parent)
      throws LayerStoreException {
    return false;
  }

  /** Whether there is a layer of that id. */
  boolean exists(String id) throws LayerStoreException;

  /**
   * The id of the layer directly below, if the driver records it because it needs that layer's
   * files; empty if there is none, or if every layer has all of its files.
   *
   * @throws io.layerstore.DriverException if there is no layer {@code id}
   */
  default Optional<String> neededParent(String id) throws LayerStoreException {
    return Optional.empty();
  }

  /**
   * What is wrong with a layer, judged by its directory and the driver's own records. Quick: does
   * not look at the layer's files.
   *
   * @param parent the layer that it is on; null if it is on none
   * @return a sentence for people; empty if nothing is wrong
   * @throws LayerStoreException if that cannot be told
   */
  default Optional<String> problem(String id, @Nullable String parent) throws LayerStoreException {
    return exists(id) ? Optional.empty() : Optional.of("its files are gone from the driver");
  }

  /**
   * The layers in which {@link #problem} would find nothing, where that is quicker for many at
   * once. May leave out any.
   *
   * @param parents for each layer the one that it is on, if it is on one
   */
  default Set<String> intact(Map<String, Optional<String>> parents) throws LayerStoreException {
    return Set.of();
  }

  /** The ids of the layers this driver made, sorted. */
  List<String> ids() throws LayerStoreException;

  /**
   * Whether files may have another owner than their archive says, because this process cannot give
   * them away. For a difference, the store then looks up the owners of files from lower layers in
   * the archives of those.
   */
  default boolean hasStandInOwners() {
    return false;
  }

  /**
   * Mounts the merged files and counts the mount; returns the same path until the count is back at
   * zero. The path is a directory and not a symbolic link; links below it may lead anywhere.
   *
   * <p>Where {@link DriverContext#others} are, they may have the layer mounted: the driver shares
   * that mount, and {@link #unmount} leaves it to them.
   *
   * @throws io.layerstore.MountBusyException if others have a layer that can be changed mounted,
   *     and it cannot be shared
   */
  Path mount(String id, MountOptions options) throws LayerStoreException;

  /**
   * The same for a layer that must not change: if the driver can, it refuses writing through the
   * path. Undone with {@link #unmount} as well.
   */
  default Path mountReadOnly(String id, MountOptions options) throws LayerStoreException {
    return mount(id, options);
  }

  /**
   * The files of a mounted layer, if the mount does not show all of them under their names and as
   * what they are; else empty. Need not check that the mount still exists.
   *
   * @param mounted the path that {@link #mount} gave
   */
  default Optional<RootDirectory> rootDirectory(String id, Path mounted) {
    return Optional.empty();
  }

  /**
   * Undoes one {@link #mount}; does nothing if there is none.
   *
   * @throws io.layerstore.MountBusyException if it was the last and the mount is in use; the mount
   *     and its count stay
   */
  void unmount(String id) throws LayerStoreException;

  /**
   * The same, but detaches a mount that is in use at once; the kernel ends it with its last user. A
   * driver whose mounts are never busy need not implement it.
   */
  default void unmountLazily(String id) throws LayerStoreException {
    unmount(id);
  }

  /**
   * Makes a command run in a mounted layer, as {@link io.layerstore.Mount#enter} and {@link
   * io.layerstore.Mount#chroot} promise.
   *
   * @param mounted the path that {@link #mount} gave
   * @param builder what to run; gets another command and directory
   * @param isRoot whether the mount is to be the root directory, rather than the working directory
   * @throws DriverException if no command can run there; {@code builder} is unchanged
   */
  default void enter(String id, Path mounted, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    throw new DriverException(name(), id, "this driver cannot run commands in a mount", null);
  }

  /**
   * The namespaces a mounted layer is in; empty if they are those of this process.
   *
   * @param mounted the path that {@link #mount} gave
   */
  default Optional<Mount.Namespace> namespace(String id, Path mounted) throws LayerStoreException {
    return Optional.empty();
  }

  /**
   * Where the layer is, such as {@code UpperDir}.
   *
   * @throws io.layerstore.DriverException if there is no such layer
   */
  Map<String, String> metadata(String id) throws LayerStoreException;

  /**
   * Opens a layer for unpacking an archive into it. One writer at a time for an id.
   *
   * @param parent the layer directly below, or null
   * @param context what the writer asks and tells while it works
   */
  TreeWriter openWriter(String id, @Nullable String parent, WriteContext context)
      throws LayerStoreException;

  /** Opens regular files of the layer, merged with those below, by the names its archive had. */
  FileGetter files(String id) throws LayerStoreException;

  /** Opens the layer, merged with those below, for looking at every entry. */
  LayerTree tree(String id) throws LayerStoreException;

  /**
   * The driver's own way to find the difference between a layer and its parent, if it has one; else
   * the store compares trees.
   */
  Optional<NativeDiff> nativeDiff(String id, @Nullable String parent) throws LayerStoreException;

  /** Forces all files of the layer to the disk, as far as the file system can. */
  void sync(String id) throws LayerStoreException;

  /** The same for several layers, for drivers that can do that more cheaply. */
  default void sync(Collection<String> ids) throws LayerStoreException {
    for (String id : ids) {
      sync(id);
    }
  }

  /**
   * Whether {@link #sync} forces everything that was written to the file system that {@code path}
   * is on, whoever wrote it.
   */
  default boolean forcesFileSystemOf(Path path) throws LayerStoreException {
    return false;
  }

  /** Cleans up leftovers in the home, such as mounts of a process that died. */
  void cleanup() throws LayerStoreException;

  /**
   * Unmounts what this driver mounted, except persistent mounts, and ends its processes. A second
   * call does nothing.
   *
   * @throws io.layerstore.MountBusyException if a mount is in use; everything else is closed
   */
  @Override
  void close() throws LayerStoreException;
}
