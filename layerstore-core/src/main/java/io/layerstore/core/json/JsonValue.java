package io.layerstore.core.json;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A JSON document as a tree that keeps what it cannot interpret: the order of members, duplicate
 * members, and numbers as they were written. Immutable.
 *
 * <p>For documents of a few megabytes at the most; the caller sees to that.
 */
public sealed interface JsonValue {

  /**
   * A string.
   *
   * @param text its text
   */
  record Text(String text) implements JsonValue {}

  /**
   * A number.
   *
   * @param literal its digits as they were written
   */
  record Num(String literal) implements JsonValue {}

  /**
   * A truth value.
   *
   * @param isTrue which of the two
   */
  record Bool(boolean isTrue) implements JsonValue {}

  /** The value {@code null}. */
  record Null() implements JsonValue {}

  /**
   * A list.
   *
   * @param elements its elements
   */
  record Array(List<JsonValue> elements) implements JsonValue {

    /** Copies the list. */
    public Array {
      elements = List.copyOf(elements);
    }

    /** A list of strings. */
    public static Array ofTexts(List<String> texts) {
      return new Array(texts.stream().map(text -> (JsonValue) new Text(text)).toList());
    }
  }

  /**
   * One member of an object.
   *
   * @param name its name
   * @param value its value
   */
  record Member(String name, JsonValue value) {}

  /**
   * An object.
   *
   * @param members its members as they stand in the document, duplicates included
   */
  record Obj(List<Member> members) implements JsonValue {

    /** No members. */
    public static final Obj EMPTY = new Obj(List.of());

    /** Copies the list. */
    public Obj {
      members = List.copyOf(members);
    }
  }

  /**
   * Reads a document. What is not well-formed UTF-8 becomes the replacement character, as in Go.
   *
   * @throws JsonSyntaxException if it is no JSON document, or has text after it
   */
  static JsonValue parse(byte[] document) throws JsonSyntaxException {
    return parse(new String(document, StandardCharsets.UTF_8), true);
  }

  /**
   * Reads the value that {@code text} begins with, whatever comes after it.
   *
   * @throws JsonSyntaxException if it does not begin with a JSON value
   */
  static JsonValue parseFirst(String text) throws JsonSyntaxException {
    return parse(text, false);
  }

  private static JsonValue parse(String text, boolean isAll) throws JsonSyntaxException {
    try (JsonParser json = GoJson.documents().createParser(text)) {
      if (json.nextToken() == null) {
        throw new JsonSyntaxException("nothing is there", json.currentLocation());
      }
      JsonValue value = read(json);
      if (isAll && json.nextToken() != null) {
        throw new JsonSyntaxException("text follows its end", json.currentTokenLocation());
      }
      return value;
    } catch (JsonSyntaxException e) {
      throw e;
    } catch (JsonEOFException e) {
      throw new JsonSyntaxException("it ends too early", e.getLocation());
    } catch (StreamConstraintsException e) {
      throw new JsonSyntaxException(
          "it is nested too deep, or has too long a number or string", e.getLocation());
    } catch (JsonProcessingException e) {
      throw new JsonSyntaxException("a syntax error", e.getLocation());
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
  }

  private static JsonValue read(JsonParser json) throws IOException {
    return switch (json.currentToken()) {
      case START_OBJECT -> {
        List<Member> members = new ArrayList<>();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          json.nextToken();
          members.add(new Member(name, read(json)));
        }
        yield new Obj(members);
      }
      case START_ARRAY -> {
        List<JsonValue> elements = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          elements.add(read(json));
        }
        yield new Array(elements);
      }
      case VALUE_STRING -> new Text(json.getText());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Num(json.getText());
      case VALUE_TRUE -> new Bool(true);
      case VALUE_FALSE -> new Bool(false);
      case VALUE_NULL -> new Null();
      default -> throw new JsonSyntaxException("a syntax error", json.currentLocation());
    };
  }

  /** The document, compact, with the bytes that Go would write. */
  default byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = GoJson.generator(GoJson.documents(), bytes)) {
      write(json, this);
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, JsonValue value) throws IOException {
    if (value instanceof Text text) {
      json.writeString(text.text());
    } else if (value instanceof Num number) {
      json.writeNumber(number.literal());
    } else if (value instanceof Bool bool) {
      json.writeBoolean(bool.isTrue());
    } else if (value instanceof Array array) {
      json.writeStartArray();
      for (JsonValue element : array.elements()) {
        write(json, element);
      }
      json.writeEndArray();
    } else if (value instanceof Obj object) {
      json.writeStartObject();
      for (Member member : object.members()) {
        json.writeFieldName(member.name());
        write(json, member.value());
      }
      json.writeEndObject();
    } else {
      json.writeNull();
    }
  }
}
