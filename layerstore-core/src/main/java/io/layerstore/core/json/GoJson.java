package io.layerstore.core.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** Generators that write the bytes that Go's {@code encoding/json} writes, and bounded parsers. */
public final class GoJson {

  /** How deep a document may be nested of which nothing is known. */
  private static final int MAX_DEPTH = 512;

  private static final JsonFactory DOCUMENTS = factory(MAX_DEPTH);

  private GoJson() {}

  /** The factory for documents of which nothing is known. */
  static JsonFactory documents() {
    return DOCUMENTS;
  }

  /**
   * A factory whose parsers refuse documents nested deeper than {@code maxDepth}. How long they may
   * be is for those who read them to limit; no name in them is too long then.
   */
  public static JsonFactory factory(int maxDepth) {
    return JsonFactory.builder()
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(maxDepth)
                .maxNameLength(Integer.MAX_VALUE)
                .build())
        .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
        .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
        .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
        .build();
  }

  /**
   * Whether Go takes a member called {@code name} for the one that it knows as {@code known}: case
   * does not matter. Java takes the dotless and the dotted i of Turkish for an i as well, Go does
   * not.
   */
  public static boolean isMember(String name, String known) {
    return name.equalsIgnoreCase(known) && name.indexOf('\u0131') < 0 && name.indexOf('\u0130') < 0;
  }

  /** A generator of {@code factory} that escapes what Go escapes. */
  public static JsonGenerator generator(JsonFactory factory, OutputStream out) throws IOException {
    JsonGenerator json = factory.createGenerator(out);
    json.setCharacterEscapes(new GoEscapes());
    return json;
  }

  /** Go writes what HTML or JavaScript could mistake as an escape. */
  private static final class GoEscapes extends CharacterEscapes {
    private static final long serialVersionUID = 1L;

    @Override
    public int[] getEscapeCodesForAscii() {
      int[] codes = CharacterEscapes.standardAsciiEscapesForJSON();
      codes['<'] = CharacterEscapes.ESCAPE_STANDARD;
      codes['>'] = CharacterEscapes.ESCAPE_STANDARD;
      codes['&'] = CharacterEscapes.ESCAPE_STANDARD;
      return codes;
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int c) {
      return switch (c) {
        case 0x2028 -> new SerializedString("\\u2028");
        case 0x2029 -> new SerializedString("\\u2029");
        default -> null;
      };
    }
  }
}
