package io.layerstore.overlay2.linux.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Complete frames, one after the other, in one block of memory. Used by one thread at a time. */
final class FrameBatch {

  private final byte[] bytes;
  private final ByteBuffer frames;

  FrameBatch(int size) {
    this.bytes = new byte[size];
    this.frames = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The memory, for who fills it. */
  byte[] bytes() {
    return bytes;
  }

  /** Where the last complete frame of the first {@code filled} bytes ends. */
  int completeFrames(int filled) {
    int end = 0;
    while (filled - end >= Protocol.HEADER_SIZE) {
      int length = lengthOfFrame(end, filled);
      if (filled - end < length) {
        break;
      }
      end += length;
    }
    return end;
  }

  /**
   * The length of the frame that begins at {@code start}, or of a header as long as it is not
   * complete.
   */
  int lengthOfFrame(int start, int filled) {
    if (filled - start < Protocol.HEADER_SIZE) {
      return Protocol.HEADER_SIZE;
    }
    int length = frames.getInt(start);
    int opcode = frames.getShort(start + 4) & 0xffff;
    if (length < 0 || length > Protocol.limitOf(opcode) || frames.getShort(start + 6) != 0) {
      throw new Frame.GarbageException("invalid frame header");
    }
    return Protocol.HEADER_SIZE + length;
  }

  /** From now on {@link #next} gives the frames of the first {@code length} bytes. */
  void show(int length) {
    frames.position(0).limit(length);
  }

  /** Makes room for others. */
  void clear() {
    frames.clear();
  }

  boolean hasNext() {
    return frames.hasRemaining();
  }

  /** The next frame; null if there is none. */
  @Nullable Frame next() {
    if (!frames.hasRemaining()) {
      return null;
    }
    int length = frames.getInt();
    int opcode = frames.getShort() & 0xffff;
    frames.getShort();
    int sequence = frames.getInt();
    ByteBuffer body = frames.slice(frames.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    frames.position(frames.position() + length);
    return new Frame(opcode, sequence, body);
  }
}
