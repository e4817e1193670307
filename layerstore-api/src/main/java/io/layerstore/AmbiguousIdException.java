package io.layerstore;

import java.util.List;

/** The beginning of an id fits several. */
public class AmbiguousIdException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String prefix;
  private final transient List<String> candidates;

  /** Carries the facts. */
  public AmbiguousIdException(String prefix, List<String> candidates) {
    super(
        "several ids begin with "
            + prefix
            + ": "
            + String.join(", ", candidates)
            + "; give more digits");
    this.prefix = prefix;
    this.candidates = List.copyOf(candidates);
  }

  /** What was asked for. */
  public String prefix() {
    return prefix;
  }

  /** Ids that begin so, at most ten. */
  public List<String> candidates() {
    return candidates;
  }
}
