package io.layerstore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
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

  /** The files of the image in it with {@link ViewOptions#DEFAULT}. */
  default FileSystem fileSystem() throws LayerStoreException {
    return fileSystem(ViewOptions.DEFAULT);
  }

  /**
   * Shows an image that is in no store as a read-only file system; see {@link
   * Layer#fileSystem(ViewOptions)}.
   *
   * <p>Nothing is unpacked. Uncompressed layers are read in place, so the archive must stay;
   * compressed layers, and those from a stream, are written once to the temporary directory that
   * the options name.
   *
   * @return an open file system; what was spooled is deleted when it is closed
   * @throws InvalidImageException if it is no image archive, contradicts itself, or has several
   *     images and the options do not say which
   * @throws LayerVerificationException if a layer is not what the image's configuration says
   * @throws ArchiveException if a layer is malformed, hostile, or beyond a limit
   * @throws IllegalStateException if no implementation of the store is on the class path
   */
  default FileSystem fileSystem(ViewOptions options) throws LayerStoreException {
    return StoreOptions.provider().fileSystem(this, options);
  }

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
