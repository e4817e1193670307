package io.layerstore.core.image.archive;

import io.layerstore.core.tar.ExpandedContent;
import io.layerstore.spi.FileContent.Extent;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * A member that the archive holds without its holes, as several tar programs write files with holes
 * without being asked. Reads as the file was, the holes as zeros.
 *
 * @param stored the bytes between the holes
 * @param extents where they belong: in order, inside the file, as many bytes as are stored
 * @param sizeBytes the size of the file
 */
record SparseBlob(Blob stored, List<Extent> extents, long sizeBytes) implements Blob {

  SparseBlob {
    extents = List.copyOf(extents);
  }

  @Override
  public InputStream open() throws IOException {
    return expanded(stored.open(), extents, sizeBytes);
  }

  /** The bytes of a file whose stored ones are {@code stored}, closed with the result. */
  static InputStream expanded(InputStream stored, List<Extent> extents, long sizeBytes) {
    return new ExpandedContent(stored, extents, sizeBytes);
  }
}
