package io.layerstore.spi;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/**
 * Opens the regular files of a layer, merged with those below, by the names they had in its
 * archive.
 *
 * <p>An implementation follows symbolic links on the way inside the layer only, and never opens
 * anything but a regular file.
 */
public interface FileGetter extends AutoCloseable {

  /**
   * Says that {@link #open} will be called for this file, after what was announced before and by
   * the same thread, so that reading it can begin. Nothing depends on it: what was announced need
   * not be opened, and what is opened need not have been announced. A caller announces at most some
   * hundred files ahead. Does nothing by default.
   */
  default void announceOpen(LayerPath path, long sizeBytes) throws LayerStoreException {}

  /** The same for {@link #check} or {@link #exists}. */
  default void announceLook(LayerPath path) throws LayerStoreException {}

  /**
   * Opens the file {@code path}.
   *
   * @param sizeBytes the size it must have, in bytes
   * @return its content, to be closed by the caller
   * @throws io.layerstore.LayerVerificationException if it is missing, no regular file, or of
   *     another size
   */
  InputStream open(LayerPath path, long sizeBytes) throws LayerStoreException;

  /**
   * Checks whether {@link #open} would open the file, without reading it.
   *
   * @throws io.layerstore.LayerVerificationException as {@link #open} does
   */
  default void check(LayerPath path, long sizeBytes) throws LayerStoreException {
    try (InputStream content = open(path, sizeBytes)) {
      Objects.requireNonNull(content, "content");
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot close /" + path + ": " + e.getMessage(), e);
    }
  }

  /**
   * Whether the layer has anything at {@code path}: a directory, a file, or a link, which is not
   * followed. An implementation that cannot tell returns true.
   */
  default boolean exists(LayerPath path) throws LayerStoreException {
    return true;
  }

  /** Ends it. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
