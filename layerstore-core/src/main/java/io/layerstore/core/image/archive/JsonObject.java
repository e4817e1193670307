package io.layerstore.core.image.archive;

import io.layerstore.InvalidImageException;
import io.layerstore.core.json.JsonSyntaxException;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An object of one of an archive's documents.
 *
 * <p>Names match in any case, as in Go, and {@code null} is the same as absent. But two members
 * whose names differ in nothing or in case alone are refused, because readers differ on which of
 * them counts.
 */
final class JsonObject {

  private final String document;
  private final TreeMap<String, JsonValue> members = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

  private JsonObject(String document, Obj object) throws InvalidImageException {
    this.document = document;
    for (Member member : object.members()) {
      if (members.put(member.name(), member.value()) != null) {
        throw new InvalidImageException(
            document
                + " is ambiguous: it has "
                + ArchiveText.quoted(member.name())
                + " twice in one object");
      }
    }
  }

  /** The value of the document called {@code name}. */
  static JsonValue parse(String name, byte[] bytes) throws InvalidImageException {
    try {
      return JsonValue.parse(bytes);
    } catch (JsonSyntaxException e) {
      throw new InvalidImageException(name + " is no JSON document: " + e.getMessage(), e);
    }
  }

  /** The object that is the document called {@code name}. */
  static JsonObject of(String name, byte[] bytes) throws InvalidImageException {
    return of(name, parse(name, bytes));
  }

  /** The object {@code value} in the document called {@code name}. */
  static JsonObject of(String name, JsonValue value) throws InvalidImageException {
    if (value instanceof Obj object) {
      return new JsonObject(name, object);
    }
    throw new InvalidImageException(name + " has something else where an object must be");
  }

  /** Whether a document is an object, and one that reads. */
  static boolean isOne(byte[] document) {
    try {
      return JsonValue.parse(document) instanceof Obj;
    } catch (JsonSyntaxException e) {
      return false;
    }
  }

  /** Whether there is such a member, and not null. */
  boolean has(String name) {
    return value(name) != null;
  }

  private @Nullable JsonValue value(String name) {
    JsonValue value = members.get(name);
    return value instanceof Null ? null : value;
  }

  /** A string; empty if absent. */
  String text(String name) throws InvalidImageException {
    JsonValue value = value(name);
    if (value == null) {
      return "";
    }
    return text(name, value);
  }

  private String text(String name, JsonValue value) throws InvalidImageException {
    if (value instanceof Text text) {
      return text.text();
    }
    throw wrongType(name, "a string");
  }

  /** A whole number; {@code absent} if absent. */
  long number(String name, long absent) throws InvalidImageException {
    JsonValue value = value(name);
    if (value == null) {
      return absent;
    }
    if (value instanceof Num number) {
      try {
        return Long.parseLong(number.literal());
      } catch (NumberFormatException e) {
        throw wrongType(name, "a whole number of 64 bits");
      }
    }
    throw wrongType(name, "a number");
  }

  /** A list of strings; empty if absent. */
  List<String> texts(String name) throws InvalidImageException {
    List<String> texts = new ArrayList<>();
    for (JsonValue element : elements(name)) {
      texts.add(text(name, element));
    }
    return texts;
  }

  /** A list of objects; empty if absent. */
  List<JsonObject> objects(String name) throws InvalidImageException {
    List<JsonObject> objects = new ArrayList<>();
    for (JsonValue element : elements(name)) {
      objects.add(of(document, element));
    }
    return objects;
  }

  private List<JsonValue> elements(String name) throws InvalidImageException {
    JsonValue value = value(name);
    if (value == null) {
      return List.of();
    }
    if (value instanceof Array array) {
      return array.elements();
    }
    throw wrongType(name, "a list");
  }

  /** An object, or null if absent. */
  @Nullable JsonObject object(String name) throws InvalidImageException {
    JsonValue value = value(name);
    return value == null ? null : of(document, value);
  }

  /** Strings by name; empty if absent. */
  Map<String, String> textMap(String name) throws InvalidImageException {
    Map<String, String> texts = new TreeMap<>();
    JsonValue value = value(name);
    if (value instanceof Obj object) {
      for (Member member : object.members()) {
        if (!(member.value() instanceof Null)) {
          texts.put(member.name(), text(name, member.value()));
        }
      }
    } else if (value != null) {
      throw wrongType(name, "an object of strings");
    }
    return texts;
  }

  /** Something is wrong with the document. */
  InvalidImageException invalid(String problem) {
    return new InvalidImageException(document + " is invalid: " + problem);
  }

  private InvalidImageException wrongType(String name, String expected) {
    return invalid(ArchiveText.quoted(name) + " is not " + expected);
  }
}
