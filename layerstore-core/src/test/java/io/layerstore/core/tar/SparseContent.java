package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.spi.FileContent.Extent;

/** What a file contains once its holes are filled. */
final class SparseContent {

  private SparseContent() {}

  /** The logical content of a file of which an archive stores {@code payload}. */
  static byte[] expand(TarHeader header, ByteString payload) {
    byte[] stored = payload.toByteArray();
    if (header.extents() == null) {
      return stored;
    }
    byte[] content = new byte[Math.toIntExact(header.size())];
    int at = 0;
    for (Extent extent : header.extents()) {
      int length = Math.toIntExact(extent.length());
      System.arraycopy(stored, at, content, Math.toIntExact(extent.offset()), length);
      at += length;
    }
    return content;
  }
}
