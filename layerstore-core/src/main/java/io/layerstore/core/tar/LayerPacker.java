package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.driver.MadeStream;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The layer archive of a tree, made while it is read.
 *
 * <p>The bytes are those that engines from Docker 24.0 on write for the same tree: entries in the
 * reader's order, directories with a slash at the end, no entry for the root, times in whole
 * seconds and no access times, no user and group names, only the twelve permission bits of the mode
 * (engines before 24.0 add the file type), {@code security.capability} as the only extended
 * attribute, without the root user that version 3 of it names, deletions as empty files called
 * {@code .wh.NAME}, and two zero blocks at the end. Owner, mode and time of deletions and opaque
 * markers are those that the reader gives. One thing is left out: a kernel whiteout that shares its
 * inode with another has in Docker's archive, for no reason, the link name of the other one.
 *
 * <p>Memory does not depend on the tree. Closing the stream closes the reader.
 *
 * @see <a href="https://github.com/moby/moby/blob/v24.0.0/pkg/archive/archive.go">moby 24.0,
 *     pkg/archive, tarAppender</a>
 */
public final class LayerPacker extends MadeStream {

  private static final int CHUNK_BYTES = 64 << 10;

  private static final ByteString SLASH = ByteString.utf8("/");
  private static final ByteString WHITEOUT_PREFIX = ByteString.utf8(".wh.");
  private static final ByteString OPAQUE_MARKER = ByteString.utf8(".wh..wh..opq");
  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");

  private static final Device NO_DEVICE = new Device(0, 0);

  /**
   * Where a capability has its version, and how long one of version 2 is: see {@code
   * linux/capability.h}.
   */
  private static final int CAPABILITY_VERSION_AT = 3;

  private static final int CAPABILITY_V2_BYTES = 20;

  private final TreeReader reader;
  private final @Nullable Instant latestTime;
  private final boolean hasAllXattrs;
  private long index = -1;
  private @Nullable TreeEntry entry;
  private @Nullable InputStream content;
  private long contentLeft;

  /** What is to be given out before anything else. */
  private byte[] pending = new byte[0];

  private int pendingStart;
  private int pendingEnd;
  private byte[] chunk = new byte[0];
  private boolean isEnded;

  /** Packs what {@code reader} gives, and owns it from now on. */
  public LayerPacker(TreeReader reader) {
    this(reader, null);
  }

  /**
   * Packs what {@code reader} gives, and owns it from now on. Times after {@code latestTime} become
   * that, deletions' and opaque markers' too; null for all times as they are.
   */
  public LayerPacker(TreeReader reader, @Nullable Instant latestTime) {
    this(reader, latestTime, false);
  }

  private LayerPacker(TreeReader reader, @Nullable Instant latestTime, boolean hasAllXattrs) {
    this.reader = reader;
    this.latestTime = latestTime;
    this.hasAllXattrs = hasAllXattrs;
  }

  /** Packs the same, with all extended attributes, which no engine does by itself. */
  public static LayerPacker withAllXattrs(TreeReader reader) {
    return new LayerPacker(reader, null, true);
  }

  /**
   * Makes the next bytes of the archive, as many as asked for while there are any.
   *
   * @throws ConcurrentChangeException if a file turns out to be shorter or longer than the reader
   *     said
   * @throws ArchiveException if an entry cannot be expressed, such as a file with the name of a
   *     whiteout
   */
  @Override
  protected int make(byte[] target, int offset, int length) throws IOException {
    int done = 0;
    while (done < length) {
      int count = readSome(target, offset + done, length - done);
      if (count < 0) {
        return done == 0 ? -1 : done;
      }
      done += count;
    }
    return done;
  }

  @Override
  protected void closeSources() throws IOException {
    try (reader) {
      if (content != null) {
        content.close();
      }
    }
  }

  private int readSome(byte[] target, int offset, int length) throws IOException {
    while (pendingStart == pendingEnd) {
      if (content != null && contentLeft > 0) {
        if (length >= CHUNK_BYTES || length >= contentLeft) {
          return readContent(target, offset, (int) Math.min(length, contentLeft));
        }
        // A caller that reads little by little does not make the reader do so.
        chunk = chunk.length == 0 ? new byte[CHUNK_BYTES] : chunk;
        give(chunk, readContent(chunk, 0, (int) Math.min(CHUNK_BYTES, contentLeft)));
      } else if (content != null) {
        finishContent(content);
      } else if (isEnded) {
        return -1;
      } else {
        advance();
      }
    }
    int count = Math.min(length, pendingEnd - pendingStart);
    System.arraycopy(pending, pendingStart, target, offset, count);
    pendingStart += count;
    return count;
  }

  private void give(byte[] bytes, int length) {
    pending = bytes;
    pendingStart = 0;
    pendingEnd = length;
  }

  private int readContent(byte[] target, int offset, int length) throws IOException {
    int count = Objects.requireNonNull(content).read(target, offset, length);
    if (count < 0) {
      throw changed();
    }
    contentLeft -= count;
    return count;
  }

  private void finishContent(InputStream finished) throws IOException {
    if (finished.read() >= 0) {
      throw changed();
    }
    content = null;
    finished.close();
    long size = Objects.requireNonNull(entry).sizeBytes();
    give(new byte[HeaderBlock.SIZE], (int) (-size & (HeaderBlock.SIZE - 1)));
  }

  private ConcurrentChangeException changed() {
    return new ConcurrentChangeException(Objects.requireNonNull(entry).path().toString(), null);
  }

  private void advance() throws IOException {
    TreeEntry next = reader.next();
    entry = next;
    if (next == null) {
      isEnded = true;
      give(new byte[2 * HeaderBlock.SIZE], 2 * HeaderBlock.SIZE);
      return;
    }
    if (next.path().isRoot() && next.type() != EntryType.OPAQUE) {
      return;
    }
    index++;
    byte[] headers = headers(next);
    give(headers, headers.length);
    if (next.sizeBytes() > 0) {
      content = reader.content();
      contentLeft = next.sizeBytes();
    }
  }

  private byte[] headers(TreeEntry entry) throws ArchiveException {
    refuseWhiteoutName(entry);
    ByteString path = entry.path().bytes();
    Attributes attributes = entry.attributes();
    List<Xattr> xattrs = hasAllXattrs ? attributes.xattrs() : capability(attributes);
    return switch (entry.type()) {
      case DIRECTORY -> headers('5', path.concat(SLASH), entry, ByteString.EMPTY, xattrs);
      case FILE -> headers('0', path, entry, ByteString.EMPTY, xattrs);
      case SYMLINK -> headers('2', path, entry, Objects.requireNonNull(entry.linkText()), xattrs);
      case HARD_LINK ->
          headers('1', path, entry, Objects.requireNonNull(entry.linkTarget()).bytes(), xattrs);
      case CHARACTER_DEVICE -> headers('3', path, entry, ByteString.EMPTY, xattrs);
      case BLOCK_DEVICE -> headers('4', path, entry, ByteString.EMPTY, xattrs);
      case FIFO -> headers('6', path, entry, ByteString.EMPTY, xattrs);
      case WHITEOUT -> headers('0', whiteoutName(entry.path()), entry, ByteString.EMPTY, List.of());
      case OPAQUE ->
          headers(
              '0', entry.path().resolve(OPAQUE_MARKER).bytes(), entry, ByteString.EMPTY, List.of());
    };
  }

  private byte[] headers(
      char type, ByteString name, TreeEntry entry, ByteString linkName, List<Xattr> xattrs)
      throws ArchiveException {
    Device device = entry.device() == null ? NO_DEVICE : entry.device();
    if (!HeaderWriter.fits(device)) {
      throw unsupported(
          entry,
          "no archive header can hold the device number " + device.major() + ":" + device.minor());
    }
    return HeaderWriter.write(
        type, name, linkName, clamped(entry.attributes()), entry.sizeBytes(), device, xattrs);
  }

  private Attributes clamped(Attributes attributes) {
    return latestTime != null && attributes.modified().isAfter(latestTime)
        ? attributes.withTimes(latestTime, latestTime)
        : attributes;
  }

  private static ByteString whiteoutName(LayerPath deleted) {
    return deleted.parent().resolve(WHITEOUT_PREFIX.concat(deleted.name())).bytes();
  }

  /** Refuses what would be a deletion to whoever unpacks the archive. */
  private void refuseWhiteoutName(TreeEntry entry) throws ArchiveException {
    LayerPath path = entry.path();
    boolean isWhiteout = entry.type() == EntryType.WHITEOUT;
    // The deletion of a file called like a whiteout is fine, but for the one that would be an
    // opaque marker.
    if (isWhiteout && WHITEOUT_PREFIX.concat(path.name()).equals(OPAQUE_MARKER)) {
      throw unsupported(entry, "its deletion would be read as an opaque marker");
    }
    ByteString bytes = (isWhiteout ? path.parent() : path).bytes();
    for (int start = 0; start >= 0 && start < bytes.length(); ) {
      if (bytes.at(start) == '.' && bytes.substring(start).startsWith(WHITEOUT_PREFIX)) {
        throw unsupported(entry, "the name would be read as a whiteout; rename the file");
      }
      int slash = bytes.indexOf((byte) '/', start);
      start = slash < 0 ? -1 : slash + 1;
    }
  }

  private ArchiveException unsupported(TreeEntry entry, String problem) {
    return new ArchiveException(Kind.UNSUPPORTED_ENTRY, index, entry.path().toString(), problem);
  }

  private static List<Xattr> capability(Attributes attributes) {
    for (Xattr xattr : attributes.xattrs()) {
      if (xattr.name().equals(CAPABILITY)) {
        return List.of(new Xattr(CAPABILITY, withoutRootUser(xattr.value())));
      }
    }
    return List.of();
  }

  /**
   * Version 3 names the root user of a namespace that means nothing elsewhere; version 2 is the
   * same without it.
   */
  private static ByteString withoutRootUser(ByteString value) {
    if (value.length() <= CAPABILITY_VERSION_AT || value.at(CAPABILITY_VERSION_AT) != 3) {
      return value;
    }
    byte[] converted =
        value.substring(0, Math.min(value.length(), CAPABILITY_V2_BYTES)).toByteArray();
    converted[CAPABILITY_VERSION_AT] = 2;
    return ByteString.of(converted);
  }
}
