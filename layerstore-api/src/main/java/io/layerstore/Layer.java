package io.layerstore;

import java.io.InputStream;
import java.nio.file.FileSystem;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A handle on one reference to a read-only layer.
 *
 * <p>Got from {@link LayerStore#register}, {@link LayerStore#get} or {@link RWLayer#commit}. While
 * it is open, the layer and all layers below it are kept. {@link #close} gives the reference back
 * and never deletes anything; {@link LayerStore#release} gives it back and deletes what nothing
 * refers to any more. IDs and sizes can still be read after that; methods that need the store throw
 * {@link IllegalStateException}.
 *
 * <p>Safe for use by many threads. Mirrors {@code layer.Layer} of moby.
 */
public interface Layer extends AutoCloseable {

  /** The identity of this layer and all layers below it. */
  ChainId chainId();

  /** The identity of this layer's content. */
  DiffId diffId();

  /** The chain ID of the layer below; empty for a base layer. */
  Optional<ChainId> parent();

  /** The number of layers in the chain, this one included. */
  int depth();

  /** The name of this layer's directory in the graph driver. */
  String cacheId();

  /**
   * The size of this layer and all layers below it, in bytes, as the graph driver counted when they
   * were unpacked.
   */
  long sizeBytes();

  /** The size of this layer alone, in bytes, as the graph driver counted when it was unpacked. */
  long diffSizeBytes();

  /** Where the layer's bytes came from, if that was given when it was registered. */
  Optional<Descriptor> descriptor();

  /**
   * Where the layer is on disk, as the graph driver reports it, such as {@code UpperDir}. Symbolic
   * links can lead out of these directories, as out of {@link Mount#path}.
   *
   * @throws LayerStoreException if the driver's files are missing or damaged
   */
  Map<String, String> metadata() throws LayerStoreException;

  /** The layer's archive, byte for byte as it was registered, uncompressed. */
  default InputStream tarStream() throws LayerStoreException {
    return tarStream(TarOptions.DEFAULT);
  }

  /**
   * The layer's archive, byte for byte as it was registered, compressed as {@code options} say.
   *
   * <p>The bytes are verified while they are read, so trust them only once the stream has ended
   * without an exception. Reads the layer's files on the fly; memory does not grow with the layer.
   * Close the stream.
   *
   * @return the archive; its {@code read} throws {@link LayerVerificationException} when a file of
   *     the layer or the archive as a whole is not what was registered, before any byte from
   *     outside the layer is returned
   * @throws StoreCorruptedException if the layer has no readable tar-split
   * @throws ArchiveException if the library for the compression is not there
   * @throws IllegalArgumentException if the options have a latest time: what was registered is not
   *     changed
   */
  InputStream tarStream(TarOptions options) throws LayerStoreException;

  /** The difference to {@code ancestor} with {@link TarOptions#DEFAULT}. */
  default InputStream tarStreamFrom(@Nullable ChainId ancestor) throws LayerStoreException {
    return tarStreamFrom(ancestor, TarOptions.DEFAULT);
  }

  /**
   * An archive of the difference between {@code ancestor} and this layer, made from the files. It
   * is neither verified nor byte for byte what was registered.
   *
   * @param ancestor the chain ID of a layer below this one, or null for everything
   * @throws IllegalArgumentException if {@code ancestor} is not below this layer; a layer is not
   *     its own ancestor
   * @throws ArchiveException if the library for the compression is not there
   */
  InputStream tarStreamFrom(@Nullable ChainId ancestor, TarOptions options)
      throws LayerStoreException;

  /**
   * Mounts this layer, merged with those below, for reading. {@link Mount#file} does not follow
   * links out of it.
   *
   * <p>The caller must not write. Overlay2 mounts read-only, base layers too; vfs gives the layer's
   * own directory, which it cannot protect.
   */
  Mount mount() throws LayerStoreException;

  /** The files of this layer and those below with {@link ViewOptions#DEFAULT}. */
  default FileSystem fileSystem() throws LayerStoreException {
    return fileSystem(ViewOptions.DEFAULT);
  }

  /**
   * Shows this layer, merged with those below or alone, as a read-only file system: without a
   * mount, and with any driver, operating system and user.
   *
   * <p>Names, types, owners, modes, times, links, devices and extended attributes are those of the
   * layers' archives, even if the driver could not keep them; they are held in memory, at about 100
   * bytes an entry. Contents are read from the driver's files on demand, and verified against their
   * recorded checksum when read to the end. Layers are merged as the kernel's overlay does it.
   *
   * <pre>{@code
   * try (FileSystem files = layer.fileSystem()) {
   *   System.out.println(Files.readString(files.getPath("/etc/os-release")));
   * }
   * }</pre>
   *
   * @return an open file system, safe for use by many threads; it holds the layer until it, or the
   *     store, is closed
   * @throws StoreCorruptedException if a layer has no readable tar-split
   */
  FileSystem fileSystem(ViewOptions options) throws LayerStoreException;

  /** Who holds this layer at the moment. */
  LayerInfo.Usage usage();

  /** Gives the reference back. Deletes nothing; a second call does nothing. */
  @Override
  void close();
}
