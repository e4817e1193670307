package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.WriteContext;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything the overlay2 driver asks of the kernel that the JDK cannot do: mounts, special files,
 * trusted attributes, confined work on trees.
 *
 * <p>Ids of layers are single safe path components and have been checked; the other side checks
 * them again. Safe for use by many threads; what a method returns says for itself. An
 * implementation that records and answers from a script makes the driver testable without rights.
 */
public interface LinuxCalls extends AutoCloseable {

  /** The namespace that helpers work in, as far as that is known without starting one. */
  UserNamespace likelyNamespace();

  /**
   * The namespace that helpers work in.
   *
   * @throws LayerStoreException if no helper can be started
   */
  UserNamespace namespace() throws LayerStoreException;

  /**
   * Finds out by trying what the kernel, the file system and the rights of this process allow.
   *
   * @param directory an existing directory on the file system that the driver's home is or will be
   *     on; nothing is left in it
   */
  KernelFeatures probe(Path directory) throws LayerStoreException;

  /**
   * Begins to mount and unmount layers.
   *
   * @param home the driver's home, which exists
   */
  Mounts openMounts(Path home, MountSettings settings) throws LayerStoreException;

  /**
   * Opens the {@code diff} directory of a layer for unpacking an archive into it.
   *
   * @param home the driver's home
   */
  DiffWriter openWriter(Path home, String id, WriteSettings settings, WriteContext context)
      throws LayerStoreException;

  /**
   * Opens the {@code diff} directory of a layer for looking at it.
   *
   * @param home the driver's home
   */
  TreeScan openDiff(Path home, String id) throws LayerStoreException;

  /**
   * Opens any directory for looking at what is in it, such as the path of a mount.
   *
   * @param directory as {@link Mounts#merged} or {@link Mounts.Detached#path} gave it, or any other
   */
  TreeScan openTree(Path directory) throws LayerStoreException;

  /**
   * What is mounted below a directory, as texts for people: {@code mount at /diff/x}.
   *
   * @param directory in the mount namespace of this process
   */
  List<String> mountsBelow(Path directory);

  /**
   * Deletes the directory of a layer with everything in it, of any depth; one that does not exist
   * is no error.
   *
   * @throws io.layerstore.MountBusyException if something is mounted in it; what was deleted before
   *     that was found stays deleted
   */
  void remove(Path home, String id) throws LayerStoreException;

  /**
   * Exchanges the {@code diff} directories of two layers, in one step.
   *
   * @throws LayerStoreException if that cannot be done; nothing is changed
   */
  void exchange(Path home, String id, String other) throws LayerStoreException;

  /** Forces the file system that holds {@code home} to the disk. */
  void sync(Path home) throws LayerStoreException;

  /**
   * Ends whatever helper process there is; what is still in use fails from then on. A later request
   * starts another one.
   */
  @Override
  void close();
}
