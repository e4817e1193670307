package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Paths inside a layer. */
final class LayerPathTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"/", "/a", "a/", "a//b", ".", "..", "./a", "a/.", "a/../b", "a\0b", "a/b/.."})
  void of_notNormalised_illegalArgument(String text) {
    assertThrows(IllegalArgumentException.class, () -> LayerPath.of(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "a/b", "...", "..a", ".hidden", "a b", "-rf", "a\nb", "caf\u00e9"})
  void of_normalised_keepsTheBytes(String text) {
    assertEquals(ByteString.utf8(text), LayerPath.of(text).bytes());
  }

  @Test
  void of_invalidUtf8_keepsTheBytesAndPrintsThem() {
    ByteString bytes = ByteString.of(new byte[] {'c', 'a', 'f', (byte) 0xe9});
    assertEquals(bytes, LayerPath.of(bytes).bytes());
    assertEquals("caf\\xe9", LayerPath.of(bytes).toString());
  }

  @Test
  void of_nothing_isTheRoot() {
    assertSame(LayerPath.ROOT, LayerPath.of(""));
    assertTrue(LayerPath.ROOT.isRoot());
    assertEquals(0, LayerPath.ROOT.depth());
    assertEquals(List.of(), LayerPath.ROOT.names());
    assertThrows(IllegalStateException.class, LayerPath.ROOT::parent);
  }

  @Test
  void parts_ofAPath() {
    LayerPath path = LayerPath.of("a/bc/d");
    assertEquals(3, path.depth());
    assertEquals(ByteString.utf8("d"), path.name());
    assertEquals(LayerPath.of("a/bc"), path.parent());
    assertEquals(LayerPath.ROOT, path.parent().parent().parent());
    assertEquals(
        List.of(ByteString.utf8("a"), ByteString.utf8("bc"), ByteString.utf8("d")), path.names());
  }

  @Test
  void resolve_nameOrPath_below() {
    assertEquals(LayerPath.of("a/b"), LayerPath.of("a").resolve(ByteString.utf8("b")));
    assertEquals(LayerPath.of("b"), LayerPath.ROOT.resolve(ByteString.utf8("b")));
    assertEquals(LayerPath.of("a/b/c"), LayerPath.of("a").resolve(LayerPath.of("b/c")));
    assertEquals(LayerPath.of("a"), LayerPath.of("a").resolve(LayerPath.ROOT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "a\0"})
  void resolve_noPlainName_illegalArgument(String name) {
    assertThrows(
        IllegalArgumentException.class, () -> LayerPath.of("x").resolve(ByteString.utf8(name)));
  }

  @Test
  void startsWith_wholeNamesOnly() {
    assertTrue(LayerPath.of("a/b").startsWith(LayerPath.of("a")));
    assertTrue(LayerPath.of("a").startsWith(LayerPath.of("a")));
    assertTrue(LayerPath.of("a").startsWith(LayerPath.ROOT));
    assertFalse(LayerPath.of("ab").startsWith(LayerPath.of("a")));
  }

  @Test
  void compareTo_unsignedBytesOfTheWholeText() {
    assertTrue(LayerPath.of("a-b").compareTo(LayerPath.of("a/b")) < 0);
    assertTrue(LayerPath.of("z").compareTo(LayerPath.of("\u00e9")) < 0);
  }

  @ParameterizedTest
  @CsvSource({
    "a, a",
    "./a, a",
    "/a, a",
    "a/, a",
    "//a///b//, a/b",
    "a/./b/., a/b",
    "a/../b, b",
    "a/b/../c, a/c",
    "a/b/../../c, c",
    "..a/b.., ..a/b..",
    ".../a, .../a",
    "'', ''",
    "., ''",
    "/, ''",
    "a/.., ''",
  })
  void normalise_insideTheRoot_isThePath(String name, String path) {
    assertEquals(Optional.of(LayerPath.of(path)), LayerPath.normalise(ByteString.utf8(name)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "..",
        "../a",
        "/..",
        "/../a",
        "a/../..",
        "a/../../b",
        "./../a",
        "a\u0000",
        ".\u0000",
        "a/.b\u0000",
        "\u0000/../a"
      })
  void normalise_outsideTheRootOrNoName_isEmpty(String name) {
    assertEquals(Optional.empty(), LayerPath.normalise(ByteString.utf8(name)));
  }

  @Test
  void normalise_bytesThatAreNoText_areKept() {
    ByteString name = ByteString.of(new byte[] {'.', '/', (byte) 0xe9, '/', (byte) 0xff});

    assertEquals(
        Optional.of(LayerPath.of(ByteString.of(new byte[] {(byte) 0xe9, '/', (byte) 0xff}))),
        LayerPath.normalise(name));
  }

  @Test
  void normalise_anyName_isNormalisedOrEmpty() {
    Random random = new Random(13);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder name = new StringBuilder();
      for (int k = random.nextInt(12); k > 0; k--) {
        name.append("/.ab\u0000".charAt(random.nextInt(random.nextInt(50) == 0 ? 5 : 4)));
      }
      LayerPath.normalise(ByteString.utf8(name.toString()))
          .ifPresent(path -> assertEquals(path, LayerPath.of(path.bytes())));
    }
  }
}
