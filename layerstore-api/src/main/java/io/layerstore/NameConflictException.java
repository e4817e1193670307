package io.layerstore;

/** A name is taken: by another read-write layer, or by a reference to another image. */
public class NameConflictException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String name;

  /** About the name or reference {@code name}; {@code message} says what it names. */
  public NameConflictException(String name, String message) {
    super(message);
    this.name = name;
  }

  /** About a read-write layer called {@code name}. */
  public static NameConflictException ofRWLayer(String name) {
    return new NameConflictException(
        name,
        "read-write layer already exists with name: "
            + name
            + "; choose another name or release that one");
  }

  /** The name that is taken. */
  public String name() {
    return name;
  }
}
