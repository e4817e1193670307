package io.layerstore.image;

import io.layerstore.Compression;
import io.layerstore.ProgressListener;
import java.util.Objects;

/**
 * How to save images. Immutable.
 *
 * @param format the layout
 * @param compression how layers are compressed; the same input gives the same bytes
 * @param progress where to report progress
 */
public record SaveOptions(Format format, Compression compression, ProgressListener progress) {

  /** The layouts of image archives. */
  public enum Format {
    /**
     * An OCI layout that also has {@code manifest.json}, as Docker engines write since 25.0; older
     * ones load it too.
     */
    DOCKER,
    /** A plain OCI layout. */
    OCI
  }

  /** Docker's layout, no compression, no progress. */
  public static final SaveOptions DEFAULT =
      new SaveOptions(Format.DOCKER, Compression.NONE, ProgressListener.NONE);

  /** Rejects nulls. */
  public SaveOptions {
    Objects.requireNonNull(format, "format");
    Objects.requireNonNull(compression, "compression");
    Objects.requireNonNull(progress, "progress");
  }

  /** These options with another layout. */
  public SaveOptions withFormat(Format newFormat) {
    return new SaveOptions(newFormat, compression, progress);
  }

  /** These options with another compression. */
  public SaveOptions withCompression(Compression newCompression) {
    return new SaveOptions(format, newCompression, progress);
  }

  /** These options with another listener. */
  public SaveOptions withProgress(ProgressListener listener) {
    return new SaveOptions(format, compression, listener);
  }
}
