package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Writes frames into a block of memory, one after the other.
 *
 * <p>The caller makes sure that there is room, with {@link #remaining}. Used by one thread at a
 * time.
 */
public final class FrameBuilder {

  private static final int MAX_SHORT = 0xffff;

  private final ByteBuffer block;
  private int frameStart;

  /** Over memory of its own. */
  public FrameBuilder(int size) {
    this(ByteBuffer.allocate(size));
  }

  /** Over all of {@code block}. */
  public FrameBuilder(ByteBuffer block) {
    this.block = block.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A single frame without a body. */
  public static FrameBuilder empty(int opcode, int sequence) {
    return new FrameBuilder(Protocol.HEADER_SIZE).begin(opcode, sequence).end();
  }

  /** Begins a frame. */
  public FrameBuilder begin(int opcode, int sequence) {
    frameStart = block.position();
    block.putInt(0).putShort((short) opcode).putShort((short) 0).putInt(sequence);
    return this;
  }

  public FrameBuilder u8(int value) {
    block.put((byte) value);
    return this;
  }

  public FrameBuilder u16(int value) {
    block.putShort((short) value);
    return this;
  }

  public FrameBuilder u32(long value) {
    block.putInt((int) value);
    return this;
  }

  public FrameBuilder u64(long value) {
    block.putLong(value);
    return this;
  }

  /**
   * A name, a path, a text, with its length before it.
   *
   * @throws IllegalArgumentException if it is too long for a frame
   */
  public FrameBuilder bytes(ByteString value) {
    if (value.length() > MAX_SHORT) {
      throw new IllegalArgumentException("too long for a frame: " + value.length() + " bytes");
    }
    u16(value.length());
    return raw(value);
  }

  /** Bytes without a length. */
  public FrameBuilder raw(ByteString value) {
    block.put(value.asByteBuffer());
    return this;
  }

  /** The same from {@code offset} of an array. */
  public FrameBuilder raw(byte[] bytes, int offset, int length) {
    block.put(bytes, offset, length);
    return this;
  }

  /** Ends the frame. */
  public FrameBuilder end() {
    block.putInt(frameStart, block.position() - frameStart - Protocol.HEADER_SIZE);
    return this;
  }

  /** The number of bytes that still fit. */
  public int remaining() {
    return block.remaining();
  }

  /** Where the frames are, from its first byte, if that is memory of its own. */
  public byte[] array() {
    if (block.arrayOffset() != 0) {
      throw new IllegalStateException("not memory of its own");
    }
    return block.array();
  }

  /** How many bytes there are. */
  public int size() {
    return block.position();
  }

  /** Makes room again. */
  public void clear() {
    block.clear();
  }
}
