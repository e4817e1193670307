package io.layerstore.core.share;

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
    return (long) LONGS.getVolatile(memory, offset);
  }

  static void set(ByteBuffer memory, int offset, long value) {
    LONGS.setVolatile(memory, offset, value);
  }

  /** Returns the value before. */
  static long add(ByteBuffer memory, int offset, long more) {
    return (long) LONGS.getAndAdd(memory, offset, more);
  }
}
