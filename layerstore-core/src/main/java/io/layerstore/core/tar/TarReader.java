package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.Limits;
import io.layerstore.core.tar.SparseReader.Sparse;
import io.layerstore.driver.BlockInputStream;
import io.layerstore.spi.FileContent.Extent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.zip.Checksum;
import org.jspecify.annotations.Nullable;

/**
 * Reads a layer archive entry by entry, and hands out every byte that is not payload as it passes.
 *
 * <p>Accepts what Docker's parser accepts, with the same meaning: v7, ustar, star, old GNU and PAX
 * headers, base-256 numbers, long names, sparse files of PAX formats 0.0, 0.1 and 1.0. Old GNU
 * sparse files (type {@code S}) are accepted besides. A type that never has a payload has none here
 * either, whatever its size field says. Refused, although Docker accepts them, are those with a
 * size on which readers in use disagree where the next header is: see {@link HeaderOnlySize}.
 *
 * <p>For each entry call {@link #next}, then read {@link #payload} to its end. After the last entry
 * {@link #drainTail} passes on whatever follows the end marker. Payload bytes and the bytes given
 * to {@link RawBytes}, in the order in which they are handed out, are the archive.
 *
 * <p>Memory does not depend on the archive, but for one extension record up to {@link
 * Limits#maxHeaderBytes}. The source is read ahead by no more than it gives at once, and not
 * closed. What it throws is passed on as it is; every failure of the archive itself is a {@link
 * io.layerstore.ArchiveException} with the entry's number and name. After any failure the reader is
 * of no further use. Used by one thread at a time.
 *
 * @see <a href="https://github.com/golang/go/blob/go1.22.0/src/archive/tar/reader.go">archive/tar
 *     of Go 1.22</a>
 */
public final class TarReader {

  /** How many extension headers may come one after the other; a file needs four at most. */
  static final int MAX_EXTENSIONS = 1024;

  /**
   * Takes the bytes of an archive that are not payload: headers with their extensions, padding,
   * sparse maps, end marker and tail.
   */
  public interface RawBytes {

    /** Takes them for nothing. */
    RawBytes NONE =
        new RawBytes() {
          @Override
          public void bytes(byte[] buffer, int offset, int length) {}

          @Override
          public void endOfArchive() {}
        };

    /** Takes {@code length} bytes; the array is not to be kept. */
    void bytes(byte[] buffer, int offset, int length) throws IOException;

    /** Notes that the archive proper has ended; called once. What comes afterwards is the tail. */
    void endOfArchive() throws IOException;
  }

  private enum State {
    OPEN,
    ENDED,
    FAILED
  }

  private final EntryPosition position = new EntryPosition();
  private final ArchiveInput input;
  private final SparseReader sparseReader;
  private final Limits limits;
  private final RawBytes raw;
  private final HeaderBlock block = new HeaderBlock();
  private final PaxRecords pax = new PaxRecords();
  private final PaxRecords globalPax = new PaxRecords();
  private final Extension longText = new Extension();
  private final Payload payload = new Payload();

  private boolean hasEndMark;
  private boolean hasPaxHeaders;
  private State state = State.OPEN;
  private int extensionsInARow;
  private long logicalTotal;
  private long payloadLeft;
  private int padding;

  /** Reads {@code in} from where it stands. */
  public TarReader(InputStream in, Limits limits, RawBytes raw) {
    this(in, limits, raw, null);
  }

  /**
   * Reads {@code in} from where it stands.
   *
   * @param copy takes every byte of the archive as it is fetched, before anything comes of it
   */
  public TarReader(InputStream in, Limits limits, RawBytes raw, @Nullable OutputStream copy) {
    this.input = new ArchiveInput(in, raw, copy, limits.maxUnpackedBytes(), position);
    this.sparseReader = new SparseReader(input, position, limits.maxHeaderBytes());
    this.limits = limits;
    this.raw = raw;
  }

  /**
   * Goes to the next entry.
   *
   * @return the entry, or null at the end of the archive
   * @throws IllegalStateException if payload of the entry before is unread, or after a failure
   */
  public @Nullable TarHeader next() throws IOException {
    if (payloadLeft > 0) {
      throw new IllegalStateException(payloadLeft + " bytes of the payload before are unread");
    }
    if (state == State.ENDED) {
      return null;
    }
    requireState(State.OPEN);
    state = State.FAILED;
    TarHeader header = read();
    state = header == null ? State.ENDED : State.OPEN;
    return header;
  }

  /**
   * The payload of the entry that {@link #next} gave last: for a sparse file, the bytes of its
   * extents one after the other. Valid until {@link #next}; closing it has no effect.
   */
  public InputStream payload() {
    payload.checksum = null;
    return payload;
  }

  /** The same, with a checksum that takes in what is handed out. */
  public InputStream payload(Checksum checksum) {
    payload.checksum = checksum;
    return payload;
  }

  /**
   * How many bytes of the archive have been used: directly after {@link #next}, where the payload
   * begins.
   */
  public long position() {
    return input.used();
  }

  /**
   * Passes over what is left of the payload, with {@link InputStream#skip} where the source is good
   * at it.
   */
  public void skipPayload() throws IOException {
    if (!input.skipPayload(payloadLeft)) {
      throw position.unexpectedEnd();
    }
    payloadLeft = 0;
  }

  /**
   * Hands out everything after the end of the archive.
   *
   * @throws IllegalStateException before {@link #next} has returned null
   */
  public void drainTail() throws IOException {
    requireState(State.ENDED);
    input.drainRaw();
  }

  /** Whether the archive ended with a block of zeros, and not only because nothing more came. */
  public boolean hasEndMark() {
    return hasEndMark;
  }

  private void requireState(State expected) {
    if (state != expected) {
      throw new IllegalStateException("the reader is " + state + ", not " + expected);
    }
  }

  private @Nullable TarHeader read() throws IOException {
    position.advance();
    pax.clear();
    ByteString longName = ByteString.EMPTY;
    ByteString longLink = ByteString.EMPTY;
    while (true) {
      if (!passPadding() || !readHeaderBlock()) {
        raw.endOfArchive();
        return null;
      }
      requireAtMost(position.index() + 1, limits.maxEntries(), "maxEntries");
      switch (block.typeFlag()) {
        case 'x' -> {
          hasPaxHeaders = true;
          pax.clear();
          readExtension(pax.body());
          pax.parse(position);
        }
        case 'g' -> {
          hasPaxHeaders = true;
          globalPax.clear();
          readExtension(globalPax.body());
          globalPax.parse(position);
          // The one record that shows: the name under which tar-split lists the header.
          return globalHeader(
              globalPax.has(PaxKey.PATH) ? globalPax.get(PaxKey.PATH) : block.name());
        }
        case 'L' -> {
          longText.clear();
          readExtension(longText);
          longName = longText.untilNul();
        }
        case 'K' -> {
          longText.clear();
          readExtension(longText);
          longLink = longText.untilNul();
        }
        default -> {
          extensionsInARow = 0;
          return entry(longName, longLink);
        }
      }
    }
  }

  /**
   * Passes on the rest of the block in which the last payload ended; false if the archive ends
   * there.
   */
  private boolean passPadding() throws IOException {
    int wanted = padding;
    padding = 0;
    return input.readRaw(block.bytes(), 0, wanted) == wanted;
  }

  /** Reads the next header; false at the end of the archive, marked or not. */
  private boolean readHeaderBlock() throws IOException {
    boolean isFirst = input.used() == 0;
    try {
      if (!input.readRawBlock(block)) {
        return false;
      }
      if (!block.isZero()) {
        block.parse(position);
        return true;
      }
    } catch (ArchiveException e) {
      throw isFirst && e.kind() == Kind.MALFORMED ? unlikeTar(e) : e;
    }
    hasEndMark = true;
    if (input.readRawBlock(block) && !block.isZero()) {
      throw position.malformed("invalid tar header: a zero block with something after it");
    }
    return false;
  }

  /**
   * What to throw if the first header is none: what the archive looks like instead, if that shows.
   */
  private ArchiveException unlikeTar(ArchiveException e) {
    int length = (int) Math.min(input.used(), HeaderBlock.SIZE);
    return length == HeaderBlock.SIZE && block.hasMagic()
        ? e
        : ForeignFormat.detect(block.bytes(), length)
            .<ArchiveException>map(format -> new NotTarException(format, e))
            .orElse(e);
  }

  /** Reads the data of the extension record whose header is in {@link #block}. */
  private void readExtension(Extension target) throws IOException {
    requireAtMost(++extensionsInARow, MAX_EXTENSIONS, "extension headers in a row");
    long size = requireSize(block.size());
    requireAtMost(size, limits.maxHeaderBytes(), "maxHeaderBytes");
    input.readRaw(target, size);
    padding = paddingAfter(size);
  }

  private static int paddingAfter(long size) {
    return (int) (-size & (HeaderBlock.SIZE - 1));
  }

  private long requireSize(long size) throws ArchiveException {
    if (size < 0) {
      throw position.malformed("invalid tar header: negative size");
    }
    return size;
  }

  private void requireAtMost(long value, long limit, String limitName) throws ArchiveException {
    if (value > limit) {
      throw position.exceeds(limitName, limit);
    }
  }

  private TarHeader globalHeader(ByteString name) {
    return new TarHeader(
        position.index(),
        TarHeader.Type.GLOBAL_HEADER,
        name,
        ByteString.EMPTY,
        0,
        0,
        null,
        false,
        0,
        0,
        0,
        Instant.EPOCH,
        null,
        List.of(),
        0,
        0);
  }

  /** Makes the entry out of the header in {@link #block} and what extensions said before it. */
  private TarHeader entry(ByteString longName, ByteString longLink) throws IOException {
    int flag = block.typeFlag();
    ByteString name = text(longName, PaxKey.PATH);
    position.name(name);
    // A header without a type is a directory by its first name, whatever a sparse map calls it.
    TarHeader.Type type = flag == 0 && endsInSlash(name) ? TarHeader.Type.DIRECTORY : type(flag);
    ByteString linkName = text(longLink, PaxKey.LINKPATH);
    long payloadSize = requireSize(number(PaxKey.SIZE, requireSize(block.size())));
    long mode = block.mode();
    long uid = number(PaxKey.UID, block.uid());
    long gid = number(PaxKey.GID, block.gid());
    Instant modified = modified();
    Instant accessed = accessed();
    if (pax.has(PaxKey.CTIME)) {
      pax.time(PaxKey.CTIME, position);
    }
    long devMajor = block.devMajor();
    long devMinor = block.devMinor();

    boolean isFile = type == TarHeader.Type.FILE;
    if (!isFile && payloadSize > 0) {
      HeaderOnlySize.requireAgreed(
          type,
          flag,
          payloadSize,
          pax.has(PaxKey.SIZE),
          hasPaxHeaders && block.isUstar(),
          position);
    }
    long size = payloadSize;
    long stored = isFile ? payloadSize : 0;
    List<Extent> extents = null;
    // Last, because reading a map may fill the block with something else.
    Sparse sparse = sparseReader.read(block, pax, payloadSize);
    if (sparse != null) {
      if (!isFile) {
        throw position.malformed("an entry of type " + type + " with a sparse map");
      }
      if (sparse.name() != null) {
        name = sparse.name();
        position.name(name);
      }
      size = sparse.logicalSize();
      stored = payloadSize - sparse.mapBytes();
      extents = sparse.map().extents(size, stored, position);
    }
    if (size > limits.maxUnpackedBytes() - logicalTotal) {
      throw position.exceeds("maxUnpackedBytes", limits.maxUnpackedBytes());
    }
    logicalTotal += size;
    payloadLeft = stored;
    padding = isFile ? paddingAfter(payloadSize) : 0;
    return new TarHeader(
        position.index(),
        type,
        name,
        linkName,
        size,
        stored,
        extents,
        flag == 'S',
        mode,
        uid,
        gid,
        modified,
        accessed,
        pax.xattrs(),
        devMajor,
        devMinor);
  }

  private TarHeader.Type type(int flag) throws ArchiveException {
    return switch (flag) {
      case 0, '0', 'S' -> TarHeader.Type.FILE;
      case '1' -> TarHeader.Type.HARD_LINK;
      case '2' -> TarHeader.Type.SYMLINK;
      case '3' -> TarHeader.Type.CHARACTER_DEVICE;
      case '4' -> TarHeader.Type.BLOCK_DEVICE;
      case '5' -> TarHeader.Type.DIRECTORY;
      case '6' -> TarHeader.Type.FIFO;
      default -> throw position.unsupported("unhandled tar header type " + flag);
    };
  }

  /** The GNU long form, else the PAX record, else what the header block says. */
  private ByteString text(ByteString longForm, PaxKey key) {
    if (!longForm.isEmpty()) {
      return longForm;
    }
    if (pax.has(key)) {
      return pax.get(key);
    }
    return key == PaxKey.PATH ? block.name() : block.linkName();
  }

  private long number(PaxKey key, long fromBlock) throws ArchiveException {
    return pax.has(key) ? pax.number(key, position) : fromBlock;
  }

  private Instant modified() throws ArchiveException {
    return pax.has(PaxKey.MTIME)
        ? pax.time(PaxKey.MTIME, position)
        : Decimal.instant(block.modifiedSeconds(), 0);
  }

  private @Nullable Instant accessed() throws ArchiveException {
    if (pax.has(PaxKey.ATIME)) {
      return pax.time(PaxKey.ATIME, position);
    }
    return block.hasAccessed() ? Decimal.instant(block.accessedSeconds(), 0) : null;
  }

  private static boolean endsInSlash(ByteString name) {
    return !name.isEmpty() && name.at(name.length() - 1) == '/';
  }

  /** The unread payload of the current entry. */
  private final class Payload extends BlockInputStream {
    private @Nullable Checksum checksum;

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      if (length == 0) {
        return 0;
      }
      if (payloadLeft == 0) {
        return -1;
      }
      int count = input.readPayload(target, offset, (int) Math.min(length, payloadLeft));
      if (count < 0) {
        throw position.unexpectedEnd();
      }
      payloadLeft -= count;
      if (checksum != null) {
        checksum.update(target, offset, count);
      }
      return count;
    }

    @Override
    public int available() {
      return (int) Math.min(payloadLeft, input.buffered());
    }
  }

  /** What was given as an archive is something else, as far as its beginning tells. */
  public static final class NotTarException extends ArchiveException {
    private static final long serialVersionUID = 1L;

    private final ForeignFormat format;

    NotTarException(ForeignFormat format, ArchiveException cause) {
      super(Kind.MALFORMED, "not a tar: it looks like " + format.description(), cause);
      this.format = format;
    }

    /** What it looks like. */
    public ForeignFormat format() {
      return format;
    }
  }
}
