package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;

/**
 * One element of a tar-split document: bytes of the archive, or a reference to a file that holds
 * them.
 */
public sealed interface Entry {

  /**
   * The place of a file's content in the archive.
   *
   * @param name the name as it stands in the archive, neither cleaned nor necessarily text
   * @param sizeBytes the length of the content in bytes; 0 for everything that has none,
   *     directories and links for instance
   * @param crc the {@link Crc64} of the content; 0 if the size is 0
   */
  record FileEntry(ByteString name, long sizeBytes, long crc) implements Entry {

    /**
     * Checks the size.
     *
     * @throws IllegalArgumentException if {@code sizeBytes} is negative
     */
    public FileEntry {
      if (sizeBytes < 0) {
        throw new IllegalArgumentException("negative size: " + sizeBytes);
      }
    }
  }

  /**
   * Bytes of the archive that are no file's content: headers, padding, the end marker and what
   * follows it.
   *
   * @param bytes the bytes; where one segment ends and the next begins has no meaning
   */
  record SegmentEntry(ByteString bytes) implements Entry {}
}
