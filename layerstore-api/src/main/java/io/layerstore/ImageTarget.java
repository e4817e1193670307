package io.layerstore;

import java.io.OutputStream;
import java.nio.file.Path;

/** Where an image archive goes. */
public sealed interface ImageTarget {

  /**
   * A stream that takes a tar; flushed and not closed.
   *
   * @param stream the stream
   */
  record ToStream(OutputStream stream) implements ImageTarget {}

  /**
   * A file that becomes a tar; it appears when it is complete, and replaces one that is there.
   *
   * @param file the file
   */
  record ToFile(Path file) implements ImageTarget {}

  /**
   * A directory that becomes a layout; it must be empty or not exist.
   *
   * @param directory the directory
   */
  record ToDirectory(Path directory) implements ImageTarget {}
}
