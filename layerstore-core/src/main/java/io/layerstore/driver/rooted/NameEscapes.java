package io.layerstore.driver.rooted;

import io.layerstore.ByteString;
import java.io.ByteArrayOutputStream;
import java.text.Normalizer;
import java.util.Locale;
import java.util.Set;

/**
 * Spells names for a file system that does not hold all of them.
 *
 * <p>A byte that cannot be there becomes a character of the private use area, U+F000 plus the byte,
 * as Cygwin and the Windows Subsystem for Linux have it too; so no name gets longer in characters,
 * and programs of those show the true one. What looks like such a character in a name is escaped
 * itself, byte by byte: each spelling has one meaning.
 *
 * <p>Where a name is taken for another one that is there, because they differ in case or Unicode
 * form only, letters are escaped as well: first those that make the difference to an all-lower-case
 * name, then all, which cannot be taken for anything else any more.
 *
 * <p>Immutable; safe for use by many threads.
 */
final class NameEscapes {

  /** How many spellings a name can have. */
  static final int SPELLINGS = 3;

  private static final String RESERVED_CHARACTERS = "\\:*?\"<>|";

  /** What Windows takes for a device whatever the extension. */
  private static final Set<String> DEVICES =
      Set.of(
          "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7",
          "com8", "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
          "conin$", "conout$");

  private static final int LEAD = 0xef;

  private final NameTraits traits;

  NameEscapes(NameTraits traits) {
    this.traits = traits;
  }

  /** Whether {@code name} is kept as it is, as long as no other one is taken for it. */
  boolean isPlain(ByteString name) {
    return spell(name, 0).equals(name);
  }

  /**
   * How {@code name} is spelt.
   *
   * @param spelling which of the {@link #SPELLINGS}; higher ones are for names that others are
   *     taken for
   */
  ByteString spell(ByteString name, int spelling) {
    boolean[] escaped = new boolean[name.length()];
    markEscapes(name, escaped);
    if (!traits.keepsReserved()) {
      markReserved(name, escaped);
    }
    markText(name, escaped);
    if (spelling > 0) {
      markLetters(name, spelling, escaped);
    }
    ByteArrayOutputStream spelt = new ByteArrayOutputStream(name.length() + 6);
    boolean hasEscapes = false;
    for (int i = 0; i < escaped.length; i++) {
      int b = name.at(i) & 0xff;
      if (escaped[i]) {
        hasEscapes = true;
        spelt.write(LEAD);
        spelt.write(0x80 | b >> 6);
        spelt.write(0x80 | (b & 0x3f));
      } else {
        spelt.write(b);
      }
    }
    return hasEscapes ? ByteString.of(spelt.toByteArray()) : name;
  }

  /** Which name is spelt so. */
  ByteString read(ByteString spelt) {
    ByteArrayOutputStream name = null;
    for (int i = 0; i < spelt.length(); i++) {
      if (isEscape(spelt, i)) {
        if (name == null) {
          name = new ByteArrayOutputStream(spelt.length());
          name.writeBytes(spelt.substring(0, i).toByteArray());
        }
        name.write((spelt.at(i + 1) & 0x3) << 6 | (spelt.at(i + 2) & 0x3f));
        i += 2;
      } else if (name != null) {
        name.write(spelt.at(i));
      }
    }
    return name == null ? spelt : ByteString.of(name.toByteArray());
  }

  /** Whether {@code spelt} has a character from U+F000 to U+F0FF at {@code i}. */
  private static boolean isEscape(ByteString spelt, int i) {
    return i + 2 < spelt.length()
        && (spelt.at(i) & 0xff) == LEAD
        && (spelt.at(i + 1) & 0xfc) == 0x80
        && (spelt.at(i + 2) & 0xc0) == 0x80;
  }

  private static void markEscapes(ByteString name, boolean[] escaped) {
    for (int i = 0; i < name.length(); i++) {
      if (isEscape(name, i)) {
        escaped[i] = true;
        escaped[i + 1] = true;
        escaped[i + 2] = true;
      }
    }
  }

  private static void markReserved(ByteString name, boolean[] escaped) {
    int last = name.length() - 1;
    for (int i = 0; i <= last; i++) {
      int c = name.at(i) & 0xff;
      boolean isEnd = i == last && (c == '.' || c == ' ');
      if (c < 0x20 || c == 0x7f || RESERVED_CHARACTERS.indexOf(c) >= 0 || isEnd) {
        escaped[i] = true;
      }
    }
    int dot = name.indexOf((byte) '.', 0);
    String stem = name.substring(0, dot < 0 ? name.length() : dot).toString();
    if (DEVICES.contains(stem.strip().toLowerCase(Locale.ROOT))) {
      escaped[0] = true;
    }
  }

  /** Bytes that are no characters, or characters in another form than the file system's. */
  private void markText(ByteString name, boolean[] escaped) {
    if (traits.keepsBytes() && traits.keepsComposed() && traits.keepsDecomposed()) {
      return;
    }
    String text = name.decodeUtf8().orElse(null);
    boolean isKept =
        text == null
            ? traits.keepsBytes()
            : (traits.keepsComposed() || Normalizer.isNormalized(text, Normalizer.Form.NFD))
                && (traits.keepsDecomposed() || Normalizer.isNormalized(text, Normalizer.Form.NFC));
    if (!isKept) {
      for (int i = 0; i < escaped.length; i++) {
        escaped[i] |= name.at(i) < 0;
      }
    }
  }

  private static void markLetters(ByteString name, int spelling, boolean[] escaped) {
    boolean isFirst = true;
    for (int i = 0; i < escaped.length; i++) {
      byte b = name.at(i);
      boolean isUpper = b >= 'A' && b <= 'Z';
      boolean isLetter = isUpper || (b >= 'a' && b <= 'z');
      escaped[i] |= b < 0 || isUpper || (isLetter && (isFirst || spelling > 1));
      isFirst &= !isLetter;
    }
  }
}
