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

  /** The name its creator gave it; one that the store made up if it is temporary. */
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
   * Makes its files visible, merged with those of the layers below. Mounts are counted: the first
   * one mounts, the close of the last one unmounts.
   *
   * <p>The files, and so the symbolic links, are those of whoever made the layers: {@link
   * Mount#file} follows them inside the layer, a path below {@link Mount#path} does not stay there.
   *
   * <p>A layer that stands on nothing needs no mount: its path is a plain directory with every
   * driver, whose users nothing keeps from going on after the close.
   *
   * @throws IllegalArgumentException if the mount is to be persistent, but the read-write layer is
   *     temporary
   * @throws MountBusyException if a mount that was closed lazily, here or by a process before this
   *     one, is still in use
   * @throws LayerStoreException if the driver cannot mount; nothing is left mounted
   */
  Mount mount(MountOptions options) throws LayerStoreException;

  /** The size of what was written into it, in bytes, as the graph driver counts. */
  long sizeBytes() throws LayerStoreException;

  /**
   * How it differs from the layer it stands on, in a deterministic order. Close the stream.
   *
   * <p>As {@code docker diff} lists it, but for sockets: no archive can hold one, so they are not
   * listed here either.
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
   * Shows its files and those below, merged, as a file system to read, without a mount; see {@link
   * Layer#fileSystem(ViewOptions)}.
   *
   * <p>It shows which files there are at this moment. A file that is changed later has its new
   * content, or fails to open if its size is another one. What this layer has itself is not
   * verified, for nothing is recorded of it.
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
   * What the graph driver tells about its place on disk, such as {@code UpperDir}. A path below one
   * of these directories can leave it by a symbolic link, as one below {@link Mount#path} can.
   */
  Map<String, String> metadata() throws LayerStoreException;

  /** Commits with {@link CommitOptions#DEFAULT}. */
  default Layer commit() throws LayerStoreException {
    return commit(CommitOptions.DEFAULT);
  }

  /**
   * Registers its changes as a new layer on top of its parent, with a copy of the files of its own.
   * The read-write layer goes on.
   *
   * <p>Allowed while it is mounted and written to, but not a point-in-time snapshot then: files are
   * read one after the other.
   *
   * @return a handle on the new layer, or on the equal one that exists
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
