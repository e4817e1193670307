package io.layerstore;

import java.io.OutputStream;
import java.nio.file.Path;

/** Where an image archive goes. */
public sealed interface ImageTarget {

  /** The tar {@code file}; it appears when it is complete, and replaces an existing one. */
  static ImageTarget file(Path file) {
    return new ToFile(file);
  }

  /** The layout {@code directory}, which must be empty or not exist. */
  static ImageTarget directory(Path directory) {
    return new ToDirectory(directory);
  }

  /** The tar in {@code stream}, which is flushed and not closed. */
  static ImageTarget stream(OutputStream stream) {
    return new ToStream(stream);
  }

  /**
   * A stream that takes a tar; flushed and not closed.
   *
   * @param stream the stream
   */
  record ToStream(OutputStream stream) implements ImageTarget {}

  /**
   * A tar file; it appears when it is complete, and replaces an existing one.
   *
   * @param file the file
   */
  record ToFile(Path file) implements ImageTarget {}

  /**
   * A directory for a layout; it must be empty or not exist.
   *
   * @param directory the directory
   */
  record ToDirectory(Path directory) implements ImageTarget {}
}
