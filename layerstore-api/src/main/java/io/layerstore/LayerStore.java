package io.layerstore;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A store of file-system layers: read-only layers, identified by their content, and named
 * read-write layers on top of them.
 *
 * <h2>The life of a layer</h2>
 *
 * <p>{@link #register} reads a layer archive once: the store checks it, the graph driver unpacks
 * it, and its headers are kept, so that it can be exported byte for byte. The SHA-256 of the
 * uncompressed archive is the layer's <em>diff ID</em>; together with the diff IDs below it yields
 * the <em>chain ID</em>, by which the layer is found. A layer becomes visible only when all of it
 * is on disk.
 *
 * <p>{@link #createRWLayer} puts a named, writable layer on top, {@link #createTemporaryRWLayer}
 * one that is deleted when it is closed. {@link RWLayer#mount} mounts it; {@link Mount#file} reads
 * and writes files without following a link out of the layer. {@link RWLayer#changes} and {@link
 * RWLayer#tarStream} list and export the changes; {@link RWLayer#commit} turns them into a new
 * layer.
 *
 * <p>Handles count references. Closing a handle never deletes what has a name; {@link #release} and
 * {@link #releaseRWLayer} delete what nothing refers to any more: a layer is held by its handles,
 * by the layers above it and by the read-write layers on it; in a data root of Docker's also by the
 * cache of BuildKit, as {@link LayerInfo.Usage#otherHolders} tells.
 *
 * <h2>The root</h2>
 *
 * <p>The directory given to {@link #open} has the layout of a Docker data root, {@code
 * image/<driver>/layerdb} and {@code <driver>/}, so dockerd can use it while no store has it open,
 * and a store while dockerd is stopped. Any number of stores, in one process or in many, can have
 * it open at the same time, unless one of them is {@linkplain StoreOptions.Builder#exclusive
 * exclusive}: what one does, the others see at their next call, and what one holds, none deletes.
 * Any {@link Path} will do, even one of an in-memory file system such as Jimfs; kernel mounts need
 * the default file system.
 *
 * <p>Safe for use by many threads; no store-wide lock is held while bytes move. Interrupting a
 * thread that is inside a call cancels it: the call throws {@link OperationInterruptedException},
 * the store is as it was, and the thread's interrupt status stays set. After {@link #close}, every
 * method throws {@link IllegalStateException}.
 */
public interface LayerStore extends AutoCloseable {

  /** The most layers a chain can have. */
  int MAX_DEPTH = 125;

  /**
   * Opens the store at {@code root} for writing with default options, and creates it if the
   * directory does not exist or is empty.
   *
   * <p>A directory with anything else in it than a store of this library's or of a dockerd with a
   * graph driver is refused, and left as it is; see {@link StoreOptions.Creation}. A call that
   * fails removes what it created.
   *
   * @throws StoreLockedException if another store has it open exclusively, or a running dockerd
   *     uses it
   * @throws StoreNotFoundException if the directory holds something else
   * @throws DriverException if no graph driver can be used
   * @throws LayerStoreException if the root cannot be read or written
   * @throws IllegalStateException if no implementation is on the class path or module path
   */
  static LayerStore open(Path root) throws LayerStoreException {
    return builder(root).open();
  }

  /**
   * A builder for opening the store at {@code root}: set options, then call {@link
   * StoreOptions.Builder#open}.
   */
  static StoreOptions.Builder builder(Path root) {
    return StoreOptions.builder(root);
  }

  /**
   * Adds the base layer whose archive is the file {@code archive}; see {@link
   * #register(InputStream, RegisterOptions)}.
   */
  default Layer register(Path archive) throws LayerStoreException {
    return register(LayerSource.of(archive), RegisterOptions.DEFAULT);
  }

  /**
   * Adds the layer whose archive is the file {@code archive} on top of {@code parent}, or on
   * nothing if it is null.
   */
  default Layer register(Path archive, @Nullable ChainId parent) throws LayerStoreException {
    return register(LayerSource.of(archive), RegisterOptions.onTopOf(parent));
  }

  /** Adds the layer whose archive is {@code tar} on top of {@code parent}. */
  default Layer register(InputStream tar, @Nullable ChainId parent) throws LayerStoreException {
    return register(tar, RegisterOptions.onTopOf(parent));
  }

  /**
   * Adds the layer whose archive is {@code tar}, plain or compressed with gzip, bzip2, xz or zstd,
   * and returns a handle on it.
   *
   * <p>Reads {@code tar} to its end and does not close it; after a failure it stops reading at
   * once. If a layer with the same chain ID exists, its content is kept, the copy just unpacked is
   * discarded, and the handle refers to the existing layer; if its expected identity is known and
   * present, {@code tar} is not read at all. A layer that exists and is found damaged, by its
   * metadata and the types and sizes of its files or, with {@link RegisterOptions#verifyExisting},
   * by its content, is unpacked again from {@code tar}. Takes time and disk proportional to the
   * archive; memory does not grow with it.
   *
   * <p>Trailing bytes that are not gzip are ignored if the archive before them has its end marker,
   * as dockerd does where pigz is installed; without the marker the archive may be damaged and is
   * refused.
   *
   * @return a new handle; give it back with {@code close} or {@code release}
   * @throws LayerNotFoundException if the parent is not in the store; nothing has been read
   * @throws MaxDepthExceededException if the chain would exceed {@value #MAX_DEPTH} layers; nothing
   *     has been read
   * @throws LayerVerificationException if the archive is not the expected one; the store is
   *     unchanged
   * @throws ArchiveException if the archive is malformed, hostile, or beyond a limit; the store is
   *     unchanged
   * @throws ReadOnlyStoreException if the store is open for reading only
   * @throws LayerStoreException if reading, unpacking or publishing fails; the store is unchanged,
   *     the partial layer removed
   */
  Layer register(InputStream tar, RegisterOptions options) throws LayerStoreException;

  /**
   * Adds a layer like {@link #register(InputStream, RegisterOptions)}, from a source that is opened
   * only if it must be read, and is always closed.
   *
   * <p>If several threads, or processes on the same root, expect the same diff or chain ID, the
   * work is done once.
   */
  Layer register(LayerSource source, RegisterOptions options) throws LayerStoreException;

  /**
   * A new handle on a layer.
   *
   * @throws LayerNotFoundException if the store has no such layer
   */
  Layer get(ChainId chainId) throws LayerStoreException;

  /**
   * The chain ID that begins with {@code prefix}: hexadecimal digits, with or without {@code
   * sha256:} before them.
   *
   * @throws AmbiguousIdException if several layers match
   * @throws LayerNotFoundException if none does
   * @throws IllegalArgumentException if {@code prefix} cannot be the beginning of a chain ID
   */
  ChainId resolve(String prefix) throws LayerStoreException;

  /** All layers at this moment, sorted by chain ID. Takes no references. */
  List<LayerInfo> layers();

  /**
   * Gives a handle back, and deletes the layer if nothing else holds it, then its parent if nothing
   * else holds that, and so on.
   *
   * @return what was deleted, child before parent; empty if something still holds the layer
   * @throws LayerNotRetainedException if the handle is spent; nothing happens
   * @throws DriverException if the files cannot be removed; the layer is gone from the store, and
   *     removal is tried again at the next cleanup or open
   * @throws LayerStoreException if its metadata cannot be hidden; the layer stays, without this
   *     handle, and can be released again
   */
  List<LayerInfo> release(Layer layer) throws LayerStoreException;

  /** Creates a read-write layer called {@code name} on nothing. */
  default RWLayer createRWLayer(String name) throws LayerStoreException {
    return createRWLayer(name, RWLayerOptions.DEFAULT);
  }

  /**
   * Creates a read-write layer called {@code name} on top of {@code parent}, or on nothing if it is
   * null.
   */
  default RWLayer createRWLayer(String name, @Nullable ChainId parent) throws LayerStoreException {
    return createRWLayer(name, RWLayerOptions.onTopOf(parent));
  }

  /**
   * Creates a read-write layer called {@code name}.
   *
   * @throws IllegalArgumentException if {@code name} is not of the form {@code
   *     [a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}}
   * @throws NameConflictException if there is one of that name
   * @throws LayerNotFoundException if the parent is not in the store
   * @throws LayerStoreException if the driver or the initializer fails; nothing of the read-write
   *     layer remains
   */
  RWLayer createRWLayer(String name, RWLayerOptions options) throws LayerStoreException;

  /** Creates a temporary read-write layer on nothing. */
  default RWLayer createTemporaryRWLayer() throws LayerStoreException {
    return createTemporaryRWLayer(RWLayerOptions.DEFAULT);
  }

  /** Creates a temporary read-write layer on top of {@code parent}, or on nothing if it is null. */
  default RWLayer createTemporaryRWLayer(@Nullable ChainId parent) throws LayerStoreException {
    return createTemporaryRWLayer(RWLayerOptions.onTopOf(parent));
  }

  /**
   * Creates a temporary read-write layer under a generated name.
   *
   * <p>It is deleted, with everything written into it, when its last handle and its last mount are
   * closed, or with the store; the layers below stay. If the process is killed, the next open
   * deletes what is left. A deletion that fails is logged and tried again by the next {@link
   * #cleanup} or open. Other processes, dockerd included, never see the layer. {@link
   * #releaseRWLayer} deletes it like any other, and throws if it cannot.
   *
   * @throws LayerNotFoundException if the parent is not in the store
   * @throws LayerStoreException if the driver or the initializer fails; nothing of the read-write
   *     layer remains
   */
  RWLayer createTemporaryRWLayer(RWLayerOptions options) throws LayerStoreException;

  /**
   * A new handle on a read-write layer.
   *
   * @throws RWLayerNotFoundException if there is none of that name
   */
  RWLayer getRWLayer(String name) throws LayerStoreException;

  /** All read-write layers at this moment, sorted by name. Takes no references. */
  List<RWLayerInfo> rwLayers();

  /**
   * The name of a read-write layer's directory in the graph driver.
   *
   * @throws RWLayerNotFoundException if there is none of that name
   */
  String mountId(String name) throws LayerStoreException;

  /**
   * Gives a handle back, and deletes the read-write layer with its files if that was the last one;
   * its parent is then released like a layer.
   *
   * <p>Afterwards the layer is gone and its name is free, even if some of its files cannot be
   * deleted yet, for instance because somebody mounted something below them. The first {@link
   * #cleanup} or open that can deletes the rest.
   *
   * @return the layers that were deleted with it, child before parent
   * @throws LayerNotRetainedException if the handle is spent; nothing happens
   * @throws MountBusyException if it is mounted; nothing happens and the handle stays good
   * @throws LayerStoreException if the metadata cannot be changed; the handle stays good, and the
   *     call can be repeated
   */
  List<LayerInfo> releaseRWLayer(RWLayer layer) throws LayerStoreException;

  /**
   * The images of this store. Every image holds its top layer with a handle, which {@link
   * Layer#usage} counts.
   *
   * <p>The same object at each call; its methods throw {@link IllegalStateException} after {@link
   * #close}.
   */
  ImageStore images();

  /**
   * Finishes deletions that could not be completed, removes leftovers of failed registrations and
   * temporary files of failed calls, and lets the driver clean up. Deletes no layer, and nothing
   * that a running call needs.
   *
   * @return what was done and what remains
   */
  RecoveryReport cleanup() throws LayerStoreException;

  /**
   * The stores that have the root open for writing, in this process and in others, and what each
   * holds. Empty for a store that only reads, or where it cannot be told.
   */
  List<StoreUser> users() throws LayerStoreException;

  /** The name of the graph driver. */
  String driverName();

  /** Facts about the graph driver, for people. */
  DriverStatus driverStatus() throws LayerStoreException;

  /** Which driver was chosen, and why. */
  DriverChoice driverChoice();

  /** What was found and repaired when the store was opened. */
  RecoveryReport recoveryReport();

  /** The directory the store is in. */
  Path root();

  /** Whether the store was opened for reading only. */
  boolean isReadOnly();

  /**
   * Unmounts what this store mounted, unless others use it, gives back what it held of the root,
   * and ends all threads and processes of the store. A second call does nothing.
   *
   * <p>Open handles can no longer be used; what they held stays on disk.
   *
   * @throws MountBusyException if a mount is in use; it names it, and everything else is closed
   */
  @Override
  void close() throws LayerStoreException;
}
