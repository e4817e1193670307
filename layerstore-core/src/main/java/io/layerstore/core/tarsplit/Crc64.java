package io.layerstore.core.tarsplit;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.zip.Checksum;

/**
 * The checksum of a file's content in tar-split: CRC-64 as Go's {@code hash/crc64} computes it with
 * its ISO table.
 *
 * <p>Polynomial x<sup>64</sup> + x<sup>4</sup> + x<sup>3</sup> + x + 1, bits reflected, register
 * and result inverted. An instance is one running checksum; not safe for use by several threads.
 *
 * @see <a href="https://pkg.go.dev/hash/crc64">Go: hash/crc64</a>
 */
public final class Crc64 implements Checksum {

  // To take in n bits, a CRC adds them to the register and multiplies by x^n modulo the polynomial.
  // Here x^64 = 1 + x + x^3 + x^4, so multiplying by x^64 is four shifts, and what these push out
  // of
  // the register, at most four bits, is multiplied by the same once more. That is a word at a time
  // without the tables that slicing needs for it, and two to three times as fast. Two words at a
  // time keep the processor's units busy: x^128 = (1 + x + x^3 + x^4)^2 = 1 + x^2 + x^6 + x^8. The
  // register is reflected, its lowest bit is the highest power: multiplying shifts to the right.

  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private long register = -1;

  /** A checksum of no bytes. */
  public Crc64() {}

  @Override
  public void update(int b) {
    register = timesX8(register ^ (b & 0xff));
  }

  /** Takes in {@code length} bytes from {@code offset}. */
  @Override
  public void update(byte[] bytes, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    long crc = register;
    int i = offset;
    int end = offset + length;
    for (; i <= end - 2 * Long.BYTES; i += 2 * Long.BYTES) {
      long first = crc ^ (long) WORD.get(bytes, i);
      long second = (long) WORD.get(bytes, i + Long.BYTES);
      crc = timesX128(first) ^ timesX64(second);
    }
    for (; i < end; i++) {
      crc = timesX8(crc ^ (bytes[i] & 0xff));
    }
    register = crc;
  }

  private static long timesX8(long v) {
    return (v >>> 8) ^ reduce(v << 56);
  }

  private static long timesX64(long v) {
    return reduce(v) ^ reduce((v << 63) ^ (v << 61) ^ (v << 60));
  }

  private static long timesX128(long v) {
    long kept = v ^ (v >>> 2) ^ (v >>> 6) ^ (v >>> 8);
    return kept ^ reduce((v << 62) ^ (v << 58) ^ (v << 56));
  }

  /** Multiplies by 1 + x + x^3 + x^4, which is x^64, without what this pushes out. */
  private static long reduce(long v) {
    return v ^ (v >>> 1) ^ (v >>> 3) ^ (v >>> 4);
  }

  /** The checksum of all bytes so far. */
  @Override
  public long getValue() {
    return ~register;
  }

  /** Begins again with no bytes. */
  @Override
  public void reset() {
    register = -1;
  }
}
