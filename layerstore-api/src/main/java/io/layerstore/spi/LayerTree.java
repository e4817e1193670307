package io.layerstore.spi;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A layer, merged with those below, for looking at every entry. Links are never followed.
 *
 * <p>Sockets are not shown. A file with several names is shown as a regular file under each; {@link
 * Node#fileId} tells that they are one.
 */
public interface LayerTree extends AutoCloseable {

  /**
   * An entry as it is now.
   *
   * @param entry what it is; never a hard link, whiteout or opaque mark
   * @param fileId what is equal for all names of one file and different for different files, within
   *     this tree
   * @param names the number of names the file has; {@link Integer#MAX_VALUE} if it may have several
   *     and nobody can tell how many
   * @param storage what is equal in two trees of this driver if the entry is certainly the same in
   *     both, contents included, such as an inode they share; null if that cannot be told
   */
  record Node(TreeEntry entry, Object fileId, int names, @Nullable Object storage) {}

  /** The entry at {@code path}; empty if there is none. */
  Optional<Node> find(LayerPath path) throws LayerStoreException;

  /**
   * The entries at {@code paths}, in that order; empty where there is none. Quicker than {@link
   * #find} for each if a question takes time.
   */
  default List<Optional<Node>> findAll(List<LayerPath> paths) throws LayerStoreException {
    List<Optional<Node>> found = new ArrayList<>(paths.size());
    for (LayerPath path : paths) {
      found.add(find(path));
    }
    return found;
  }

  /** The entries of the directory {@code path}, sorted by name. */
  List<Node> list(LayerPath path) throws LayerStoreException;

  /**
   * Opens the regular file that {@code node} describes.
   *
   * @return its content; {@code read} throws {@link io.layerstore.ConcurrentChangeException} if the
   *     file is not as {@code node} says or changes meanwhile
   */
  InputStream open(Node node) throws LayerStoreException;

  /** Ends it. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
