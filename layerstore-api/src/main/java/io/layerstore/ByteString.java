package io.layerstore;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * An immutable sequence of bytes: a file name, a link target, the name or value of an extended
 * attribute.
 *
 * <p>File systems and archives know bytes, not characters, so names stay bytes end to end; the
 * {@code String} views are for people. Ordering is by unsigned byte. Safe for use by many threads.
 */
public final class ByteString implements Comparable<ByteString> {

  /** No bytes. */
  public static final ByteString EMPTY = new ByteString(new byte[0]);

  private final byte[] bytes;

  private ByteString(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Copies {@code bytes}. */
  public static ByteString of(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new ByteString(bytes.clone());
  }

  /** Copies {@code length} bytes starting at {@code offset}. */
  public static ByteString of(byte[] bytes, int offset, int length) {
    return length == 0 ? EMPTY : new ByteString(Arrays.copyOfRange(bytes, offset, offset + length));
  }

  /** The UTF-8 encoding of {@code text}; unpaired surrogates become {@code ?}, as in the JDK. */
  public static ByteString utf8(String text) {
    return text.isEmpty() ? EMPTY : new ByteString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The number of bytes. */
  public int length() {
    return bytes.length;
  }

  /** Whether there are no bytes. */
  public boolean isEmpty() {
    return bytes.length == 0;
  }

  /** The byte at {@code index}. */
  public byte at(int index) {
    return bytes[index];
  }

  /** A copy of the bytes. */
  public byte[] toByteArray() {
    return bytes.clone();
  }

  /** The bytes as a read-only buffer, without a copy. */
  public ByteBuffer asByteBuffer() {
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
  }

  /** Writes the bytes to {@code out}. */
  public void writeTo(OutputStream out) throws IOException {
    out.write(bytes);
  }

  /** Copies all bytes into {@code target}, starting at {@code offset}. */
  public void copyTo(byte[] target, int offset) {
    System.arraycopy(bytes, 0, target, offset, bytes.length);
  }

  /** The bytes from {@code from} (inclusive) to {@code to} (exclusive). */
  public ByteString substring(int from, int to) {
    if (from < 0 || to > bytes.length || from > to) {
      throw new IndexOutOfBoundsException("[" + from + ", " + to + ") of " + bytes.length);
    }
    return from == 0 && to == bytes.length ? this : of(bytes, from, to - from);
  }

  /** The bytes from {@code from} to the end. */
  public ByteString substring(int from) {
    return substring(from, bytes.length);
  }

  /** Whether this begins with the bytes of {@code prefix}. */
  public boolean startsWith(ByteString prefix) {
    return bytes.length >= prefix.bytes.length
        && Arrays.equals(bytes, 0, prefix.bytes.length, prefix.bytes, 0, prefix.bytes.length);
  }

  /** Whether this ends with the bytes of {@code suffix}. */
  public boolean endsWith(ByteString suffix) {
    int from = bytes.length - suffix.bytes.length;
    return from >= 0
        && Arrays.equals(bytes, from, bytes.length, suffix.bytes, 0, suffix.bytes.length);
  }

  /** The index of the first {@code value}, or -1. */
  public int indexOf(byte value) {
    return indexOf(value, 0);
  }

  /** The index of the first {@code value} at or after {@code from}, or -1. */
  public int indexOf(byte value, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] == value) {
        return i;
      }
    }
    return -1;
  }

  /** The index of the last {@code value}, or -1. */
  public int lastIndexOf(byte value) {
    for (int i = bytes.length - 1; i >= 0; i--) {
      if (bytes[i] == value) {
        return i;
      }
    }
    return -1;
  }

  /** This followed by {@code other}. */
  public ByteString concat(ByteString other) {
    if (other.isEmpty()) {
      return this;
    }
    byte[] joined = Arrays.copyOf(bytes, bytes.length + other.bytes.length);
    System.arraycopy(other.bytes, 0, joined, bytes.length, other.bytes.length);
    return new ByteString(joined);
  }

  /** The text these bytes encode, or empty if they are not well-formed UTF-8. */
  public Optional<String> decodeUtf8() {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** Compares by unsigned byte, a prefix before what it begins. */
  @Override
  public int compareTo(ByteString other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ByteString that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /**
   * A form that is safe to print: well-formed UTF-8 as text, with control characters, backslashes
   * and every byte that is not part of a character written as {@code \xHH}.
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(bytes.length + 8);
    int i = 0;
    while (i < bytes.length) {
      int b = bytes[i] & 0xff;
      if (b >= 0x20 && b < 0x7f && b != '\\') {
        text.append((char) b);
        i++;
        continue;
      }
      int length = b < 0x80 ? 0 : sequenceLength(i);
      String character = length == 0 ? "" : new String(bytes, i, length, StandardCharsets.UTF_8);
      if (length == 0 || !isPrintable(character.codePointAt(0))) {
        int escaped = Math.max(length, 1);
        for (int k = i; k < i + escaped; k++) {
          text.append(String.format("\\x%02x", bytes[k] & 0xff));
        }
        i += escaped;
      } else {
        text.append(character);
        i += length;
      }
    }
    return text.toString();
  }

  /** The length of the well-formed UTF-8 sequence at {@code i}, or 0. */
  private int sequenceLength(int i) {
    int b = bytes[i] & 0xff;
    int length = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc2 ? 2 : 0;
    if (length == 0 || i + length > bytes.length) {
      return 0;
    }
    return of(bytes, i, length).decodeUtf8().isPresent() ? length : 0;
  }

  private static boolean isPrintable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
