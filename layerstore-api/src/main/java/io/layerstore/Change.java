package io.layerstore;

import java.util.Objects;

/**
 * One difference between a read-write layer and the layers below it.
 *
 * @param kind what happened
 * @param path where, relative to the layer's root
 */
public record Change(Kind kind, LayerPath path) {

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

  /** What happened to a path of a read-write layer, compared with the layers below. */
  public enum Kind {
    /** The path is new. */
    ADDED('A'),
    /** The path was there, and its content or its attributes differ. */
    MODIFIED('C'),
    /** The path is gone; its descendants are not listed. */
    DELETED('D');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }

    /** The letter {@code docker diff} prints. */
    public char letter() {
      return letter;
    }
  }
}
