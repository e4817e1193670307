package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Undoes gzip: any number of members, one after the other, until the source ends or goes on with
 * something that is no member, which is left to the caller.
 *
 * <p>Own framing, because the JDK's {@code GZIPInputStream} takes the end of a member for the end
 * of the data when the source has no bytes {@code available}, recurses for empty members, and
 * ignores what follows. Checks every checksum and length in headers and trailers. Memory does not
 * depend on the input.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1952">RFC 1952</a>
 */
final class GzipDecoder extends BlockInputStream {

  /** The longest name or comment in a header. Go takes 512 bytes, the format sets no limit. */
  private static final int MAX_HEADER_TEXT = 64 << 10;

  private static final int FLAG_HEADER_CRC = 1 << 1;
  private static final int FLAG_EXTRA = 1 << 2;
  private static final int FLAG_NAME = 1 << 3;
  private static final int FLAG_COMMENT = 1 << 4;
  private static final int FLAGS_RESERVED = 0xe0;
  private static final int METHOD_DEFLATE = 8;

  private final ArchiveSource source;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 crc = new CRC32();
  private long memberCount;
  private boolean inMember;
  private boolean ended;
  private boolean metSomethingElse;

  /** Reads {@code source}, which stands at the start of the first member. */
  GzipDecoder(ArchiveSource source) {
    this.source = source;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (!ended) {
      if (!inMember) {
        beginMember();
      } else if (inflater.finished()) {
        endMember();
      } else {
        int count = inflate(target, offset, length);
        if (count > 0) {
          crc.update(target, offset, count);
          return count;
        }
      }
    }
    return -1;
  }

  private int inflate(byte[] target, int offset, int length) throws IOException {
    try {
      if (inflater.needsInput()) {
        if (!source.fill()) {
          throw cutOff();
        }
        inflater.setInput(source.array(), source.position(), source.limit() - source.position());
      }
      long before = inflater.getBytesRead();
      int count = inflater.inflate(target, offset, length);
      source.consume((int) (inflater.getBytesRead() - before));
      if (count == 0 && inflater.needsDictionary()) {
        throw malformed("the deflate data needs a dictionary");
      }
      return count;
    } catch (DataFormatException e) {
      throw new ArchiveException(Kind.MALFORMED, "the gzip data is damaged: " + e.getMessage(), e);
    }
  }

  /** Reads the header of the next member, or finds the end. */
  private void beginMember() throws IOException {
    int first = source.read();
    if (first != 0x1f || source.read() != 0x8b) {
      if (memberCount == 0) {
        throw malformed("the gzip data does not begin with a gzip header");
      }
      ended = true;
      metSomethingElse = first > 0;
      return;
    }
    crc.reset(); // of the header
    crc.update(0x1f);
    crc.update(0x8b);
    if (headerByte() != METHOD_DEFLATE) {
      throw malformed("the gzip data is compressed with an unknown method");
    }
    int flags = headerByte();
    if ((flags & FLAGS_RESERVED) != 0) {
      throw malformed("the gzip header has unknown flags");
    }
    skipHeader(6); // time, extra flags, operating system
    if ((flags & FLAG_EXTRA) != 0) {
      skipHeader(headerByte() | headerByte() << 8);
    }
    if ((flags & FLAG_NAME) != 0) {
      skipHeaderText();
    }
    if ((flags & FLAG_COMMENT) != 0) {
      skipHeaderText();
    }
    if ((flags & FLAG_HEADER_CRC) != 0) {
      long expected = crc.getValue() & 0xffff;
      if ((headerByte() | headerByte() << 8) != expected) {
        throw malformed("the gzip header is damaged");
      }
    }
    crc.reset(); // of the data
    inflater.reset();
    inMember = true;
    memberCount++;
  }

  /** Whether the last member was followed by a byte that is neither of another one nor zero. */
  boolean metSomethingElse() {
    return metSomethingElse;
  }

  private void skipHeader(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      headerByte();
    }
  }

  private void skipHeaderText() throws IOException {
    for (int i = 0; i < MAX_HEADER_TEXT; i++) {
      if (headerByte() == 0) {
        return;
      }
    }
    throw ArchiveException.limitExceeded("gzipHeaderTextBytes", MAX_HEADER_TEXT);
  }

  private int headerByte() throws IOException {
    int b = sourceByte();
    crc.update(b);
    return b;
  }

  /** Reads the trailer of the member whose data has ended. */
  private void endMember() throws IOException {
    if (littleEndianInt() != (int) crc.getValue()) {
      throw malformed("the gzip data is damaged: its checksum is wrong");
    }
    if (littleEndianInt() != (int) inflater.getBytesWritten()) {
      throw malformed("the gzip data is damaged: its length is wrong");
    }
    inMember = false;
  }

  private int littleEndianInt() throws IOException {
    return sourceByte() | sourceByte() << 8 | sourceByte() << 16 | sourceByte() << 24;
  }

  private int sourceByte() throws IOException {
    int b = source.read();
    if (b < 0) {
      throw cutOff();
    }
    return b;
  }

  private static ArchiveException cutOff() {
    return malformed("the gzip data is cut off");
  }

  private static ArchiveException malformed(String problem) {
    return new ArchiveException(Kind.MALFORMED, problem);
  }

  /** Frees the native memory; the source stays open. */
  @Override
  public void close() {
    inflater.end();
    ended = true;
  }
}
