package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * Takes a tar-split document line by line as long as it is written as {@link EntryWriter} and
 * Docker write it, several times as fast as a JSON parser. At the first line that is in any way
 * different it stops before that line, and {@link #rest} is for the parser.
 *
 * <p>Not safe for use by several threads.
 */
final class EntryLines {

  private static final byte[] SEGMENT = ascii("{\"type\":2,\"payload\":\"");
  private static final byte[] FILE = ascii("{\"type\":1,\"name\":\"");
  private static final byte[] SIZE = ascii(",\"size\":");
  private static final byte[] PAYLOAD = ascii(",\"payload\":\"");
  private static final byte[] NO_PAYLOAD = ascii(",\"payload\":null");
  private static final byte[] POSITION = ascii(",\"position\":");

  /** The longest line. */
  private static final int BUFFER_BYTES = 64 << 10;

  private static final int MAX_DIGITS = 18;

  private final InputStream document;
  private final byte[] buffer = new byte[BUFFER_BYTES];

  /** Where the line begins, and how far the parts before were taken. */
  private int start;

  private int at;
  private int end;

  // Parts of the line.
  private boolean isSegment;
  private ByteString name = ByteString.EMPTY;
  private long size;
  private byte @Nullable [] payload;

  EntryLines(InputStream document) {
    this.document = document;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Takes the next line; false if there is none that is as it should be. */
  boolean next() throws IOException {
    int lineEnd = findLineEnd();
    if (lineEnd < 0) {
      return false;
    }
    at = start;
    size = 0;
    payload = null;
    isSegment = take(SEGMENT);
    boolean isWhole = isSegment ? takePayload() : takeFile();
    if (!isWhole || !take(POSITION) || takeNumber() < 0 || !take((byte) '}') || at != lineEnd) {
      return false;
    }
    start = lineEnd + 1;
    return true;
  }

  private boolean takeFile() throws IOException {
    int from = start + FILE.length;
    if (!take(FILE) || !takeString()) {
      return false;
    }
    ByteString text = text(from, at - 1 - from);
    if (text == null) {
      return false;
    }
    name = text;
    if (take(SIZE)) {
      size = takeNumber();
    }
    return size >= 0 && (take(NO_PAYLOAD) || (take(PAYLOAD) && takePayload()));
  }

  /** What a string means; null if that cannot be told. */
  private @Nullable ByteString text(int from, int length) throws IOException {
    for (int i = from; i < from + length; i++) {
      // Escaped, or not ASCII.
      if (buffer[i] == '\\' || buffer[i] < ' ') {
        return EntryReader.textOf(buffer, from - 1, length + 2);
      }
    }
    return ByteString.of(buffer, from, length);
  }

  private boolean takePayload() {
    int from = at;
    if (!takeString()) {
      return false;
    }
    int length = at - 1 - from;
    try {
      ByteBuffer decoded = Base64.getDecoder().decode(ByteBuffer.wrap(buffer, from, length));
      payload =
          decoded.remaining() == decoded.array().length
              ? decoded.array()
              : Arrays.copyOf(decoded.array(), decoded.remaining());
      return length % 4 == 0;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Takes the rest of a string with the quotation mark at its end. */
  private boolean takeString() {
    while (at < end && buffer[at] != '"') {
      at += buffer[at] == '\\' ? 2 : 1;
    }
    return take((byte) '"');
  }

  /** Takes a number; -1 if there is none. */
  private long takeNumber() {
    int from = at;
    long value = 0;
    while (at < end && at - from < MAX_DIGITS && buffer[at] >= '0' && buffer[at] <= '9') {
      value = 10 * value + buffer[at] - '0';
      at++;
    }
    boolean isPadded = at - from > 1 && buffer[from] == '0';
    return at == from || isPadded ? -1 : value;
  }

  private boolean take(byte expected) {
    if (at < end && buffer[at] == expected) {
      at++;
      return true;
    }
    return false;
  }

  private boolean take(byte[] expected) {
    int to = at + expected.length;
    if (to > end || !Arrays.equals(buffer, at, to, expected, 0, expected.length)) {
      return false;
    }
    at = to;
    return true;
  }

  /** Where the line ends; -1 if it is too long, or is the last and has no end. */
  private int findLineEnd() throws IOException {
    int from = start;
    while (true) {
      for (int i = from; i < end; i++) {
        if (buffer[i] == '\n') {
          return i;
        }
      }
      if (start > 0) {
        System.arraycopy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
      }
      from = end;
      int count = end == BUFFER_BYTES ? -1 : document.read(buffer, end, BUFFER_BYTES - end);
      if (count < 0) {
        return -1;
      }
      end += count;
    }
  }

  /** Whether the line is a segment; else it is a file. */
  boolean isSegment() {
    return isSegment;
  }

  ByteString name() {
    return name;
  }

  long size() {
    return size;
  }

  byte @Nullable [] payload() {
    return payload;
  }

  /** What follows the lines that were taken. The document stays open, also after its end. */
  InputStream rest() {
    return new BlockInputStream() {
      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        if (start == end) {
          return document.read(target, offset, length);
        }
        int count = Math.min(length, end - start);
        System.arraycopy(buffer, start, target, offset, count);
        start += count;
        return count;
      }
    };
  }
}
