package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads a small JSON document as maps, lists and, for every scalar, text. */
final class JsonTree {
  private JsonTree() {}

  /**
   * The one document in {@code in}; null if it is {@code null}.
   *
   * @throws JsonParseException if it is not JSON, or if something follows it
   */
  static @Nullable Object read(InputStream in) throws IOException {
    try (JsonParser parser = new JsonFactory().createParser(in)) {
      if (parser.nextToken() == null) {
        throw new JsonParseException(parser, "no document");
      }
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new JsonParseException(parser, "more than one document");
      }
      return value;
    }
  }

  /** The value the parser stands on. Recursive; Jackson limits the depth. */
  private static @Nullable Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          members.put(name, value(parser));
        }
        yield members;
      }
      case START_ARRAY -> {
        List<@Nullable Object> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          elements.add(value(parser));
        }
        yield elements;
      }
      case VALUE_NULL -> null;
      default -> parser.getText();
    };
  }
}
