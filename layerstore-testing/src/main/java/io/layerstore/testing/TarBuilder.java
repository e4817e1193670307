package io.layerstore.testing;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes tar archives byte by byte, well-formed or not, for fixtures.
 *
 * <pre>{@code
 * byte[] tar = new TarBuilder()
 *     .directory("etc/")
 *     .file("etc/motd", "hello\n")
 *     .pax("path", "a-long-name").header(TarHeaderBlock.named("a"))
 *     .end()
 *     .toBytes();
 * }</pre>
 *
 * <p>Nothing is checked or corrected: what is asked for is written. Not safe for use by several
 * threads.
 *
 * @see TarHeaderBlock
 */
public final class TarBuilder {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Adds a regular file with the default attributes. */
  public TarBuilder file(String name, String content) {
    return file(TarHeaderBlock.named(name), utf8(content));
  }

  /**
   * Adds {@code header} with the size of {@code content}, then the content padded to whole blocks.
   */
  public TarBuilder file(TarHeaderBlock header, byte[] content) {
    return header(header.size(content.length)).padded(content);
  }

  /**
   * Adds {@code header} with the size of {@code content}, then the content padded to whole blocks.
   */
  public TarBuilder file(TarHeaderBlock header, String content) {
    return file(header, utf8(content));
  }

  /** Adds a directory of mode 0755. */
  public TarBuilder directory(String name) {
    return header(TarHeaderBlock.directory(name));
  }

  /** Adds a symbolic link of mode 0777. */
  public TarBuilder symlink(String name, String target) {
    return header(TarHeaderBlock.symlink(name, target));
  }

  /** Adds a hard link. */
  public TarBuilder hardLink(String name, String target) {
    return header(TarHeaderBlock.hardLink(name, target));
  }

  /** Adds a header block alone. */
  public TarBuilder header(TarHeaderBlock header) {
    return raw(header.toBytes());
  }

  /** Adds a PAX header with the records {@code key=value}, for the entry added next. */
  public TarBuilder pax(String... keysAndValues) {
    return paxRecords(records(keysAndValues));
  }

  /** Adds a PAX header with {@code records} as they are, for the entry added next. */
  public TarBuilder paxRecords(byte[] records) {
    return file(TarHeaderBlock.named("PaxHeaders.0/x").type('x'), records);
  }

  /** Adds a global PAX header, called {@code name}, with the records {@code key=value}. */
  public TarBuilder paxGlobal(String name, String... keysAndValues) {
    return file(TarHeaderBlock.named(name).type('g'), records(keysAndValues));
  }

  /** Adds a GNU {@code L} record: the name, with a NUL, of the entry added next. */
  public TarBuilder gnuName(String name) {
    return gnuLong('L', utf8(name + "\0"));
  }

  /** Adds a GNU {@code K} record: the link target, with a NUL, of the entry added next. */
  public TarBuilder gnuLink(String target) {
    return gnuLong('K', utf8(target + "\0"));
  }

  /** Adds a GNU record of type {@code L} or {@code K} with {@code content} as it is. */
  public TarBuilder gnuLong(char type, byte[] content) {
    return file(TarHeaderBlock.named("././@LongLink").gnu().type(type), content);
  }

  /** Adds {@code content}, and NULs up to whole blocks. */
  public TarBuilder padded(byte[] content) {
    return raw(content).zeros(-content.length & (TarHeaderBlock.SIZE - 1));
  }

  /** Adds {@code content}, and NULs up to whole blocks. */
  public TarBuilder padded(String content) {
    return padded(utf8(content));
  }

  /** Adds {@code bytes}. */
  public TarBuilder raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  /** Adds {@code count} times the byte {@code value}. */
  public TarBuilder repeat(int value, int count) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return raw(bytes);
  }

  /** Adds {@code count} NULs. */
  public TarBuilder zeros(int count) {
    return repeat(0, count);
  }

  /** Adds the two zero blocks that end an archive. */
  public TarBuilder end() {
    return zeros(2 * TarHeaderBlock.SIZE);
  }

  /** How many bytes there are so far. */
  public int size() {
    return out.size();
  }

  /** A copy of the bytes so far. */
  public byte[] toBytes() {
    return out.toByteArray();
  }

  /** A stream of the bytes so far. */
  public InputStream toStream() {
    return new ByteArrayInputStream(toBytes());
  }

  /** The PAX records {@code key=value}, each with its length, in the order given. */
  public static byte[] records(String... keysAndValues) {
    ByteArrayOutputStream records = new ByteArrayOutputStream();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      records.writeBytes(record(keysAndValues[i], utf8(keysAndValues[i + 1])));
    }
    return records.toByteArray();
  }

  /** The PAX record {@code key=value} with its length, which counts itself. */
  public static byte[] record(String key, byte[] value) {
    byte[] name = utf8(key);
    int rest = 1 + name.length + 1 + value.length + 1;
    int length = rest;
    while (length != rest + Integer.toString(length).length()) {
      length = rest + Integer.toString(length).length();
    }
    ByteArrayOutputStream record = new ByteArrayOutputStream();
    record.writeBytes(utf8(length + " "));
    record.writeBytes(name);
    record.write('=');
    record.writeBytes(value);
    record.write('\n');
    return record.toByteArray();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
