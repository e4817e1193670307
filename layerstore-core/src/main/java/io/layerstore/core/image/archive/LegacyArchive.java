package io.layerstore.core.image.archive;

import io.layerstore.Limits;
import java.io.IOException;

/** placeholder during development */
final class LegacyArchive {
  private LegacyArchive() {}

  static boolean isOne(Members members) throws IOException {
    return false;
  }

  static Contents read(Members members, Limits limits) throws IOException {
    throw new IOException();
  }
}
