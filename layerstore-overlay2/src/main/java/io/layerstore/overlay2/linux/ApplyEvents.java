package io.layerstore.overlay2.linux;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.BlockInputStream;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.HelperError;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.function.LongConsumer;

/**
 * What a helper that unpacks says while it works, passed on to the store. Used by one thread at a
 * time.
 */
final class ApplyEvents {

  /** The disk may be slow; an interrupt ends the waiting. */
  private static final Duration FOREVER = Duration.ofDays(365);

  private static final String ACCESS_LISTS = "system.posix_acl_";

  private final HelperProcess helper;
  private final String id;
  private final WriteContext context;
  private final LongConsumer onTaken;

  /**
   * About the layer {@code id}.
   *
   * @param onTaken given the offset of a block that the helper has taken
   */
  ApplyEvents(HelperProcess helper, String id, WriteContext context, LongConsumer onTaken) {
    this.helper = helper;
    this.id = id;
    this.context = context;
    this.onTaken = onTaken;
  }

  /** Passes on what has been said already. */
  void takeAll() throws IOException {
    Frame frame = helper.frames().poll();
    while (frame != null) {
      take(frame);
      frame = helper.frames().poll();
    }
  }

  /** Waits until the helper says something. */
  Frame await() throws LayerStoreException {
    Frame frame = helper.frames().poll();
    while (frame == null) {
      try {
        helper.frames().await(FOREVER);
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
      frame = helper.frames().poll();
      if (frame == null && helper.frames().hasEnded()) {
        throw helper.endOf(null);
      }
    }
    return frame;
  }

  static OperationInterruptedException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new OperationInterruptedException("unpacking the layer archive", e);
  }

  /** Passes on {@code frame}, or throws if it is a failure. */
  void take(Frame frame) throws IOException {
    switch (frame.opcode()) {
      case Protocol.OP_SALVAGE -> salvage(frame);
      case Protocol.OP_REDIRECT -> context.redirecting(pathOf(frame));
      case Protocol.OP_THROUGH -> throughLink(frame);
      case Protocol.OP_WARNING -> warn(frame);
      case Protocol.OP_TAKEN -> taken(frame);
      case Protocol.OP_ERROR -> throw ApplyFailures.of(HelperError.read(frame), id);
      default -> throw new Frame.GarbageException("unexpected " + frame);
    }
  }

  private void taken(Frame frame) {
    long offset = frame.u32();
    frame.end();
    onTaken.accept(offset);
  }

  private void throughLink(Frame frame) throws IOException {
    LayerPath path = takePath(frame);
    LayerPath realPath = takePath(frame);
    long sizeBytes = frame.u63();
    frame.end();
    context.wroteThroughLink(path, realPath, sizeBytes);
  }

  private static LayerPath pathOf(Frame frame) {
    LayerPath path = takePath(frame);
    frame.end();
    return path;
  }

  private static LayerPath takePath(Frame frame) {
    try {
      return LayerPath.of(frame.bytes());
    } catch (IllegalArgumentException e) {
      throw new Frame.GarbageException("invalid path in " + frame);
    }
  }

  private void salvage(Frame frame) throws IOException {
    long sizeBytes = frame.u63();
    LayerPath path = pathOf(frame);
    try (SalvageStream content = new SalvageStream(sizeBytes)) {
      context.destroying(path, sizeBytes, content);
    }
  }

  /** The content of a file that is replaced, from the DATA frames after a SALVAGE frame. */
  private final class SalvageStream extends BlockInputStream {
    private final long sizeBytes;
    private long received;
    private ByteBuffer data = ByteBuffer.allocate(0);

    SalvageStream(long sizeBytes) {
      this.sizeBytes = sizeBytes;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      if (length == 0) {
        return 0;
      }
      if (!data.hasRemaining() && !receive()) {
        return -1;
      }
      int count = Math.min(length, data.remaining());
      data.get(bytes, offset, count);
      return count;
    }

    private boolean receive() throws LayerStoreException {
      if (received == sizeBytes) {
        return false;
      }
      Frame frame = await();
      if (frame.opcode() == Protocol.OP_ERROR) {
        throw ApplyFailures.of(HelperError.read(frame), id);
      }
      if (frame.opcode() != Protocol.OP_DATA || frame.u63() != received) {
        throw new Frame.GarbageException("unexpected " + frame);
      }
      data = frame.rest();
      received += data.remaining();
      if (!data.hasRemaining() || received > sizeBytes) {
        throw new Frame.GarbageException("wrong length of " + frame);
      }
      return true;
    }

    /** Takes what was not read: the next frame is about something else. */
    @Override
    public void close() throws IOException {
      data.position(data.limit());
      while (receive()) {
        data.position(data.limit());
      }
    }
  }

  private void warn(Frame frame) {
    int code = frame.u16();
    int errno = frame.s32();
    LayerPath path = takePath(frame);
    String text = frame.bytes().toString();
    frame.end();
    String reason =
        switch (code) {
          case Protocol.WARN_XATTR_DROPPED ->
              "extended attribute " + text + " is for other file systems, and is not set";
          case Protocol.WARN_XATTR_REFUSED -> refused(text, errno);
          case Protocol.WARN_DEVICE_SKIPPED -> "an ordinary user cannot make device nodes";
          case Protocol.WARN_OWNER_REFUSED -> "the user namespace has no owner " + text;
          default -> throw new Frame.GarbageException("unknown warning " + code);
        };
    context.warn(path, reason);
  }

  private static String refused(String xattr, int errno) {
    String refused = "extended attribute " + xattr + " cannot be set: " + Errno.describe(errno);
    return xattr.startsWith(ACCESS_LISTS)
        ? refused
            + "; it names users or groups that this user namespace does not have, or the file"
            + " system has no access control lists, and only the mode of the file counts now"
        : refused;
  }

  /** What a failure to unpack means: that the archive is at fault, or the machine. */
  private static final class ApplyFailures {

    private ApplyFailures() {}

    static LayerStoreException of(HelperError error, String id) {
      HelperFailureException cause = error.toException(HelperProcess.DRIVER, id);
      String path = "/" + error.path();
      return switch (error.code()) {
        case Protocol.CODE_BREAKOUT ->
            new ArchiveException(
                Kind.BREAKOUT,
                "the way to " + path + " leads through a symbolic link above the root of the layer",
                cause);
        case Protocol.CODE_NOT_A_DIRECTORY ->
            malformed("there is no way to " + path + ": something on it is no directory", cause);
        case Protocol.CODE_LINK_LOOP ->
            malformed("there is no way to " + path + ": too many symbolic links on it", cause);
        case Protocol.CODE_LINK_STEPS ->
            malformed(
                "the symbolic links on the way to "
                    + path
                    + ", and to others before it, lead over more directories than this store follows",
                cause);
        case Protocol.CODE_MISSING_TARGET ->
            malformed(path + " is a hard link to what the archive does not have before it", cause);
        case Protocol.CODE_BAD_LINK -> malformed(path + " is a hard link to a directory", cause);
        case Protocol.CODE_WHITEOUT_DEVICE ->
            new ArchiveException(
                Kind.UNSUPPORTED_ENTRY,
                path
                    + " is a character device 0/0, which overlay takes for a deletion; if that is what"
                    + " it is for, open the store with the driver option "
                    + WriteSettings.WHITEOUT_DEVICES_OPTION
                    + "=true",
                cause);
        case Protocol.CODE_BAD_XATTR ->
            malformed(
                path + " has an extended attribute whose value Linux refuses: " + error.text(),
                cause);
        default -> cause;
      };
    }

    private static ArchiveException malformed(String problem, Throwable cause) {
      return new ArchiveException(Kind.MALFORMED, problem, cause);
    }
  }
}
