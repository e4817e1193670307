package io.layerstore;

import java.util.Objects;

/**
 * One difference between a read-write layer and the layers below it.
 *
 * @param kind what happened
 * @param path where, relative to the layer's root
 */
public record Change(ChangeKind kind, LayerPath path) {

  /** Rejects nulls. */
  public Change {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(path, "path");
  }

  /** The line {@code docker diff} prints: the letter, a space, and the absolute path. */
  @Override
  public String toString() {
    return kind.letter() + " /" + path;
  }
}
