package io.layerstore.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One 512-byte tar header block with every field under the caller's control, for fixtures.
 *
 * <p>Starts as a regular file: size 0, mode 0644, owner 0:0, modified at 1600000000, type {@code
 * 0}, magic {@code ustar\0} with version {@code 00}, no user and group names, device numbers {@code
 * 0000000\0}. The checksum is computed by {@link #toBytes} unless it was set. Names given as text
 * stand for their UTF-8 bytes. Not safe for use by several threads.
 */
public final class TarHeaderBlock {

  /** The size of a block, in bytes. */
  public static final int SIZE = 512;

  /** When an entry was modified, unless said otherwise: 2020-09-13T12:26:40Z, in seconds. */
  public static final long MODIFIED = 1_600_000_000L;

  private final byte[] block = new byte[SIZE];
  private boolean hasOwnChecksum;
  private boolean isSigned;

  private TarHeaderBlock(byte[] name) {
    field(0, 100, name);
    mode(0644).uid(0).gid(0).size(0).modified(MODIFIED).type('0');
    text(257, "ustar\0" + "00");
    text(329, "0000000\0" + "0000000\0");
  }

  /** A block for a file called {@code name}; no more than 100 bytes. */
  public static TarHeaderBlock named(String name) {
    return named(name.getBytes(StandardCharsets.UTF_8));
  }

  /** A block for a file called {@code name}; no more than 100 bytes. */
  public static TarHeaderBlock named(byte[] name) {
    return new TarHeaderBlock(name);
  }

  /** A block for a directory of mode 0755; {@code name} should end in a slash. */
  public static TarHeaderBlock directory(String name) {
    return named(name).type('5').mode(0755);
  }

  /** A block for a symbolic link of mode 0777. */
  public static TarHeaderBlock symlink(String name, String target) {
    return named(name).type('2').mode(0777).link(target);
  }

  /** A block for a hard link. */
  public static TarHeaderBlock hardLink(String name, String target) {
    return named(name).type('1').link(target);
  }

  /** Sets the permission bits. */
  public TarHeaderBlock mode(long mode) {
    return number(100, 8, mode);
  }

  /** Sets the owner. */
  public TarHeaderBlock uid(long uid) {
    return number(108, 8, uid);
  }

  /** Sets the group. */
  public TarHeaderBlock gid(long gid) {
    return number(116, 8, gid);
  }

  /** Sets the size field, whatever follows the block. */
  public TarHeaderBlock size(long bytes) {
    return number(124, 12, bytes);
  }

  /** Sets the time of modification, in seconds. */
  public TarHeaderBlock modified(long seconds) {
    return number(136, 12, seconds);
  }

  /** Sets the type flag. */
  public TarHeaderBlock type(int flag) {
    block[156] = (byte) flag;
    return this;
  }

  /** Sets the link name; no more than 100 bytes. */
  public TarHeaderBlock link(String target) {
    return link(target.getBytes(StandardCharsets.UTF_8));
  }

  /** Sets the link name; no more than 100 bytes. */
  public TarHeaderBlock link(byte[] target) {
    return field(157, 100, target);
  }

  /** Sets the device numbers. */
  public TarHeaderBlock device(long major, long minor) {
    return number(329, 8, major).number(337, 8, minor);
  }

  /** Sets the prefix of the name; no more than 155 bytes. */
  public TarHeaderBlock prefix(String prefix) {
    return field(345, 155, prefix.getBytes(StandardCharsets.UTF_8));
  }

  /** Makes it a block of the old GNU format: magic and version {@code "ustar \0"}. */
  public TarHeaderBlock gnu() {
    return text(257, "ustar  \0");
  }

  /** Makes it a block of the star format: {@code tar\0} in the last four bytes. */
  public TarHeaderBlock star() {
    return text(508, "tar\0");
  }

  /** Makes it a block of the v7 format: everything after the link name is NUL. */
  public TarHeaderBlock v7() {
    Arrays.fill(block, 257, SIZE, (byte) 0);
    return this;
  }

  /** Writes {@code text}, one byte a character, at {@code offset}. */
  public TarHeaderBlock text(int offset, String text) {
    return bytes(offset, text.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Writes {@code bytes} at {@code offset}. */
  public TarHeaderBlock bytes(int offset, byte[] bytes) {
    System.arraycopy(bytes, 0, block, offset, bytes.length);
    return this;
  }

  /** Writes a number as octal digits and a NUL, or in base 256 if it does not fit. */
  public TarHeaderBlock number(int offset, int width, long value) {
    String digits = Long.toOctalString(value);
    if (value < 0 || digits.length() > width - 1) {
      return base256(offset, width, value);
    }
    return text(offset, "0".repeat(width - 1 - digits.length()) + digits + "\0");
  }

  /** Writes a number in base 256, as GNU tar does where octal digits do not fit. */
  public TarHeaderBlock base256(int offset, int width, long value) {
    long rest = value;
    for (int i = offset + width - 1; i >= offset; i--) {
      block[i] = (byte) rest;
      rest >>= 8;
    }
    block[offset] = (byte) (block[offset] | 0x80);
    return this;
  }

  /** Sets the eight bytes of the checksum, right or wrong. */
  public TarHeaderBlock checksum(String eightBytes) {
    hasOwnChecksum = true;
    return text(148, eightBytes);
  }

  /** Sums up signed bytes, as some historic writers did. */
  public TarHeaderBlock signedChecksum() {
    isSigned = true;
    return this;
  }

  /** The block. */
  public byte[] toBytes() {
    byte[] bytes = block.clone();
    if (!hasOwnChecksum) {
      Arrays.fill(bytes, 148, 156, (byte) ' ');
      int sum = 0;
      for (byte b : bytes) {
        sum += isSigned ? b : b & 0xff;
      }
      byte[] digits = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(digits, 0, bytes, 148, 8);
    }
    return bytes;
  }

  private TarHeaderBlock field(int offset, int width, byte[] value) {
    if (value.length > width) {
      throw new IllegalArgumentException(value.length + " bytes do not fit a field of " + width);
    }
    Arrays.fill(block, offset, offset + width, (byte) 0);
    return bytes(offset, value);
  }
}
