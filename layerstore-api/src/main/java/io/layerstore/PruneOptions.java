package io.layerstore;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a prune may delete. Immutable. Never deleted: what a read-write layer, an open handle or an
 * image that stays needs.
 *
 * @param allImages whether images that have tags go too, and not only those without
 * @param layers whether layers that no image, read-write layer, child or open handle needs go too
 * @param createdBeforeOrNull spares images made at this time or later; null for no such limit
 */
public record PruneOptions(
    boolean allImages, boolean layers, @Nullable Instant createdBeforeOrNull) {

  /** Images without references. */
  public static final PruneOptions DANGLING = new PruneOptions(false, false, null);

  /** All images without read-write layers, and all layers that nothing needs. */
  public static final PruneOptions EVERYTHING_UNUSED = new PruneOptions(true, true, null);

  /** Only images made before this time go. */
  public Optional<Instant> createdBefore() {
    return Optional.ofNullable(createdBeforeOrNull);
  }
}
