package io.layerstore.core.share;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The memory of one lease or of the board, which several processes see at once, in pieces. Numbers
 * in it are read and written in one step, and in the order of the program.
 */
@FunctionalInterface
interface SharedMemory {

  /** The bytes of one piece. A multiple of every page size that matters, but for the largest. */
  int PIECE_BYTES = 16 << 10;

  /** How numbers are read and written; not for others. */
  VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /**
   * A piece, which is made if this is the owner's view.
   *
   * @throws IOException if it cannot be made, or is not there
   */
  ByteBuffer piece(int index) throws IOException;

  static long get(ByteBuffer piece, int offset) {
    try {
      return (long) LONGS.getVolatile(piece, offset);
    } catch (InternalError e) {
      throw cut(e);
    }
  }

  static void set(ByteBuffer piece, int offset, long value) {
    try {
      LONGS.setVolatile(piece, offset, value);
    } catch (InternalError e) {
      throw cut(e);
    }
  }

  /** Returns the value before. */
  static long add(ByteBuffer piece, int offset, long more) {
    try {
      return (long) LONGS.getAndAdd(piece, offset, more);
    } catch (InternalError e) {
      throw cut(e);
    }
  }

  /** What the JVM makes of memory whose file somebody has cut off. */
  static UncheckedIOException cut(InternalError e) {
    return new UncheckedIOException(
        new IOException(
            "a file in the directory that says who shares the store was cut off; close the store"
                + " and open it again",
            e));
  }
}
