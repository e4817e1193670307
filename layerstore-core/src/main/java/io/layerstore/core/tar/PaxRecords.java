package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.spi.Xattr;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The records of a PAX extended header: {@code length SP key "=" value LF}, one after the other.
 * Values are bytes.
 *
 * <p>Reading checks the syntax alone. What a value means is looked at when it is asked for, because
 * a later header may replace this one, and of several records with one key only the last counts.
 *
 * @see <a
 *     href="https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03">POSIX:
 *     pax extended header</a>
 */
final class PaxRecords {

  private static final String XATTR_PREFIX = "SCHILY.xattr.";

  /** The shortest record: {@code "5 a=\n"}. */
  private static final int MIN_RECORD_BYTES = 5;

  private final Extension body = new Extension();
  private final Map<PaxKey, Value> values = new EnumMap<>(PaxKey.class);
  private @Nullable Map<ByteString, ByteString> xattrs;
  private @Nullable ByteArrayOutputStream sparsePairs;
  private int sparsePairCount;

  PaxRecords() {
    for (PaxKey key : PaxKey.values()) {
      values.put(key, new Value());
    }
  }

  /** Where in the body the value of a key stands. */
  private static final class Value {
    int start;
    int end;
  }

  /** Forgets all records. */
  void clear() {
    if (body.length() == 0) {
      return;
    }
    body.clear();
    for (Value value : values.values()) {
      value.start = 0;
      value.end = 0;
    }
    xattrs = null;
    sparsePairs = null;
    sparsePairCount = 0;
  }

  /** Where the data of the header goes, after {@link #clear} and before {@link #parse}. */
  Extension body() {
    return body;
  }

  /** Reads the data in {@link #body}. */
  void parse(EntryPosition position) throws ArchiveException {
    byte[] bytes = body.bytes();
    int at = 0;
    while (at < body.length()) {
      int space = indexOf(bytes, ' ', at, body.length());
      int end = recordEnd(bytes, at, space, position);
      int equals = indexOf(bytes, '=', space + 1, end - 1);
      if (bytes[end - 1] != '\n' || equals <= space + 1) {
        throw position.malformed("invalid PAX record");
      }
      add(bytes, space + 1, equals, end - 1, position);
      at = end;
    }
  }

  private int recordEnd(byte[] bytes, int at, int space, EntryPosition position)
      throws ArchiveException {
    try {
      long length = space < 0 ? -1 : Decimal.parse(bytes, at, space);
      if (length >= MIN_RECORD_BYTES && length <= body.length() - at && length > space + 1 - at) {
        return at + (int) length;
      }
    } catch (NumberFormatException e) {
      throw position.malformed("invalid PAX record: no length");
    }
    throw position.malformed("invalid PAX record: wrong length");
  }

  private void add(byte[] bytes, int from, int equals, int end, EntryPosition position)
      throws ArchiveException {
    PaxKey key = PaxKey.of(bytes, from, equals);
    boolean isName = key != null && key.isName();
    if (isName ? indexOf(bytes, '\0', equals, end) >= 0 : indexOf(bytes, '\0', from, equals) >= 0) {
      throw position.malformed("invalid PAX record: NUL");
    }
    if (key == PaxKey.SPARSE_OFFSET || key == PaxKey.SPARSE_NUMBYTES) {
      addSparse(key, bytes, equals + 1, end, position);
    } else if (key != null) {
      Value value = value(key);
      value.start = equals + 1;
      value.end = end;
    } else if (PaxKey.isText(
        XATTR_PREFIX, bytes, from, Math.min(equals, from + XATTR_PREFIX.length()))) {
      if (xattrs == null) {
        xattrs = new LinkedHashMap<>();
      }
      int nameStart = from + XATTR_PREFIX.length();
      xattrs.put(
          ByteString.of(bytes, nameStart, equals - nameStart),
          ByteString.of(bytes, equals + 1, end - equals - 1));
    }
  }

  /** Collects the map of format 0.0 in the form of 0.1: numbers with commas between them. */
  private void addSparse(PaxKey key, byte[] bytes, int from, int to, EntryPosition position)
      throws ArchiveException {
    PaxKey expected = sparsePairCount % 2 == 0 ? PaxKey.SPARSE_OFFSET : PaxKey.SPARSE_NUMBYTES;
    if (key != expected || indexOf(bytes, ',', from, to) >= 0) {
      throw position.malformed("invalid PAX record: sparse map out of order");
    }
    if (sparsePairs == null) {
      sparsePairs = new ByteArrayOutputStream();
    }
    if (sparsePairCount++ > 0) {
      sparsePairs.write(',');
    }
    sparsePairs.write(bytes, from, to - from);
  }

  /**
   * Whether there is a value, and it is not empty; an empty one means that the header block's
   * counts.
   */
  boolean has(PaxKey key) {
    return value(key).end > value(key).start;
  }

  ByteString get(PaxKey key) {
    Value value = value(key);
    return ByteString.of(body.bytes(), value.start, value.end - value.start);
  }

  boolean is(PaxKey key, String text) {
    return PaxKey.isText(text, body.bytes(), value(key).start, value(key).end);
  }

  long number(PaxKey key, EntryPosition position) throws ArchiveException {
    try {
      return Decimal.parse(body.bytes(), value(key).start, value(key).end);
    } catch (NumberFormatException e) {
      throw position.malformed("invalid PAX record: " + key + " is not a number");
    }
  }

  Instant time(PaxKey key, EntryPosition position) throws ArchiveException {
    try {
      return Decimal.parseTime(body.bytes(), value(key).start, value(key).end);
    } catch (NumberFormatException e) {
      throw position.malformed("invalid PAX record: " + key + " is not a time");
    }
  }

  /** The extended attributes, in the order in which their names came first. */
  List<Xattr> xattrs() {
    if (xattrs == null) {
      return List.of();
    }
    List<Xattr> list = new ArrayList<>(xattrs.size());
    xattrs.forEach((name, value) -> list.add(new Xattr(name, value)));
    return list;
  }

  boolean hasSparseMap() {
    return sparsePairs != null ? sparsePairs.size() > 0 : has(PaxKey.SPARSE_MAP);
  }

  /**
   * The map of sparse formats 0.0 and 0.1, numbers with commas between them; empty if there is
   * none.
   */
  byte[] sparseMap() {
    return sparsePairs != null ? sparsePairs.toByteArray() : get(PaxKey.SPARSE_MAP).toByteArray();
  }

  private Value value(PaxKey key) {
    return Objects.requireNonNull(values.get(key));
  }

  private static int indexOf(byte[] bytes, char value, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == value) {
        return i;
      }
    }
    return -1;
  }
}
