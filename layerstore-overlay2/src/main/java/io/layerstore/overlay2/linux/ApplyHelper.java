package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.WriteContext;
import io.layerstore.spi.Xattr;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes the entries of an archive into a layer's {@code diff} directory, through a helper process
 * that sees nothing but that directory.
 *
 * <p>Entries go out in blocks and are carried out while the caller reads on; so failures, warnings
 * and what {@link WriteContext} is told come with a later call, at the latest with {@link #finish},
 * and always on the calling thread. Memory use does not depend on the layer.
 *
 * <p>Used by one thread at a time. An interrupt ends the work.
 */
final class ApplyHelper implements DiffWriter {

  private static final int ENTRY_FIXED_SIZE = Protocol.HEADER_SIZE + 77 + 4;
  private static final int DATA_FIXED_SIZE = Protocol.HEADER_SIZE + 8;
  private static final int XATTR_FIXED_SIZE = Protocol.HEADER_SIZE + 6;

  /** Less room than this at the end of a block is not worth a frame of its own. */
  private static final int LEAST_DATA = 4096;

  /** So much content at a time: it is in the processor's cache when it is copied. */
  private static final int PIECE = 128 << 10;

  private static final Attributes NO_ATTRIBUTES = Attributes.of(0, Instant.EPOCH);

  private final HelperProcess helper;
  private final OutputBlocks blocks;
  private final String id;
  private final OwnerMapping owners;
  private final ApplyEvents events;
  private byte[] piece = {};
  private @Nullable FrameBuilder block;
  private int sequence;
  private boolean isFinished;
  private boolean isClosed;

  ApplyHelper(HelperProcess helper, String id, OwnerMapping owners, WriteContext context) {
    this.helper = helper;
    this.blocks = new OutputBlocks(helper);
    this.id = id;
    this.owners = owners;
    this.events = new ApplyEvents(helper, id, context, blocks::giveBack);
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    requireOpen();
    if (entry.path().isRoot() && entry.type() == EntryType.DIRECTORY) {
      return; // The root is the driver's: its attributes are never those of an archive.
    }
    KernelLimits.require(entry);
    try {
      events.takeAll();
      putEntry(entry, typeOf(entry.type()), content);
    } catch (Frame.GarbageException e) {
      throw helper.garbage(e);
    }
  }

  @Override
  public void takeWhiteout(LayerPath path) throws IOException {
    putPath(path, Protocol.TYPE_NO_WHITEOUT);
  }

  @Override
  public void removeOld(LayerPath path) throws IOException {
    putPath(path, Protocol.TYPE_NOTHING);
  }

  private void putPath(LayerPath path, int type) throws IOException {
    requireOpen();
    try {
      events.takeAll();
      putEntry(TreeEntry.whiteout(path, NO_ATTRIBUTES), type, null);
    } catch (Frame.GarbageException e) {
      throw helper.garbage(e);
    }
  }

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    requireOpen();
    try {
      room(Protocol.HEADER_SIZE).begin(Protocol.OP_FINISH, ++sequence).end();
      blocks.submit(Objects.requireNonNull(block));
      block = null;
      Frame done = events.await();
      while (done.opcode() != Protocol.OP_DONE) {
        events.take(done);
        done = events.await();
      }
      long sizeBytes = done.u63();
      done.u63();
      done.end();
      isFinished = true;
      return sizeBytes;
    } catch (Frame.GarbageException e) {
      throw helper.garbage(e);
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException(
          "layer " + id + ": cannot keep what the archive replaces: " + e, e);
    }
  }

  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    if (isFinished) {
      blocks.close();
      helper.close();
    } else {
      helper.kill();
      blocks.close();
    }
  }

  /** The process id of the helper. */
  long pid() {
    return helper.pid();
  }

  private void requireOpen() {
    if (isClosed || isFinished) {
      throw new IllegalStateException("writer of layer " + id + " has ended");
    }
  }

  // ---- entries out ----

  private void putEntry(TreeEntry entry, int type, @Nullable FileContent content)
      throws IOException {
    sequence++;
    Attributes attributes = entry.attributes();
    long stored = content == null ? 0 : storedBytes(content);
    int linkLength =
        entry.linkText() != null
            ? entry.linkText().length()
            : entry.linkTarget() != null ? entry.linkTarget().bytes().length() : 0;
    Device device = entry.device() == null ? Device.WHITEOUT : entry.device();
    boolean hasXattrs = entry.type() != EntryType.WHITEOUT && entry.type() != EntryType.OPAQUE;
    Instant modified = attributes.modified();
    Instant accessed = attributes.accessed();
    FrameBuilder frame =
        room(ENTRY_FIXED_SIZE + entry.path().bytes().length() + linkLength)
            .begin(Protocol.OP_ENTRY, sequence)
            .u8(type)
            .u32(attributes.mode())
            .u32(owners.uid(entry.path(), attributes.uid()))
            .u32(owners.gid(entry.path(), attributes.gid()))
            .u64(modified.getEpochSecond())
            .u32(modified.getNano())
            .u64(accessed.getEpochSecond())
            .u32(accessed.getNano())
            .u64(entry.sizeBytes())
            .u64(stored)
            .u32(device.major())
            .u32(device.minor())
            .u16(hasXattrs ? attributes.xattrs().size() : 0)
            .bytes(entry.path().bytes());
    if (entry.linkText() != null) {
      frame.bytes(entry.linkText());
    } else if (entry.linkTarget() != null) {
      frame.bytes(entry.linkTarget().bytes());
    } else {
      frame.u16(0);
    }
    frame.end();
    if (content != null) {
      putContent(entry, content);
    }
    if (hasXattrs) {
      for (Xattr xattr : attributes.xattrs()) {
        putXattr(xattr);
      }
    }
  }

  private static long storedBytes(FileContent content) {
    long sum = 0;
    for (FileContent.Extent extent : content.extents()) {
      sum += extent.length();
    }
    return sum;
  }

  private void putContent(TreeEntry entry, FileContent content) throws IOException {
    for (FileContent.Extent extent : content.extents()) {
      long offset = extent.offset();
      while (offset < extent.end()) {
        offset += putData(entry, content.data(), offset, extent.end() - offset);
      }
    }
  }

  /** Puts as much as the block takes, at most {@code left} bytes, and tells how much it was. */
  private long putData(TreeEntry entry, InputStream data, long offset, long left)
      throws IOException {
    FrameBuilder frame =
        room(DATA_FIXED_SIZE + (int) Math.min(left, LEAST_DATA))
            .begin(Protocol.OP_DATA, sequence)
            .u64(offset);
    int wanted = (int) Math.min(left, frame.remaining());
    if (piece.length < Math.min(wanted, PIECE)) {
      piece = new byte[wanted > LEAST_DATA ? PIECE : LEAST_DATA];
    }
    for (int done = 0; done < wanted; ) {
      int count = data.readNBytes(piece, 0, Math.min(wanted - done, piece.length));
      if (count == 0) {
        throw new EOFException("content of " + entry.path() + " ends too early");
      }
      frame.raw(piece, 0, count);
      done += count;
    }
    frame.end();
    return wanted;
  }

  private void putXattr(Xattr xattr) throws IOException {
    room(XATTR_FIXED_SIZE + xattr.name().length() + xattr.value().length())
        .begin(Protocol.OP_XATTR, sequence)
        .bytes(xattr.name())
        .u32(xattr.value().length())
        .raw(xattr.value())
        .end();
  }

  /** The current block, or the next one if that has no room for {@code size} bytes. */
  private FrameBuilder room(int size) throws IOException {
    FrameBuilder current = block;
    while (current == null || current.remaining() < size) {
      if (current != null) {
        block = null;
        blocks.submit(current);
      }
      current = awaitBlock();
      block = current;
    }
    return current;
  }

  private static int typeOf(EntryType type) {
    return switch (type) {
      case DIRECTORY -> Protocol.TYPE_DIRECTORY;
      case FILE -> Protocol.TYPE_FILE;
      case SYMLINK -> Protocol.TYPE_SYMLINK;
      case HARD_LINK -> Protocol.TYPE_HARD_LINK;
      case CHARACTER_DEVICE -> Protocol.TYPE_CHARACTER_DEVICE;
      case BLOCK_DEVICE -> Protocol.TYPE_BLOCK_DEVICE;
      case FIFO -> Protocol.TYPE_FIFO;
      case WHITEOUT -> Protocol.TYPE_WHITEOUT;
      case OPAQUE -> Protocol.TYPE_OPAQUE;
    };
  }

  // ---- waiting ----

  /**
   * Waits for a block, and meanwhile takes what the helper says: it may have to say something
   * before it can go on.
   */
  private FrameBuilder awaitBlock() throws IOException {
    if (Thread.interrupted()) {
      throw ApplyEvents.interrupted(new InterruptedException());
    }
    FrameBuilder free = blocks.take();
    while (free == null) {
      events.take(events.await());
      free = blocks.take();
    }
    return free;
  }
}
