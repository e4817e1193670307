package io.layerstore;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A directory that was to be opened as a store holds something else, such as what an engine or
 * another tool keeps there. Nothing was changed in it.
 *
 * <p>Naming the graph driver, or {@link StoreCreation#ANYWHERE}, makes a store beside that.
 */
public class ForeignRootException extends StoreNotFoundException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> found;

  /**
   * About {@code root}.
   *
   * @param driver the driver a store of which was to be opened; null for any
   * @param found what is in it, each in a few words
   * @param advice what can be done, as the end of a sentence
   */
  public ForeignRootException(
      Path root, @Nullable String driver, List<String> found, String advice) {
    super(
        root,
        root
            + " has no store "
            + (driver == null ? "" : "of the driver " + driver + " ")
            + "but "
            + String.join("; ", found)
            + ": "
            + advice);
    this.found = List.copyOf(found);
  }

  /** What is in the directory, each in a few words. */
  public List<String> found() {
    return found;
  }
}
