package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;

/** Writes into the {@code diff} directory of a layer. */
public interface DiffWriter extends TreeWriter {

  /**
   * Takes away the whiteout at {@code path}; anything else there stays. The directory that it is in
   * keeps its times. Like {@link #write} it may be done later, at the latest with {@link #finish}.
   */
  void takeWhiteout(LayerPath path) throws IOException;

  /**
   * Removes what has been at {@code path} since before this writer, with everything below; a
   * whiteout stays. The context is not told.
   */
  void removeOld(LayerPath path) throws IOException;
}
