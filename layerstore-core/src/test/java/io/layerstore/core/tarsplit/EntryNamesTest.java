package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class EntryNamesTest {

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
  void toPath_insideTheRoot_isThePath(String name, String path) {
    assertEquals(LayerPath.of(path), EntryNames.toPath(ByteString.utf8(name)));
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
        "\u0000/../a"
      })
  void toPath_outsideTheRootOrNoName_isNull(String name) {
    assertNull(EntryNames.toPath(ByteString.utf8(name)));
  }

  @Test
  void toPath_bytesThatAreNoText_areKept() {
    ByteString name = ByteString.of(new byte[] {'.', '/', (byte) 0xe9, '/', (byte) 0xff});

    assertEquals(
        LayerPath.of(ByteString.of(new byte[] {(byte) 0xe9, '/', (byte) 0xff})),
        EntryNames.toPath(name));
  }

  @Test
  void toPath_anyName_isNormalisedOrNull() {
    Random random = new Random(13);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder name = new StringBuilder();
      for (int k = random.nextInt(12); k > 0; k--) {
        name.append("/.ab\u0000".charAt(random.nextInt(random.nextInt(50) == 0 ? 5 : 4)));
      }
      LayerPath path = EntryNames.toPath(ByteString.utf8(name.toString()));
      if (path != null) {
        assertEquals(path, EntryNames.toPath(path.bytes()));
      }
    }
  }
}
