package io.layerstore.spi;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Takes the entries of one layer archive into a driver's tree, in the order of the archive.
 *
 * <p>An implementation
 *
 * <ul>
 *   <li>stays inside the layer's directory whatever links are on the way: a symbolic link in the
 *       path is followed inside the layer, absolute text from the layer's root; one that climbs
 *       above the root is a {@link io.layerstore.ArchiveException};
 *   <li>makes missing parents as directories of mode 0755 that belong to 0:0;
 *   <li>replaces what is in the way, except that a directory entry over a directory only sets its
 *       attributes;
 *   <li>tells {@link WriteContext#destroying} before it destroys a regular file that this archive
 *       has written, and {@link WriteContext#redirecting} before it removes or replaces a symbolic
 *       link;
 *   <li>sets attributes in an order in which none is lost: owner, xattrs, mode, times; those of
 *       directories at the end;
 *   <li>does not keep entries in memory;
 *   <li>may work in the background, so that an error surfaces at a later call, at the latest at
 *       {@link #finish}.
 * </ul>
 *
 * <p>Used by one thread at a time.
 */
public interface TreeWriter extends AutoCloseable {

  /**
   * Adds an entry.
   *
   * @param content the content of a regular file, to be read to its end; null for other types
   * @throws IOException what reading {@code content} threw, as it was; a {@link
   *     LayerStoreException} for everything else
   */
  void write(TreeEntry entry, @Nullable FileContent content) throws IOException;

  /**
   * Completes the layer; nothing is pending afterwards.
   *
   * @param archiveBytes the sum of the size fields of all archive entries, which is what a copying
   *     driver reports
   * @return the size of the layer in bytes, as this driver counts
   */
  long finish(long archiveBytes) throws LayerStoreException;

  /**
   * Ends the writer. Before {@link #finish} it abandons the work; what was written is removed with
   * the layer. Never blocks for long.
   */
  @Override
  void close() throws LayerStoreException;
}
