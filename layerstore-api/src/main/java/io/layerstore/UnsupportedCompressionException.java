package io.layerstore;

import org.jspecify.annotations.Nullable;

/** An archive is compressed with a format whose codec is not there. */
public class UnsupportedCompressionException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String format;
  private final String dependency;

  /** Carries the facts. */
  public UnsupportedCompressionException(
      String format, String dependency, @Nullable Throwable cause) {
    super(
        "the archive is compressed with "
            + format
            + ", which needs "
            + dependency
            + " on the class path",
        cause);
    this.format = format;
    this.dependency = dependency;
  }

  /** The compression format. */
  public String format() {
    return format;
  }

  /** What to add to the class path. */
  public String dependency() {
    return dependency;
  }
}
