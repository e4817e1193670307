package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Reads a NODE frame and the XATTR frames after it. */
final class NodeFrames {

  private static final int MODE_BITS = 07777;

  private NodeFrames() {}

  /** Gives the next frame. */
  interface Source {
    Frame take() throws LayerStoreException;
  }

  static TreeNode read(Frame frame, Source source) throws LayerStoreException {
    if (frame.opcode() != Protocol.OP_NODE) {
      throw new Frame.GarbageException("unexpected " + frame);
    }
    EntryType type = typeOf(frame.u8());
    int mode = (int) frame.u32();
    long uid = frame.u32();
    long gid = frame.u32();
    long links = frame.u32();
    long fileSystem = frame.s64();
    long inode = frame.s64();
    long sizeBytes = frame.u63();
    Instant modified = instant(frame);
    Instant changed = instant(frame);
    Device device = new Device(frame.u32(), frame.u32());
    int marks = (int) frame.u32();
    int xattrCount = frame.u16();
    LayerPath path = pathOf(frame.bytes());
    ByteString link = frame.bytes();
    frame.end();
    if ((mode & ~MODE_BITS) != 0) {
      throw new Frame.GarbageException("mode out of range in " + frame);
    }
    boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
    return new TreeNode(
        path,
        type,
        mode,
        uid,
        gid,
        links,
        fileSystem,
        inode,
        sizeBytes,
        modified,
        changed,
        type == EntryType.SYMLINK ? link : null,
        isDevice ? device : null,
        (marks & Protocol.MARK_OPAQUE) != 0,
        (marks & Protocol.MARK_REDIRECT) != 0,
        (marks & Protocol.MARK_METACOPY) != 0,
        (marks & Protocol.MARK_SEEN) != 0,
        (marks & Protocol.MARK_CONTENT) != 0,
        xattrs(xattrCount, source));
  }

  private static List<Xattr> xattrs(int count, Source source) throws LayerStoreException {
    List<Xattr> xattrs = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Frame frame = source.take();
      if (frame.opcode() != Protocol.OP_XATTR) {
        throw new Frame.GarbageException("unexpected " + frame);
      }
      ByteString name = frame.bytes();
      xattrs.add(new Xattr(name, frame.bytes(frame.u32())));
      frame.end();
    }
    return xattrs;
  }

  private static LayerPath pathOf(ByteString bytes) {
    try {
      return LayerPath.of(bytes);
    } catch (IllegalArgumentException e) {
      throw new Frame.GarbageException("invalid path from the helper");
    }
  }

  private static Instant instant(Frame frame) {
    try {
      return Instant.ofEpochSecond(frame.s64(), frame.u32());
    } catch (DateTimeException e) {
      throw new Frame.GarbageException("time out of range in " + frame);
    }
  }

  private static EntryType typeOf(int code) {
    return switch (code) {
      case Protocol.TYPE_DIRECTORY -> EntryType.DIRECTORY;
      case Protocol.TYPE_FILE -> EntryType.FILE;
      case Protocol.TYPE_SYMLINK -> EntryType.SYMLINK;
      case Protocol.TYPE_CHARACTER_DEVICE -> EntryType.CHARACTER_DEVICE;
      case Protocol.TYPE_BLOCK_DEVICE -> EntryType.BLOCK_DEVICE;
      case Protocol.TYPE_FIFO -> EntryType.FIFO;
      case Protocol.TYPE_WHITEOUT -> EntryType.WHITEOUT;
      default -> throw new Frame.GarbageException("unknown type " + code);
    };
  }
}
