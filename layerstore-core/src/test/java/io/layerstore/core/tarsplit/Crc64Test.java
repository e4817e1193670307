package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class Crc64Test {

  @ParameterizedTest
  @CsvSource({
    "'', 0000000000000000",
    "123456789, b90956c775a41001",
    "'hello\n', 614c3eeee2d81000",
  })
  void value_knownText_isThatOfGo(String text, String expected) {
    byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);

    assertEquals(expected, String.format("%016x", crcOf(bytes)));
  }

  @Test
  void value_anyLength_isThatOfTheBitwiseDefinition() {
    Random random = new Random(1);
    for (int length = 0; length < 200; length++) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);

      assertEquals(bitwise(bytes), crcOf(bytes), "length " + length);
    }
  }

  @Test
  void update_inPieces_isTheSameAsAtOnce() {
    Random random = new Random(2);
    byte[] bytes = new byte[5000];
    random.nextBytes(bytes);
    Crc64 crc = new Crc64();
    for (int from = 0; from < bytes.length; ) {
      int length = Math.min(bytes.length - from, random.nextInt(70));
      crc.update(bytes, from, length);
      from += length;
    }

    assertEquals(crcOf(bytes), crc.getValue());
  }

  @Test
  void update_outOfRange_isRefused() {
    Crc64 crc = new Crc64();

    assertThrows(IndexOutOfBoundsException.class, () -> crc.update(new byte[10], 5, 6));
  }

  @Test
  void reset_afterBytes_beginsAgain() {
    Crc64 crc = new Crc64();
    crc.update(new byte[] {1, 2, 3}, 0, 3);
    crc.reset();

    assertEquals(0, crc.getValue());
  }

  private static long crcOf(byte[] bytes) {
    Crc64 crc = new Crc64();
    crc.update(bytes, 0, bytes.length);
    return crc.getValue();
  }

  private static long bitwise(byte[] bytes) {
    long register = -1;
    for (byte b : bytes) {
      register ^= b & 0xff;
      for (int i = 0; i < 8; i++) {
        register = (register >>> 1) ^ ((register & 1) * 0xD800_0000_0000_0000L);
      }
    }
    return ~register;
  }
}
