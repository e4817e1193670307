package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.Xattr;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes the headers of one entry in the bytes that Go's {@code archive/tar} chooses, so that the
 * same tree has the same digest here and in an engine: ustar where every field fits, else a PAX
 * header before a ustar block in which what does not fit is shortened or zero.
 *
 * @see <a href="https://github.com/golang/go/blob/go1.22.0/src/archive/tar/writer.go">archive/tar
 *     of Go 1.22</a>
 */
final class HeaderWriter {

  private static final int NAME_BYTES = 100;
  private static final int PREFIX_BYTES = 155;

  /** The greatest numbers that seven and eleven octal digits hold. */
  private static final long MAX_SHORT = (1L << 21) - 1;

  private static final long MAX_LONG = (1L << 33) - 1;

  private static final String XATTR_RECORD = "SCHILY.xattr.";

  private HeaderWriter() {}

  /** Whether a header can hold the device number; there is no PAX record for it. */
  static boolean fits(Device device) {
    return device.major() <= MAX_SHORT && device.minor() <= MAX_SHORT;
  }

  /**
   * The headers, whole blocks.
   *
   * @param size the number of payload bytes that will follow
   * @param xattrs the extended attributes to put in, of names in ASCII
   */
  static byte[] write(
      char type,
      ByteString name,
      ByteString linkName,
      Attributes attributes,
      long size,
      Device device,
      List<Xattr> xattrs) {
    long modified = attributes.modified().getEpochSecond();
    Map<String, ByteString> records = new TreeMap<>();
    for (Xattr xattr : xattrs) {
      records.put(XATTR_RECORD + xattr.name(), xattr.value());
    }
    if (!isAscii(name) || name.length() > NAME_BYTES) {
      records.put("path", name);
    }
    if (!isAscii(linkName) || linkName.length() > NAME_BYTES) {
      records.put("linkpath", linkName);
    }
    putUnlessFits(records, "uid", attributes.uid(), MAX_SHORT);
    putUnlessFits(records, "gid", attributes.gid(), MAX_SHORT);
    putUnlessFits(records, "size", size, MAX_LONG);
    putUnlessFits(records, "mtime", modified, MAX_LONG);

    int split = splitAt(name);
    boolean isUstar =
        records.isEmpty() || (split > 0 && records.size() == 1 && records.containsKey("path"));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    if (!isUstar) {
      writePax(name, records, out);
    }
    byte[] block = new byte[HeaderBlock.SIZE];
    if (isUstar && split > 0) {
      putText(block, 0, NAME_BYTES, name.substring(split + 1));
      putText(block, 345, PREFIX_BYTES, name.substring(0, split));
    } else {
      putText(block, 0, NAME_BYTES, ascii(name));
    }
    putNumber(block, 100, 8, attributes.mode());
    putNumber(block, 108, 8, fitting(attributes.uid(), MAX_SHORT));
    putNumber(block, 116, 8, fitting(attributes.gid(), MAX_SHORT));
    putNumber(block, 124, 12, fitting(size, MAX_LONG));
    putNumber(block, 136, 12, fitting(modified, MAX_LONG));
    block[156] = (byte) type;
    putText(block, 157, NAME_BYTES, ascii(linkName));
    putNumber(block, 329, 8, device.major());
    putNumber(block, 337, 8, device.minor());
    finish(block, out);
    return out.toByteArray();
  }

  private static void putUnlessFits(
      Map<String, ByteString> records, String key, long value, long max) {
    if (value < 0 || value > max) {
      records.put(key, ByteString.utf8(Long.toString(value)));
    }
  }

  private static long fitting(long value, long max) {
    return value < 0 || value > max ? 0 : value;
  }

  /**
   * Where a long name can be cut into prefix and rest, or -1. A slash at the very end is no place
   * to cut.
   */
  private static int splitAt(ByteString name) {
    int length = name.length();
    if (length <= NAME_BYTES || !isAscii(name)) {
      return -1;
    }
    if (length > PREFIX_BYTES + 1) {
      length = PREFIX_BYTES + 1;
    } else if (name.at(length - 1) == '/') {
      length--;
    }
    int slash = name.substring(0, length).lastIndexOf((byte) '/');
    int rest = name.length() - slash - 1;
    return slash > 0 && rest > 0 && rest <= NAME_BYTES ? slash : -1;
  }

  private static void writePax(
      ByteString name, Map<String, ByteString> records, ByteArrayOutputStream out) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    records.forEach((key, value) -> writeRecord(key, value, data));

    byte[] block = new byte[HeaderBlock.SIZE];
    putText(block, 0, NAME_BYTES, paxName(name));
    putNumber(block, 100, 8, 0);
    putNumber(block, 108, 8, 0);
    putNumber(block, 116, 8, 0);
    putNumber(block, 124, 12, data.size());
    putNumber(block, 136, 12, 0);
    block[156] = 'x';
    finish(block, out);
    out.writeBytes(data.toByteArray());
    out.writeBytes(new byte[-data.size() & (HeaderBlock.SIZE - 1)]);
  }

  /** {@code length SP key "=" value LF}, where the length counts its own digits. */
  private static void writeRecord(String key, ByteString value, ByteArrayOutputStream out) {
    int rest = " =\n".length() + key.length() + value.length();
    int length = rest + Integer.toString(rest).length();
    if (Integer.toString(length).length() > Integer.toString(rest).length()) {
      length++;
    }
    out.writeBytes((length + " " + key + "=").getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(value.toByteArray());
    out.write('\n');
  }

  /**
   * {@code dir/PaxHeaders.0/base} in as much ASCII as fits; for a directory, whose base is empty,
   * without the last slash.
   */
  private static ByteString paxName(ByteString name) {
    int base = name.lastIndexOf((byte) '/') + 1;
    ByteString joined = name.substring(0, base).concat(ByteString.utf8("PaxHeaders.0"));
    if (base < name.length()) {
      joined = joined.concat(ByteString.utf8("/")).concat(name.substring(base));
    }
    joined = ascii(joined);
    joined = joined.substring(0, Math.min(joined.length(), NAME_BYTES));
    int end = joined.length();
    while (end > 0 && joined.at(end - 1) == '/') {
      end--;
    }
    return joined.substring(0, end);
  }

  /** Puts magic and checksum. */
  private static void finish(byte[] block, ByteArrayOutputStream out) {
    putText(block, 257, 8, ByteString.utf8("ustar\0" + "00"));
    Arrays.fill(block, 148, 156, (byte) ' ');
    int sum = 0;
    for (byte b : block) {
      sum += b & 0xff;
    }
    putNumber(block, 148, 7, sum);
    out.writeBytes(block);
  }

  /** Octal digits with zeros before them, and a NUL. */
  private static void putNumber(byte[] block, int offset, int width, long value) {
    long rest = value;
    for (int i = offset + width - 2; i >= offset; i--) {
      block[i] = (byte) ('0' + (rest & 7));
      rest >>>= 3;
    }
    block[offset + width - 1] = 0;
  }

  /**
   * As much of the text as fits. Where the cut leaves a slash at the end, the name ends before it:
   * there are readers that take any entry with such a name for a directory.
   */
  private static void putText(byte[] block, int offset, int width, ByteString text) {
    int length = Math.min(text.length(), width);
    for (int i = 0; i < length; i++) {
      block[offset + i] = text.at(i);
    }
    if (text.length() > width && text.at(width - 1) == '/') {
      int end = width - 1;
      while (end > 0 && text.at(end - 1) == '/') {
        end--;
      }
      block[offset + end] = 0;
    }
  }

  private static boolean isAscii(ByteString text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.at(i) < 0) {
        return false;
      }
    }
    return true;
  }

  /** The text without the bytes that are not ASCII. */
  private static ByteString ascii(ByteString text) {
    if (isAscii(text)) {
      return text;
    }
    byte[] kept = new byte[text.length()];
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      if (text.at(i) >= 0) {
        kept[length++] = text.at(i);
      }
    }
    return ByteString.of(kept, 0, length);
  }
}
