package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import java.io.Flushable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Writes tar-split entries in the very bytes that Go's JSON encoder makes of them.
 *
 * <pre>
 * document = *( entry LF )
 * entry    = {"type":2,"payload":"BASE64","position":N}
 *          | {"type":1[,NAME][,"size":SIZE],"payload":CRC,"position":N}
 * NAME     = "name":"TEXT"           if the name is UTF-8; left out if it is empty
 *          | "name_raw":"BASE64"     otherwise
 * SIZE     = decimal number, left out if 0
 * CRC      = "BASE64 of 8 bytes, big-endian" | null if the size is 0
 * N        = 0, 1, 2, ...
 * </pre>
 *
 * <p>Buffers; {@link #flush()} before the target is closed. Not safe for use by several threads.
 *
 * @see <a href="https://github.com/vbatts/tar-split">tar-split 0.11.2 to 0.12.1, tar/storage</a>
 */
public final class EntryWriter implements Flushable {

  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] SEGMENT = ascii("{\"type\":2,\"payload\":\"");
  private static final byte[] FILE = ascii("{\"type\":1");
  private static final byte[] NAME = ascii(",\"name\":\"");
  private static final byte[] NAME_RAW = ascii(",\"name_raw\":\"");
  private static final byte[] SIZE = ascii(",\"size\":");
  private static final byte[] PAYLOAD = ascii(",\"payload\":\"");
  private static final byte[] PAYLOAD_NULL = ascii(",\"payload\":null");
  private static final byte[] POSITION = ascii(",\"position\":");
  private static final byte[] END = ascii("}\n");

  /** Base64 is made of pieces this long: a multiple of 3, so that only the last one is padded. */
  private static final int PIECE = 3 << 12;

  private final OutputStream target;
  private final byte[] buffer = new byte[1 << 14];
  private int buffered;
  private long position;

  /** Writes to {@code target}, which it never closes. */
  public EntryWriter(OutputStream target) {
    this.target = target;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Writes {@code entry}. */
  public void write(Entry entry) throws IOException {
    if (entry instanceof Entry.FileEntry file) {
      file(file.name(), file.sizeBytes(), file.crc());
    } else if (entry instanceof Entry.SegmentEntry segment) {
      beginSegment();
      base64(segment.bytes().asByteBuffer());
      endPayload();
    }
  }

  /** Writes a segment of {@code length} bytes from {@code offset}. */
  public void segment(byte[] bytes, int offset, int length) throws IOException {
    beginSegment();
    base64(ByteBuffer.wrap(bytes, offset, length));
    endPayload();
  }

  private void beginSegment() throws IOException {
    put(SEGMENT);
  }

  private void endPayload() throws IOException {
    put('"');
    endEntry();
  }

  /** Writes a file entry; {@code crc} is left out if {@code sizeBytes} is 0. */
  public void file(ByteString name, long sizeBytes, long crc) throws IOException {
    put(FILE);
    if (!name.isEmpty()) {
      Optional<String> text = name.decodeUtf8();
      if (text.isPresent()) {
        put(NAME);
        text(text.get(), name);
      } else {
        put(NAME_RAW);
        base64(name.asByteBuffer());
      }
      put('"');
    }
    if (sizeBytes == 0) {
      put(PAYLOAD_NULL);
      endEntry();
      return;
    }
    put(SIZE);
    number(sizeBytes);
    put(PAYLOAD);
    base64(ByteBuffer.allocate(Long.BYTES).putLong(0, crc));
    endPayload();
  }

  private void endEntry() throws IOException {
    put(POSITION);
    number(position++);
    put(END);
  }

  /**
   * Writes the characters of a string. Go also escapes what could end a script element, and the two
   * line separators that JavaScript knows and JSON does not.
   */
  private void text(String text, ByteString utf8) throws IOException {
    int at = 0; // of the character in utf8
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      int length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
      switch (c) {
        case '"', '\\' -> {
          put('\\');
          put(c);
        }
        case '\n' -> escape('n');
        case '\r' -> escape('r');
        case '\t' -> escape('t');
        case '<', '>', '&', 0x2028, 0x2029 -> escapeHex(c);
        default -> {
          if (c < 0x20) {
            escapeHex(c);
          } else {
            for (int k = at; k < at + length; k++) {
              put(utf8.at(k));
            }
          }
        }
      }
      at += length;
      i += Character.charCount(c);
    }
  }

  private void escape(char letter) throws IOException {
    put('\\');
    put(letter);
  }

  private void escapeHex(int c) throws IOException {
    escape('u');
    for (int shift = 12; shift >= 0; shift -= 4) {
      put(HEX[(c >> shift) & 0xf]);
    }
  }

  private void base64(ByteBuffer bytes) throws IOException {
    int end = bytes.limit();
    while (bytes.position() < end) {
      bytes.limit(Math.min(end, bytes.position() + PIECE));
      put(Base64.getEncoder().encode(bytes).array());
    }
  }

  private void number(long value) throws IOException {
    put(ascii(Long.toString(value)));
  }

  private void put(byte[] bytes) throws IOException {
    if (bytes.length > buffer.length - buffered) {
      drain();
    }
    if (bytes.length > buffer.length) {
      target.write(bytes);
      return;
    }
    System.arraycopy(bytes, 0, buffer, buffered, bytes.length);
    buffered += bytes.length;
  }

  private void put(int b) throws IOException {
    if (buffered == buffer.length) {
      drain();
    }
    buffer[buffered++] = (byte) b;
  }

  private void drain() throws IOException {
    target.write(buffer, 0, buffered);
    buffered = 0;
  }

  /** Hands everything written so far to the target and flushes it. */
  @Override
  public void flush() throws IOException {
    drain();
    target.flush();
  }
}
