package io.layerstore.core.tar;

import io.layerstore.core.tar.TarReader.RawBytes;

/** Takes nothing. */
final class IgnoredBytes implements RawBytes {
  @Override
  public void bytes(byte[] buffer, int offset, int length) {}

  @Override
  public void endOfArchive() {}
}
