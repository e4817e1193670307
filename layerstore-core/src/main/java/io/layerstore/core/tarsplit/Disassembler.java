package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;

/**
 * Takes a tar apart, as its parser reads it, into a tar-split document.
 *
 * <p>The parser hands over, in the order of the archive, every byte that is no file's content, and
 * after each header block what the header was about. Segments come out as Docker's packer cuts
 * them: all bytes since the last file entry in one, the end-of-archive blocks with the padding
 * before them, and what follows these apart. There is never an empty segment.
 *
 * <p>Memory is bounded: a segment ends at 1 MiB, one past the end of the archive at 32 KiB. Not
 * safe for use by several threads. After an exception the document is useless.
 *
 * @see <a href="https://github.com/vbatts/tar-split">tar-split 0.12.1, tar/asm/disassemble.go</a>
 */
public final class Disassembler implements Closeable {

  private static final int MAX_SEGMENT = 1 << 20;
  private static final int MAX_TAIL_SEGMENT = 32 << 10;

  private final EntryWriter entries;
  private byte[] raw = new byte[4 << 10];
  private int rawLength;
  private int maxSegment = MAX_SEGMENT;
  private boolean closed;

  /** Writes the document to {@code target}, which it never closes. */
  public Disassembler(OutputStream target) {
    this.entries = new EntryWriter(target);
  }

  /** Takes {@code length} bytes from {@code offset} that are no file's content. */
  public void raw(byte[] bytes, int offset, int length) throws IOException {
    requireOpen();
    int from = offset;
    int end = offset + length;
    while (from < end) {
      if (rawLength == maxSegment) {
        flushRaw();
      }
      int taken = Math.min(end - from, maxSegment - rawLength);
      if (taken > raw.length - rawLength) {
        raw = Arrays.copyOf(raw, Math.min(maxSegment, Math.max(rawLength + taken, 2 * raw.length)));
      }
      System.arraycopy(bytes, from, raw, rawLength, taken);
      rawLength += taken;
      from += taken;
    }
  }

  /**
   * Takes the entry whose header, and whose content if it has one, was read last.
   *
   * @param name the name as it stands in the archive, long name records resolved
   * @param sizeBytes the length of the content, which was not handed over as raw bytes; 0 if there
   *     is none or if it was
   * @param crc the {@link Crc64} of the content; ignored if {@code sizeBytes} is 0
   */
  public void file(ByteString name, long sizeBytes, long crc) throws IOException {
    requireOpen();
    flushRaw();
    entries.file(name, sizeBytes, crc);
  }

  /**
   * Marks where the archive ended for its parser; further raw bytes are what follows the end
   * marker.
   */
  public void endOfArchive() throws IOException {
    requireOpen();
    flushRaw();
    maxSegment = MAX_TAIL_SEGMENT;
  }

  private void flushRaw() throws IOException {
    if (rawLength > 0) {
      entries.segment(raw, 0, rawLength);
      rawLength = 0;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the tar-split document is already complete");
    }
  }

  /**
   * Completes the document and hands all of it to the target, which stays open. A second call does
   * nothing.
   */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    flushRaw();
    entries.flush();
  }
}
