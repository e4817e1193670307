package io.layerstore;

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
   * Undoes exactly this mount. A second call does nothing.
   *
   * @throws MountBusyException if it was the last mount and something still uses the files; the
   *     mount stays, and the call can be repeated
   * @throws LayerStoreException if the driver failed
   */
  @Override
  void close() throws LayerStoreException;

  /**
   * Undoes exactly this mount even if something still uses the files, for a busy mount whose users
   * cannot be made to stop. Where it was the last mount, its path shows nothing from then on; who
   * has a file open or works in a directory keeps that until the end, and the kernel ends the mount
   * with the last of them. A call after {@link #close} does nothing, and the other way round.
   *
   * @throws LayerStoreException if the driver failed
   */
  void closeLazily() throws LayerStoreException;
}
