package io.layerstore;

/** The store has a read-write layer of that name already. */
public class MountNameConflictException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String name;

  /** Carries the facts. */
  public MountNameConflictException(String name) {
    super(
        "read-write layer already exists with name: "
            + name
            + "; choose another name or release that one");
    this.name = name;
  }

  /** The name that is taken. */
  public String name() {
    return name;
  }
}
