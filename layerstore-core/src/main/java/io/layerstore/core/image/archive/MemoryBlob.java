package io.layerstore.core.image.archive;

import java.io.ByteArrayInputStream;
import java.io.InputStream;

/** A small member, kept in memory. */
final class MemoryBlob implements Blob {

  private final byte[] bytes;

  /** With bytes that are not copied. */
  MemoryBlob(byte[] bytes) {
    this.bytes = bytes;
  }

  @Override
  public long sizeBytes() {
    return bytes.length;
  }

  @Override
  public InputStream open() {
    return new ByteArrayInputStream(bytes);
  }
}
