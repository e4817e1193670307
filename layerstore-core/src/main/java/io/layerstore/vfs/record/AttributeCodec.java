package io.layerstore.vfs.record;

import com.google.common.collect.ImmutableBiMap;
import io.layerstore.ByteString;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.io.ByteArrayOutputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of attribute records.
 *
 * <pre>
 * item   = key-length key body-length body
 * body   = "-"                                   the key has no record any more
 *        | type [major minor] mode uid gid time  the truth
 *          [text [shown-text]]                   of a symbolic link; one text if it is a file
 *          count (name value)*                   extended attributes
 *          inode time size mode uid gid time     what the file system showed
 *          [group]                               of a file with a copy for each of its names
 * type   = "d" directory | "f" file | "l" symbolic link, "t" in a file | "c" | "b" devices
 *        | "p" FIFO
 * time   = seconds nanoseconds
 * text, name, value = length bytes
 * </pre>
 *
 * Numbers and lengths are LEB128, low seven bits first.
 */
final class AttributeCodec {

  private static final byte GONE = '-';
  private static final byte LINK_IN_FILE = 't';

  private static final ImmutableBiMap<EntryType, Character> LETTERS =
      ImmutableBiMap.of(
          EntryType.DIRECTORY, 'd',
          EntryType.FILE, 'f',
          EntryType.SYMLINK, 'l',
          EntryType.CHARACTER_DEVICE, 'c',
          EntryType.BLOCK_DEVICE, 'b',
          EntryType.FIFO, 'p');

  private AttributeCodec() {}

  static void write(ByteString key, AttributeRecord record, ByteArrayOutputStream out) {
    ByteArrayOutputStream body = new ByteArrayOutputStream(96);
    writeBody(record, body);
    writeBytes(key, out);
    writeNumber(body.size(), out);
    out.writeBytes(body.toByteArray());
  }

  private static void writeBody(AttributeRecord record, ByteArrayOutputStream out) {
    if (record.isGone()) {
      out.write(GONE);
      return;
    }
    out.write(record.isLinkInFile() ? LINK_IN_FILE : letter(record.type()));
    Device device = record.device();
    if (device != null) {
      writeNumber(device.major(), out);
      writeNumber(device.minor(), out);
    }
    writeCommon(record.mode(), record.uid(), record.gid(), record.modified(), out);
    ByteString text = record.linkText();
    ByteString shownText = record.shownLinkText();
    if (text != null) {
      writeBytes(text, out);
    }
    if (shownText != null) {
      writeBytes(shownText, out);
    }
    writeNumber(record.xattrs().size(), out);
    for (Xattr xattr : record.xattrs()) {
      writeBytes(xattr.name(), out);
      writeBytes(xattr.value(), out);
    }
    AttributeRecord.Shown shown = record.shown();
    writeNumber(shown.inode(), out);
    writeTime(shown.born(), out);
    writeNumber(shown.sizeBytes(), out);
    writeCommon(shown.mode(), shown.uid(), shown.gid(), shown.modified(), out);
    if (record.group() != 0) {
      writeNumber(record.group(), out);
    }
  }

  private static void writeCommon(
      int mode, long uid, long gid, Instant time, ByteArrayOutputStream out) {
    writeNumber(mode, out);
    writeNumber(uid, out);
    writeNumber(gid, out);
    writeTime(time, out);
  }

  private static void writeTime(Instant time, ByteArrayOutputStream out) {
    writeNumber(time.getEpochSecond(), out);
    writeNumber(time.getNano(), out);
  }

  private static void writeBytes(ByteString bytes, ByteArrayOutputStream out) {
    writeNumber(bytes.length(), out);
    out.writeBytes(bytes.toByteArray());
  }

  private static void writeNumber(long number, ByteArrayOutputStream out) {
    long rest = number;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private static byte letter(EntryType type) {
    Character letter = LETTERS.get(type);
    if (letter == null) {
      throw new IllegalArgumentException("no record: " + type);
    }
    return (byte) letter.charValue();
  }

  /** The bytes hold no item. */
  static final class MalformedItemException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedItemException(String problem, @Nullable Throwable cause) {
      super(problem, cause);
    }
  }

  /** Reads items one after the other. */
  static final class Reader {
    private final byte[] bytes;
    private int position;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    boolean hasNext() {
      return position < bytes.length;
    }

    /** The key of the next item; {@link #record} or {@link #skip} must follow. */
    ByteString key() throws MalformedItemException {
      return readBytes();
    }

    void skip() throws MalformedItemException {
      int length = readLength();
      position += length;
    }

    AttributeRecord record() throws MalformedItemException {
      int length = readLength();
      int end = position + length;
      AttributeRecord record;
      try {
        record = readBody(end);
      } catch (IllegalArgumentException | DateTimeException e) {
        throw new MalformedItemException("impossible value", e);
      }
      if (position != end) {
        throw new MalformedItemException("a record of another length than it says", null);
      }
      return record;
    }

    private AttributeRecord readBody(int end) throws MalformedItemException {
      byte letter = readByte();
      if (letter == GONE) {
        return AttributeRecord.GONE;
      }
      boolean isLinkInFile = letter == LINK_IN_FILE;
      EntryType type = isLinkInFile ? EntryType.SYMLINK : LETTERS.inverse().get((char) letter);
      if (type == null) {
        throw new MalformedItemException("a record of unknown type", null);
      }
      boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
      Device device = isDevice ? new Device(readNumber(), readNumber()) : null;
      int mode = readMode();
      long uid = readNumber();
      long gid = readNumber();
      Instant modified = readTime();
      ByteString text = type == EntryType.SYMLINK ? readBytes() : null;
      ByteString shownText = type == EntryType.SYMLINK && !isLinkInFile ? readBytes() : null;
      long count = readNumber();
      List<Xattr> xattrs = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        xattrs.add(new Xattr(readBytes(), readBytes()));
      }
      AttributeRecord.Shown shown =
          new AttributeRecord.Shown(
              readNumber(),
              readTime(),
              readNumber(),
              readMode(),
              readNumber(),
              readNumber(),
              readTime());
      long group = position < end ? readNumber() : 0;
      return new AttributeRecord(
          type, device, mode, uid, gid, modified, text, xattrs, shown, shownText, group);
    }

    private int readMode() throws MalformedItemException {
      long mode = readNumber();
      if ((mode & ~07777) != 0) {
        throw new MalformedItemException("an impossible mode", null);
      }
      return (int) mode;
    }

    private Instant readTime() throws MalformedItemException {
      return Instant.ofEpochSecond(readNumber(), readNumber());
    }

    private ByteString readBytes() throws MalformedItemException {
      int length = readLength();
      ByteString read = ByteString.of(bytes, position, length);
      position += length;
      return read;
    }

    private int readLength() throws MalformedItemException {
      long length = readNumber();
      if (length < 0 || length > bytes.length - position) {
        throw new MalformedItemException("a length beyond the block", null);
      }
      return (int) length;
    }

    private long readNumber() throws MalformedItemException {
      long number = 0;
      for (int shift = 0; shift < Long.SIZE; shift += 7) {
        byte b = readByte();
        number |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return number;
        }
      }
      throw new MalformedItemException("a number without end", null);
    }

    private byte readByte() throws MalformedItemException {
      if (position == bytes.length) {
        throw new MalformedItemException("a record cut off", null);
      }
      return bytes[position++];
    }
  }
}
