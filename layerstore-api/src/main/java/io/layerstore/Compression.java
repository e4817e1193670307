package io.layerstore;

/** How what is written is compressed; the same input gives the same bytes. */
public enum Compression {
  /** Not at all. */
  NONE,
  /** As one gzip member. */
  GZIP,
  /** As one zstd frame; needs the optional zstd codec. */
  ZSTD
}
