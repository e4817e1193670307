package io.layerstore.cli;

import io.layerstore.ArchiveException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * A layer's archive in a file the user named, with errors that name it too.
 *
 * @param file the file
 */
record NamedFile(Path file) implements LayerSource {

  /** Something that reads the archive. */
  @FunctionalInterface
  interface Reading<T> {
    /** Reads it. */
    T read() throws LayerStoreException;
  }

  static NamedFile of(String file) {
    return new NamedFile(Path.of(file));
  }

  /** Runs {@code reading} so that a refusal says of which file; {@code -} is the standard input. */
  static <T> T explain(String file, Reading<T> reading) throws LayerStoreException {
    try {
      return reading.read();
    } catch (ArchiveException e) {
      String name = file.equals("-") ? "the standard input" : file;
      throw new LayerStoreException(
          name + " is not accepted: " + e.getMessage() + "; nothing was added", e);
    }
  }

  @Override
  public InputStream open() throws IOException {
    if (Files.isDirectory(file)) {
      throw new LayerStoreException(file + " is a directory; give an archive");
    }
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw new LayerStoreException(Failure.describe(e), e);
    }
  }

  @Override
  public OptionalLong sizeBytes() throws IOException {
    return Files.isRegularFile(file) ? OptionalLong.of(Files.size(file)) : OptionalLong.empty();
  }
}
