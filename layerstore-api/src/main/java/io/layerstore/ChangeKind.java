package io.layerstore;

/** What happened to a path of a read-write layer, compared with the layers below. */
public enum ChangeKind {
  /** The path is new. */
  ADDED('A'),
  /** The path was there, and its content or its attributes differ. */
  MODIFIED('C'),
  /** The path is gone; its descendants are not listed. */
  DELETED('D');

  private final char letter;

  ChangeKind(char letter) {
    this.letter = letter;
  }

  /** The letter {@code docker diff} prints. */
  public char letter() {
    return letter;
  }
}
