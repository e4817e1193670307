package io.layerstore.core.share;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Numbers in shared memory, each read and written in one step, and in the order of the program. */
final class Words {

  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Words() {}

  static long get(ByteBuffer memory, int offset) {
    try {
      return (long) LONGS.getVolatile(memory, offset);
    } catch (InternalError e) {
      throw cut(e);
    }
  }

  static void set(ByteBuffer memory, int offset, long value) {
    try {
      LONGS.setVolatile(memory, offset, value);
    } catch (InternalError e) {
      throw cut(e);
    }
  }

  /** Returns the value before. */
  static long add(ByteBuffer memory, int offset, long more) {
    try {
      return (long) LONGS.getAndAdd(memory, offset, more);
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
