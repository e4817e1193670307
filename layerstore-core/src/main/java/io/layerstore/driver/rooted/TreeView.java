package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the entries of a tree are, open for one way through it.
 *
 * <p>The methods that are here tell what the file system shows. A driver that keeps some entries in
 * another form overrides them. Used by one thread.
 */
@FunctionalInterface
public interface TreeView extends Closeable {

  /** Opens the directory that the tree begins in; the caller closes it. */
  Directory openRoot() throws IOException;

  /** What {@code path} is, which is in {@code directory}; null if nothing is there. */
  default @Nullable Look look(Directory directory, LayerPath path) throws IOException {
    return directory.look(path.name());
  }

  /** The text of the symbolic link {@code path}, which is in {@code directory}. */
  default ByteString readLink(Directory directory, LayerPath path) throws IOException {
    return directory.readLink(path.name());
  }

  /** Closes what was opened to tell that. */
  @Override
  default void close() throws IOException {
    // Nothing.
  }
}
