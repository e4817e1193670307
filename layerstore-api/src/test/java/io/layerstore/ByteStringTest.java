package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ReadOnlyBufferException;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Immutable bytes and how they print. */
final class ByteStringTest {

  private static ByteString bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return ByteString.of(bytes);
  }

  @Test
  void of_arrayChangedAfterwards_unchanged() {
    byte[] array = {1, 2};
    ByteString string = ByteString.of(array);
    array[0] = 9;
    string.toByteArray()[1] = 9;
    assertArrayEquals(new byte[] {1, 2}, string.toByteArray());
    assertThrows(ReadOnlyBufferException.class, () -> string.asByteBuffer().put((byte) 1));
  }

  @Test
  void toString_text_isItself() {
    assertEquals(
        "caf\u00e9 \u6f22 \ud83d\ude00",
        ByteString.utf8("caf\u00e9 \u6f22 \ud83d\ude00").toString());
  }

  @Test
  void toString_controlAndInvalidBytes_escaped() {
    assertEquals("a\\x0ab\\x1b\\x7f\\x5c", ByteString.utf8("a\nb\u001b\u007f\\").toString());
    assertEquals("\\xff\\xc0\\xafx", bytes(0xff, 0xc0, 0xaf, 'x').toString());
    assertEquals("\\xe2\\x80\\xae", ByteString.utf8("\u202e").toString());
    assertEquals("\\xed\\xa0\\x80", bytes(0xed, 0xa0, 0x80).toString());
    assertEquals("\\xe6\\xbc", bytes(0xe6, 0xbc).toString());
  }

  @Test
  void decodeUtf8_invalid_empty() {
    assertEquals(Optional.of("\u00e9"), bytes(0xc3, 0xa9).decodeUtf8());
    assertEquals(Optional.empty(), bytes(0xe9).decodeUtf8());
  }

  @Test
  void compareTo_unsignedAndPrefixFirst() {
    assertTrue(bytes('z').compareTo(bytes(0xe9)) < 0);
    assertTrue(bytes('a').compareTo(bytes('a', 0)) < 0);
    assertEquals(0, bytes('a').compareTo(bytes('a')));
  }

  @Test
  void parts_ofBytes() throws IOException {
    ByteString string = ByteString.utf8("a/b/c");
    assertEquals(1, string.indexOf((byte) '/'));
    assertEquals(3, string.indexOf((byte) '/', 2));
    assertEquals(3, string.lastIndexOf((byte) '/'));
    assertEquals(-1, string.indexOf((byte) 'x'));
    assertEquals(ByteString.utf8("b/c"), string.substring(2));
    assertEquals(ByteString.utf8("b"), string.substring(2, 3));
    assertTrue(string.startsWith(ByteString.utf8("a/")));
    assertTrue(string.endsWith(ByteString.utf8("/c")));
    assertFalse(string.endsWith(ByteString.utf8("xxa/b/c")));
    assertEquals(string, ByteString.utf8("a/").concat(ByteString.utf8("b/c")));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    string.writeTo(out);
    assertArrayEquals(string.toByteArray(), out.toByteArray());
    assertThrows(IndexOutOfBoundsException.class, () -> string.substring(2, 9));
  }
}
