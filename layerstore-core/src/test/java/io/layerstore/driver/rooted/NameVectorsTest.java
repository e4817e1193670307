package io.layerstore.driver.rooted;

import static io.layerstore.testing.FormatVectors.text;

import io.layerstore.ByteString;
import io.layerstore.testing.FormatVectors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code docs/formats/names.md} says how names are escaped. */
final class NameVectorsTest {

  private static final String NAME = "names.tsv";

  private static final List<String> WORDS =
      List.of("case", "reserved", "bytes", "composed", "decomposed", "case reserved bytes");

  private static final List<String> NAMES =
      List.of(
          "plain",
          "Makefile",
          "a:b",
          "what?*\"<>|\\",
          "dot.",
          "space ",
          "tab\tand\u007f",
          "NUL.txt",
          " com7 .x",
          "com77",
          "conin$",
          "lpt0",
          "100%",
          "\u00e9",
          "e\u0301",
          "\u1e9b\u0323",
          "\uf041",
          "\uf100",
          "\ue0ff",
          "1Aa\u00e9Zz9");

  @Test
  void vector_ofNames_isHowTheyAreSpeltNow() throws IOException {
    FormatVectors.assertIs(NAME, table());
  }

  @Test
  void vector_readByAnother_hasNoWrongLine() throws IOException, InterruptedException {
    FormatVectors.assertReads("names", NAME, "");
  }

  private static String table() {
    StringBuilder table = new StringBuilder();
    for (String words : WORDS) {
      List<String> list = List.of(words.split(" "));
      NameTraits traits =
          new NameTraits(
              list.contains("case"),
              !list.contains("reserved"),
              !list.contains("bytes"),
              !list.contains("composed"),
              !list.contains("decomposed"));
      for (String name : NAMES) {
        addLine(table, words, new NameEscapes(traits), ByteString.utf8(name));
      }
      // No UTF-8, and cut off in what would be an escape.
      addLine(table, words, new NameEscapes(traits), latin1("caf\u00e9"));
      addLine(table, words, new NameEscapes(traits), latin1("\u00ef\u0081"));
    }
    return table.toString();
  }

  private static ByteString latin1(String name) {
    return ByteString.of(name.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static void addLine(
      StringBuilder table, String words, NameEscapes escapes, ByteString name) {
    table.append(words).append('\t').append(text(name));
    for (int spelling = 0; spelling < NameEscapes.SPELLINGS; spelling++) {
      table.append('\t').append(text(escapes.spell(name, spelling)));
    }
    table.append('\n');
  }
}
