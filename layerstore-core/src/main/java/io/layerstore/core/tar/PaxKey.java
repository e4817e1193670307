package io.layerstore.core.tar;

import org.jspecify.annotations.Nullable;

/** The keys of PAX records that matter to a layer. */
enum PaxKey {
  PATH("path"),
  LINKPATH("linkpath"),
  SIZE("size"),
  UID("uid"),
  GID("gid"),
  MTIME("mtime"),
  ATIME("atime"),
  CTIME("ctime"),
  UNAME("uname"),
  GNAME("gname"),
  SPARSE_MAJOR("GNU.sparse.major"),
  SPARSE_MINOR("GNU.sparse.minor"),
  SPARSE_NAME("GNU.sparse.name"),
  SPARSE_SIZE("GNU.sparse.size"),
  SPARSE_REALSIZE("GNU.sparse.realsize"),
  SPARSE_NUMBLOCKS("GNU.sparse.numblocks"),
  SPARSE_MAP("GNU.sparse.map"),
  /** With the next one, repeated: the map of format 0.0. */
  SPARSE_OFFSET("GNU.sparse.offset"),
  SPARSE_NUMBYTES("GNU.sparse.numbytes");

  private static final PaxKey[] ALL = values();

  private final String text;

  PaxKey(String text) {
    this.text = text;
  }

  static @Nullable PaxKey of(byte[] body, int from, int to) {
    for (PaxKey key : ALL) {
      if (isText(key.text, body, from, to)) {
        return key;
      }
    }
    return null;
  }

  /** Whether values must not hold a NUL. */
  boolean isName() {
    return this == PATH || this == LINKPATH || this == UNAME || this == GNAME;
  }

  /** Whether the bytes from {@code from} to {@code to} are {@code text}. */
  static boolean isText(String text, byte[] bytes, int from, int to) {
    if (to - from != text.length()) {
      return false;
    }
    for (int i = from; i < to; i++) {
      if (bytes[i] != text.charAt(i - from)) {
        return false;
      }
    }
    return true;
  }

  /** The key as it is written. */
  @Override
  public String toString() {
    return text;
  }
}
