package io.layerstore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where an image archive comes from. */
public sealed interface ImageSource {

  /**
   * An archive that can be read once, from the beginning; not closed.
   *
   * @param stream the archive, plain or compressed
   */
  record OfStream(InputStream stream) implements ImageSource {}

  /**
   * An archive in a file, read where it is, without a copy.
   *
   * @param file the archive, plain or compressed
   */
  record OfFile(Path file) implements ImageSource {}

  /**
   * A directory: an OCI layout, or an unpacked docker archive.
   *
   * @param directory the directory
   */
  record OfDirectory(Path directory) implements ImageSource {}

  /** The archive in {@code stream}, which is read to its end and not closed. */
  static ImageSource of(InputStream stream) {
    return new OfStream(stream);
  }

  /**
   * The archive in a file, or the layout in a directory, whichever {@code path} is.
   *
   * @throws IOException if there is nothing at {@code path}
   */
  static ImageSource of(Path path) throws IOException {
    return Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class)
            .isDirectory()
        ? new OfDirectory(path)
        : new OfFile(path);
  }
}
