package io.layerstore;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/** A layer archive, plain or compressed, that is opened only if it is needed. */
@FunctionalInterface
public interface LayerSource {

  /** Opens the archive at its beginning. Whoever calls this closes the stream. */
  InputStream open() throws IOException;

  /** The size of what {@link #open} gives, in bytes, where it is known; used to report progress. */
  default OptionalLong sizeBytes() throws IOException {
    return OptionalLong.empty();
  }

  /** What messages call the archive; empty if it has no name. */
  default Optional<String> name() {
    return Optional.empty();
  }

  /** The archive in {@code file}. */
  static LayerSource of(Path file) {
    return new LayerSource() {
      @Override
      public InputStream open() throws IOException {
        if (Files.isDirectory(file)) {
          throw new FileSystemException(file.toString(), null, "is a directory; give an archive");
        }
        return Files.newInputStream(file);
      }

      @Override
      public OptionalLong sizeBytes() throws IOException {
        return Files.isRegularFile(file) ? OptionalLong.of(Files.size(file)) : OptionalLong.empty();
      }

      @Override
      public Optional<String> name() {
        return Optional.of(file.toString());
      }
    };
  }

  /** The archive with these bytes, which are not copied. */
  static LayerSource of(byte[] archive) {
    return new LayerSource() {
      @Override
      public InputStream open() {
        return new ByteArrayInputStream(archive);
      }

      @Override
      public OptionalLong sizeBytes() {
        return OptionalLong.of(archive.length);
      }
    };
  }
}
