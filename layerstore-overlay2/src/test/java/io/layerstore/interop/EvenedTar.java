package io.layerstore.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A tar without that in which archives by different versions of Docker differ:
 *
 * <ul>
 *   <li>the type of the file in the mode, which 24.0 and later leave out;
 *   <li>names of users and groups, which only some distributions' builds look up;
 *   <li>the target of a link in the header of a whiteout, which means nothing there and is left
 *       over from another whiteout of the same inode.
 * </ul>
 *
 * <p>For archives of plain ustar headers and PAX headers of single files, as Docker writes.
 */
final class EvenedTar {

  private static final int BLOCK = 512;
  private static final int MODE = 100;
  private static final int SIZE = 124;
  private static final int CHECKSUM = 148;
  private static final int TYPE = 156;
  private static final int LINK = 157;
  private static final int USER = 265;
  private static final int PREFIX = 345;

  private final byte[] tar;
  private final List<String> names = new ArrayList<>();

  private EvenedTar(byte[] tar) {
    this.tar = tar;
  }

  static EvenedTar of(byte[] archive) {
    EvenedTar evened = new EvenedTar(archive.clone());
    int at = 0;
    while (evened.tar[at] != 0) {
      evened.even(at);
      long size = evened.octal(at + SIZE, 12);
      at += BLOCK + (int) ((size + BLOCK - 1) / BLOCK * BLOCK);
    }
    return evened;
  }

  /** The archive's bytes, evened out. */
  byte[] bytes() {
    return tar;
  }

  /** The names in the headers, in order, each with its type before it. */
  List<String> names() {
    return names;
  }

  private void even(int header) {
    names.add(
        (char) tar[header + TYPE] + " " + text(header + PREFIX, 155) + "|" + text(header, 100));
    if (tar[header + TYPE] == 'x') {
      return; // Has no mode and no owner.
    }
    write(header + MODE, String.format("%07o\0", octal(header + MODE, 8) & 07777));
    Arrays.fill(tar, header + USER, header + USER + 64, (byte) 0);
    if (tar[header + TYPE] == '0') {
      Arrays.fill(tar, header + LINK, header + LINK + 100, (byte) 0);
    }
    write(header + CHECKSUM, "        ");
    int sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      sum += tar[header + i] & 0xff;
    }
    write(header + CHECKSUM, String.format("%06o\0 ", sum));
  }

  private String text(int offset, int length) {
    int end = offset;
    while (end < offset + length && tar[end] != 0) {
      end++;
    }
    return new String(tar, offset, end - offset, StandardCharsets.ISO_8859_1);
  }

  private long octal(int offset, int length) {
    return Long.parseLong(text(offset, length).strip(), 8);
  }

  private void write(int offset, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    System.arraycopy(bytes, 0, tar, offset, bytes.length);
  }
}
