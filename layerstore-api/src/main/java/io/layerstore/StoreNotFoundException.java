package io.layerstore;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * There is no store at a root, and opening it created none: because that was not allowed, or
 * because the directory holds something else, such as the data of an engine or another tool.
 * Nothing was changed.
 *
 * <p>Naming the graph driver, or {@link StoreOptions.Creation#ANYWHERE}, creates a store beside
 * something else.
 */
public class StoreNotFoundException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient Path root;
  private final transient List<String> found;

  /** About a directory that holds nothing, or does not exist. */
  public StoreNotFoundException(Path root) {
    super("there is no store at " + root + "; check the path, or open it so that one is made");
    this.root = root;
    this.found = List.of();
  }

  /**
   * About a directory that holds something else.
   *
   * @param driver the driver a store of which was to be opened; null for any
   * @param found what is in it, each in a few words
   * @param advice what can be done, as the end of a sentence
   */
  public StoreNotFoundException(
      Path root, @Nullable String driver, List<String> found, String advice) {
    super(
        root
            + " has no store "
            + (driver == null ? "" : "of the driver " + driver + " ")
            + "but "
            + String.join("; ", found)
            + ": "
            + advice);
    this.root = root;
    this.found = List.copyOf(found);
  }

  /** The root that was to be opened. */
  public Path root() {
    return root;
  }

  /** What the directory holds in place of a store, each in a few words; empty if nothing. */
  public List<String> found() {
    return found;
  }
}
