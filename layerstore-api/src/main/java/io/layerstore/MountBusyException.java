package io.layerstore;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A mount is in use, so it cannot be unmounted, or its layer cannot be deleted. */
public class MountBusyException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String name;
  private final transient List<String> holders;

  /** Carries the facts. */
  public MountBusyException(String name, List<String> holders, @Nullable Throwable cause) {
    super(
        "mount of "
            + name
            + " is busy"
            + (holders.isEmpty() ? "" : ", used by " + String.join(", ", holders))
            + "; close what uses it and try again",
        cause);
    this.name = name;
    this.holders = List.copyOf(holders);
  }

  /** The name of the read-write layer, or the chain ID of the layer. */
  public String name() {
    return name;
  }

  /** What uses it, as far as can be told, such as process ids. */
  public List<String> holders() {
    return holders;
  }
}
