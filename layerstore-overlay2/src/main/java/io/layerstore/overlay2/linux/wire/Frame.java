package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import java.nio.ByteBuffer;

/**
 * A frame from the helper. The methods take the parts of its body in their order.
 *
 * <p>Valid until the next frame is taken. A body that is shorter than what is taken from it is
 * garbage, see {@link GarbageException}. Used by one thread at a time.
 */
public final class Frame {

  /** The helper sent something that makes no sense. */
  public static final class GarbageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public GarbageException(String problem) {
      super(problem);
    }
  }

  private final int opcode;
  private final int sequence;
  private final ByteBuffer body;

  /** Over a body in little-endian order. */
  public Frame(int opcode, int sequence, ByteBuffer body) {
    this.opcode = opcode;
    this.sequence = sequence;
    this.body = body;
  }

  public int opcode() {
    return opcode;
  }

  public int sequence() {
    return sequence;
  }

  public int u8() {
    return require(1).get() & 0xff;
  }

  public int u16() {
    return require(2).getShort() & 0xffff;
  }

  public int s32() {
    return require(4).getInt();
  }

  public long u32() {
    return require(4).getInt() & 0xffff_ffffL;
  }

  /** A number that must not use the highest bit. */
  public long u63() {
    long value = s64();
    if (value < 0) {
      throw new GarbageException("number out of range in " + this);
    }
    return value;
  }

  public long s64() {
    return require(8).getLong();
  }

  public ByteString bytes() {
    return bytes(u16());
  }

  public ByteString bytes(long length) {
    ByteBuffer from = require(length);
    byte[] copy = new byte[(int) length];
    from.get(copy);
    return ByteString.of(copy);
  }

  /** The rest of the body. */
  public ByteBuffer rest() {
    ByteBuffer rest = body.slice();
    body.position(body.limit());
    return rest;
  }

  /** Checks that everything was taken. */
  public void end() {
    if (body.hasRemaining()) {
      throw new GarbageException(body.remaining() + " bytes left over in " + this);
    }
  }

  private ByteBuffer require(long count) {
    if (body.remaining() < count) {
      throw new GarbageException("short " + this);
    }
    return body;
  }

  @Override
  public String toString() {
    return "frame " + Integer.toHexString(opcode);
  }
}
