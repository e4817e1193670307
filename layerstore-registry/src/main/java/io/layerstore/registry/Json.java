package io.layerstore.registry;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A small JSON document, read leniently: what is not there, or of another type, is empty. Keeps all
 * of it, so that it can be written again. Immutable.
 */
final class Json {

  private static final JsonFactory FACTORY = new JsonFactory();
  private static final int MAX_DEPTH = 32;

  /** A map, a list, a string, or a literal. */
  private final @Nullable Object value;

  /** A number, a truth value or null, as it is written. */
  private record Literal(String text) {}

  private Json(@Nullable Object value) {
    this.value = value;
  }

  /**
   * Reads a document.
   *
   * @throws IOException if it is none; the message has nothing of it, which may be secret
   */
  static Json parse(byte[] document) throws IOException {
    try (JsonParser parser = FACTORY.createParser(document)) {
      parser.nextToken();
      return new Json(read(parser, 0));
    } catch (JsonProcessingException e) {
      throw new IOException("not a JSON document: an error in line " + line(e));
    }
  }

  private static int line(JsonProcessingException e) {
    return e.getLocation() == null ? 1 : e.getLocation().getLineNr();
  }

  /** The same, or an empty one where it cannot be read. */
  static Json parseOrEmpty(byte[] document) {
    try {
      return parse(document);
    } catch (IOException e) {
      return new Json(null);
    }
  }

  private static Object read(JsonParser parser, int depth) throws IOException {
    JsonToken token = parser.currentToken();
    if (token == null || depth > MAX_DEPTH) {
      throw new IOException("not a JSON document: it ends too early or is nested too deep");
    }
    switch (token) {
      case START_OBJECT -> {
        Map<String, Object> members = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String name = parser.currentName();
          parser.nextToken();
          members.put(name, read(parser, depth + 1));
        }
        return members;
      }
      case START_ARRAY -> {
        List<Object> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          elements.add(read(parser, depth + 1));
        }
        return elements;
      }
      case VALUE_STRING -> {
        return parser.getText();
      }
      default -> {
        return new Literal(parser.getText());
      }
    }
  }

  /** A member of an object. */
  Json get(String name) {
    return new Json(value instanceof Map<?, ?> map ? map.get(name) : null);
  }

  /** Whether it is there. */
  boolean isPresent() {
    return value != null;
  }

  /** A member that is a string; empty if it is not there. */
  String text(String name) {
    return get(name).text();
  }

  /** The string, or the text of a number; empty if it is neither. */
  String text() {
    if (value instanceof Literal literal) {
      return literal.text();
    }
    return value instanceof String text ? text : "";
  }

  /** The members of an object, in their order. */
  Map<String, Json> members() {
    Map<String, Json> members = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      map.forEach((name, member) -> members.put((String) name, new Json(member)));
    }
    return members;
  }

  /** The elements of a list. */
  List<Json> elements() {
    return value instanceof List<?> list
        ? list.stream().map(element -> new Json(element)).toList()
        : List.of();
  }

  /** The same object with a member that is a string, at its old place or at the end. */
  Json with(String name, String text) {
    return withValue(name, text);
  }

  /** The same object with a member that is {@code member}. */
  Json with(String name, Json member) {
    return withValue(name, member.value == null ? Map.of() : member.value);
  }

  private Json withValue(String name, Object member) {
    Map<Object, Object> changed = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      changed.putAll(map);
    }
    changed.put(name, member);
    return new Json(changed);
  }

  /** The same object without a member. */
  Json without(String name) {
    Map<Object, Object> changed = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      changed.putAll(map);
    }
    changed.remove(name);
    return new Json(changed);
  }

  /** What maps, lists and strings say. */
  static Json of(Object value) {
    return new Json(value);
  }

  /** An object without members. */
  static Json object() {
    return new Json(Map.of());
  }

  /** The document, indented with tabs as Docker does. */
  byte[] toBytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DefaultIndenter tabs = new DefaultIndenter("\t", "\n");
    DefaultPrettyPrinter printer =
        new DefaultPrettyPrinter()
            .withObjectIndenter(tabs)
            .withArrayIndenter(tabs)
            .withSeparators(
                Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER));
    try (JsonGenerator json = FACTORY.createGenerator(bytes).setPrettyPrinter(printer)) {
      write(json, value);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, @Nullable Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      json.writeStartObject();
      for (Map.Entry<?, ?> member : map.entrySet()) {
        json.writeFieldName((String) member.getKey());
        write(json, member.getValue());
      }
      json.writeEndObject();
    } else if (value instanceof List<?> list) {
      json.writeStartArray();
      for (Object element : list) {
        write(json, element);
      }
      json.writeEndArray();
    } else if (value instanceof Literal literal) {
      json.writeRawValue(literal.text());
    } else {
      json.writeString((String) value);
    }
  }
}
