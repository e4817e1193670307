package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerInfo;
import io.layerstore.LayerPath;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ShowTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "999, 999 B",
    "1000, 1.0 kB",
    "999949, 999.9 kB",
    "999950, 1.0 MB",
    "12345678, 12.3 MB",
    "9223372036854775807, 9.2 EB"
  })
  void size_bytes_isShort(long bytes, String expected) {
    assertEquals(expected, Show.size(bytes));
  }

  @Test
  void users_several_areAllNamed() {
    ChainId child = ChainId.of(null, DiffId.EMPTY_TAR);

    assertEquals(
        "layer 5f70bf18a086 and read-write layers a, b",
        Show.users(new LayerInfo.Usage(1, List.of(child), List.of("a", "b"), List.of())));
  }

  @Test
  void users_handlesOnly_areNobody() {
    assertEquals("", Show.users(new LayerInfo.Usage(1, List.of(), List.of(), List.of())));
  }

  @Test
  void path_utf8WithSpecialCharacters_isExact() throws IOException {
    String name = "a\"b\\c\n\u001b\u2028grüße\ud83d\ude00";

    assertEquals(Map.of("path", "/" + name), json(ByteString.utf8(name)));
  }

  @Test
  void path_notUtf8_isPrintableWithItsBytesBeside() throws IOException {
    ByteString name = ByteString.of(new byte[] {'c', 'a', 'f', (byte) 0xe9});

    assertEquals(Map.of("path", "/caf\\xe9", "pathHex", "2f636166e9"), json(name));
  }

  @Test
  void path_backslashInUtf8_hasNoHex() throws IOException {
    assertFalse(json(ByteString.utf8("\\xe9")).containsKey("pathHex"));
  }

  private static Map<?, ?> json(ByteString name) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Output output = new Output(bytes);
    output.setJson(true);
    output.print(out -> {}, json -> Show.path(json, LayerPath.of(name)));
    output.flush();
    return (Map<?, ?>) JsonTree.read(new ByteArrayInputStream(bytes.toByteArray()));
  }
}
