package io.layerstore.vfs.record;

import com.google.common.collect.ImmutableBiMap;
import io.layerstore.ByteString;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.io.ByteArrayOutputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

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
    TrueEntry truth = record.truth();
    out.write(record.isLinkInFile() ? LINK_IN_FILE : letter(truth.type()));
    Device device = truth.device();
    if (device != null) {
      writeNumber(device.major(), out);
      writeNumber(device.minor(), out);
    }
    Attributes attributes = truth.attributes();
    writeCommon(attributes.mode(), attributes.uid(), attributes.gid(), attributes.modified(), out);
    ByteString text = truth.linkText();
    ByteString shownText = record.shownLinkText();
    if (text != null) {
      writeBytes(text, out);
    }
    if (shownText != null) {
      writeBytes(shownText, out);
    }
    writeNumber(truth.recorded().size(), out);
    for (Xattr xattr : truth.recorded()) {
      writeBytes(xattr.name(), out);
      writeBytes(xattr.value(), out);
    }
    AttributeRecord.Shown shown = record.shown();
    writeNumber(shown.inode(), out);
    writeTime(shown.born(), out);
    writeNumber(shown.sizeBytes(), out);
    writeCommon(shown.mode(), shown.uid(), shown.gid(), shown.modified(), out);
    if (truth.group() != 0) {
      writeNumber(truth.group(), out);
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

  /** Reads items one after the other; fails where there is none. */
  static final class Reader {
    private final byte[] bytes;
    private final String path;
    private int position;

    /** Of {@code bytes} in the file {@code path}. */
    Reader(byte[] bytes, String path) {
      this.bytes = bytes;
      this.path = path;
    }

    boolean hasNext() {
      return position < bytes.length;
    }

    /** The key of the next item; {@link #record} or {@link #skip} must follow. */
    ByteString key() throws StoreCorruptedException {
      return readBytes();
    }

    void skip() throws StoreCorruptedException {
      int length = readLength();
      position += length;
    }

    AttributeRecord record() throws StoreCorruptedException {
      int length = readLength();
      int end = position + length;
      AttributeRecord record;
      try {
        record = readBody(end);
      } catch (IllegalArgumentException | DateTimeException e) {
        throw new StoreCorruptedException(path, "it has impossible value", e);
      }
      if (position != end) {
        throw new StoreCorruptedException(path, "it has a record of another length than it says");
      }
      return record;
    }

    private AttributeRecord readBody(int end) throws StoreCorruptedException {
      byte letter = readByte();
      if (letter == GONE) {
        return AttributeRecord.GONE;
      }
      boolean isLinkInFile = letter == LINK_IN_FILE;
      EntryType type = isLinkInFile ? EntryType.SYMLINK : LETTERS.inverse().get((char) letter);
      if (type == null) {
        throw new StoreCorruptedException(path, "it has a record of unknown type");
      }
      boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
      Device device = isDevice ? new Device(readNumber(), readNumber()) : null;
      int mode = readMode();
      long uid = readNumber();
      long gid = readNumber();
      Attributes attributes = new Attributes(mode, uid, gid, readTime(), Instant.EPOCH, List.of());
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
      TrueEntry truth =
          new TrueEntry(type, device, 0, attributes, text, List.of(), List.copyOf(xattrs), group);
      return new AttributeRecord(truth, shown, shownText);
    }

    private int readMode() throws StoreCorruptedException {
      long mode = readNumber();
      if ((mode & ~07777) != 0) {
        throw new StoreCorruptedException(path, "it has an impossible mode");
      }
      return (int) mode;
    }

    private Instant readTime() throws StoreCorruptedException {
      return Instant.ofEpochSecond(readNumber(), readNumber());
    }

    private ByteString readBytes() throws StoreCorruptedException {
      int length = readLength();
      ByteString read = ByteString.of(bytes, position, length);
      position += length;
      return read;
    }

    private int readLength() throws StoreCorruptedException {
      long length = readNumber();
      if (length < 0 || length > bytes.length - position) {
        throw new StoreCorruptedException(path, "it has a length beyond the block");
      }
      return (int) length;
    }

    private long readNumber() throws StoreCorruptedException {
      long number = 0;
      for (int shift = 0; shift < Long.SIZE; shift += 7) {
        byte b = readByte();
        number |= (long) (b & 0x7f) << shift;
        if (b >= 0) {
          return number;
        }
      }
      throw new StoreCorruptedException(path, "it has a number without end");
    }

    private byte readByte() throws StoreCorruptedException {
      if (position == bytes.length) {
        throw new StoreCorruptedException(path, "it has a record cut off");
      }
      return bytes[position++];
    }
  }
}
