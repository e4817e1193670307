package io.layerstore;

import java.io.InputStream;
import java.nio.file.FileSystem;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A handle on one reference to a named read-write layer.
 *
 * <p>Got from {@link LayerStore#createRWLayer} or {@link LayerStore#getRWLayer}. {@link #close}
 * gives the reference back and deletes nothing: the read-write layer is found again by its name,
 * also by the next process. {@link LayerStore#releaseRWLayer} deletes it, files and all. One made
 * by {@link LayerStore#createTemporaryRWLayer} is deleted by {@code close} too. After either, every
 * method that needs the store throws {@link IllegalStateException}.
 *
 * <p>Safe for use by many threads. Mirrors {@code layer.RWLayer} of moby.
 */
public interface RWLayer extends AutoCloseable {

  /** The name given by its creator, or generated if it is temporary. */
  String name();

  /** The chain ID of the layer it stands on; empty if it stands on nothing. */
  Optional<ChainId> parent();

  /** The name of its directory in the graph driver. */
  String mountId();

  /** Mounts it without options. */
  default Mount mount() throws LayerStoreException {
    return mount(MountOptions.DEFAULT);
  }

  /**
   * Makes its files visible, merged with those of the layers below. Mounts are counted, over all
   * processes that share the root: the first one mounts, the close of the last one unmounts. With
   * overlay2 processes of root in one mount namespace share the kernel's mount; those of an
   * ordinary user cannot. With vfs it is the same directory.
   *
   * <p>Whoever made the layers chose their symbolic links: {@link Mount#file} follows them inside
   * the layer, but a path below {@link Mount#path} can lead out of it.
   *
   * <p>A layer without a parent needs no kernel mount: with every driver it is a plain directory,
   * which can still be used after the close.
   *
   * @throws IllegalArgumentException if the mount is to be persistent, but the read-write layer is
   *     temporary
   * @throws MountBusyException if a mount that was closed lazily, here or by a process before this
   *     one, is still in use; or if another process, which it names, has it mounted where this one
   *     cannot see it
   * @throws LayerStoreException if the driver cannot mount; nothing is left mounted
   */
  Mount mount(MountOptions options) throws LayerStoreException;

  /** The size of its changes in bytes, as the graph driver counts them. */
  long sizeBytes() throws LayerStoreException;

  /**
   * Its differences from the layer below, in a deterministic order. Close the stream.
   *
   * <p>Lists what {@code docker diff} does, except sockets, which no archive can hold.
   *
   * <p>The stream reads the files while it is consumed and throws {@link
   * java.io.UncheckedIOException} if that fails.
   */
  Stream<Change> changes() throws LayerStoreException;

  /** An archive of its changes with {@link TarOptions#DEFAULT}. */
  default InputStream tarStream() throws LayerStoreException {
    return tarStream(TarOptions.DEFAULT);
  }

  /**
   * An archive of its changes, made from the files as they are now. Close the stream.
   *
   * @return the archive; its {@code read} throws {@link ConcurrentChangeException} if a file
   *     changes while it is read
   * @throws ArchiveException if the library for the compression is not there
   */
  InputStream tarStream(TarOptions options) throws LayerStoreException;

  /** The files of this layer and those below with {@link ViewOptions#DEFAULT}. */
  default FileSystem fileSystem() throws LayerStoreException {
    return fileSystem(ViewOptions.DEFAULT);
  }

  /**
   * Shows it, merged with the layers below, as a read-only file system, without a mount; see {@link
   * Layer#fileSystem(ViewOptions)}.
   *
   * <p>The set of files is that of this moment. A file that is changed later shows its new content,
   * or fails to open if its size differs. Files of this layer itself are not verified, since
   * nothing is recorded of them.
   *
   * @return an open file system; it holds the layer until it is closed
   */
  FileSystem fileSystem(ViewOptions options) throws LayerStoreException;

  /**
   * Unpacks a layer archive, plain or compressed, onto it, whiteouts included. Reads to the end and
   * does not close {@code tar}.
   *
   * <p>Not atomic: after a failure part of the archive may have been unpacked.
   *
   * @return the size of what was unpacked, in bytes, as the graph driver counts
   * @throws ArchiveException if the archive is refused
   */
  long applyDiff(InputStream tar) throws LayerStoreException;

  /**
   * Where it is on disk, as the graph driver reports it, such as {@code UpperDir}. Symbolic links
   * can lead out of these directories, as out of {@link Mount#path}.
   */
  Map<String, String> metadata() throws LayerStoreException;

  /** Commits with {@link CommitOptions#DEFAULT}. */
  default Layer commit() throws LayerStoreException {
    return commit(CommitOptions.DEFAULT);
  }

  /**
   * Registers its changes as a new layer on top of its parent. The new layer has a copy of the
   * files, and the read-write layer stays usable.
   *
   * <p>Allowed while it is mounted and written to, but then not a snapshot of one moment: files are
   * read one after the other.
   *
   * @return a handle on the new layer, or on an existing one with the same content
   * @throws ConcurrentChangeException if a file changes while it is read; the store is unchanged
   * @throws MaxDepthExceededException if the chain would exceed 125 layers
   */
  Layer commit(CommitOptions options) throws LayerStoreException;

  /**
   * Gives the reference back. Leaves mounts as they are, and deletes nothing unless the read-write
   * layer is temporary; a second call does nothing.
   */
  @Override
  void close();
}
