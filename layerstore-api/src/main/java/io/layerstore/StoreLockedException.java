package io.layerstore;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The root is open in a way that keeps this store out: exclusively elsewhere; or elsewhere at all,
 * if this store was to be exclusive; or a running dockerd uses it.
 */
public class StoreLockedException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient Path root;
  private final transient @Nullable StoreUser holder;

  /** For when nothing is known of who has it. */
  public StoreLockedException(Path root) {
    this(root, (StoreUser) null);
  }

  /** Carries the facts; {@code holder} is null if nothing is known of who has it. */
  public StoreLockedException(Path root, @Nullable StoreUser holder) {
    super(
        "the store at "
            + root
            + " is open "
            + (holder == null || holder.isExclusive() ? "exclusively " : "")
            + "elsewhere"
            + (holder == null ? "" : ", by " + holder.describe())
            + "; close that store, wait for it (lockTimeout), or open this one for reading only");
    this.root = root;
    this.holder = holder;
  }

  /** For when something other than a store has it; {@code reason} follows "the store at … is". */
  public StoreLockedException(Path root, String reason) {
    super("the store at " + root + " is " + reason);
    this.root = root;
    this.holder = null;
  }

  /** The root of the store. */
  public Path root() {
    return root;
  }

  /** Who has it, as far as that is known: an older version of this library does not tell. */
  public Optional<StoreUser> holder() {
    return Optional.ofNullable(holder);
  }
}
