package io.layerstore.driver.rooted;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class NameEscapesTest {

  private static final NameEscapes WINDOWS =
      new NameEscapes(new NameTraits(true, false, false, true, true));
  private static final NameEscapes MAC =
      new NameEscapes(new NameTraits(true, true, false, true, false));

  private static ByteString name(String text) {
    return ByteString.utf8(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\\b",
        "c:",
        "x:stream",
        "nul",
        "NUL.txt",
        "Com1",
        "con ",
        "dot.",
        "space ",
        "...",
        "a*",
        "a?",
        "a\nb",
        "a\"b",
        "a<b",
        "a|b",
        "CONIN$"
      })
  void spell_nameThatIsSomethingElseOnWindows_isEscapedAndReadBack(String text) {
    ByteString spelt = WINDOWS.spell(name(text), 0);
    assertNotEquals(name(text), spelt);
    assertFalse(WINDOWS.isPlain(name(text)));
    assertEquals(name(text), WINDOWS.read(spelt));
  }

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "console", "a b", ".profile", "caf\u00e9", "100%41", "nul1"})
  void spell_nameThatIsPossible_isLeftAlone(String text) {
    assertEquals(name(text), WINDOWS.spell(name(text), 0));
    assertEquals(name(text), WINDOWS.read(name(text)));
  }

  @Test
  void spell_reservedCharacter_isThatOfCygwin() {
    assertEquals(name("Net\uf03a\uf03aDNS"), WINDOWS.spell(name("Net::DNS"), 0));
  }

  @Test
  void spell_decomposedWhereNamesAreComposed_isEscaped() {
    assertTrue(MAC.isPlain(name("caf\u00e9")));
    assertFalse(MAC.isPlain(name("cafe\u0301")));
  }

  @Test
  void spell_nameThatLooksEscaped_isNotTakenForAnother() {
    ByteString looks = name("a\uf03ab");
    assertEquals(looks, WINDOWS.read(WINDOWS.spell(looks, 0)));
    assertNotEquals(WINDOWS.spell(name("a:b"), 0), WINDOWS.spell(looks, 0));
  }

  static java.util.stream.Stream<Random> randoms() {
    return java.util.stream.Stream.of(new Random(7));
  }

  @ParameterizedTest
  @MethodSource("randoms")
  void read_anySpellingOfAnyBytes_isTheName(Random random) {
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[1 + random.nextInt(8)];
      for (int j = 0; j < bytes.length; j++) {
        // Often the bytes of which escapes consist.
        bytes[j] =
            (byte)
                (random.nextBoolean()
                    ? 1 + random.nextInt(255)
                    : 0xef_80_ba >> (random.nextInt(3) * 8));
        if (bytes[j] == 0 || bytes[j] == '/') {
          bytes[j] = 'A';
        }
      }
      ByteString name = ByteString.of(bytes);
      for (int spelling = 0; spelling < NameEscapes.SPELLINGS; spelling++) {
        assertEquals(name, WINDOWS.read(WINDOWS.spell(name, spelling)));
        assertTrue(WINDOWS.spell(name, spelling).decodeUtf8().isPresent(), "is text");
      }
    }
  }

  @Test
  void spell_lastSpelling_cannotBeTakenForAnother() {
    for (String text : new String[] {"PAM.7.gz", "pam.7.gz", "\u00c9t\u00e9", "cON", "con"}) {
      String spelt =
          WINDOWS.spell(name(text), NameEscapes.SPELLINGS - 1).decodeUtf8().orElseThrow();
      assertEquals(spelt, spelt.toLowerCase(Locale.ROOT));
      assertEquals(spelt, spelt.toUpperCase(Locale.ROOT));
    }
  }
}
