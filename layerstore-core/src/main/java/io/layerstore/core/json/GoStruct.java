package io.layerstore.core.json;

import com.google.common.base.Ascii;
import io.layerstore.ByteString;
import io.layerstore.InvalidImageException;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Bool;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object, read as Go's {@code encoding/json} fills a struct.
 *
 * <p>Names match in any case. Of several members of one name the last counts, but objects are
 * merged; a strict struct refuses them, because readers differ on which of them counts. {@code
 * null} is the same as absent. What is not asked for may be anything; what is asked for and of
 * another type makes the document invalid, as it does for Docker.
 */
public final class GoStruct {

  private static final int MAX_SHOWN = 200;

  private final String document;
  private final boolean isStrict;
  private final String path;
  private final List<Member> members;

  private GoStruct(String document, boolean isStrict, String path, List<Member> members)
      throws InvalidImageException {
    this.document = document;
    this.isStrict = isStrict;
    this.path = path;
    this.members = members;
    if (isStrict) {
      refuseTwins();
    }
  }

  private void refuseTwins() throws InvalidImageException {
    Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    for (Member member : members) {
      if (!names.add(member.name())) {
        throw new InvalidImageException(
            document
                + " is ambiguous: it has \""
                + ByteString.utf8(Ascii.truncate(member.name(), MAX_SHOWN, "..."))
                + "\" twice in one object");
      }
    }
  }

  /**
   * The struct of a whole document, which {@code null} leaves empty.
   *
   * @param document what it is called in failures, such as {@code the image configuration}
   */
  public static GoStruct of(String document, JsonValue value) throws InvalidImageException {
    if (value instanceof Null) {
      return new GoStruct(document, false, "", List.of());
    }
    return new GoStruct(document, false, "", requireObject(document, value).members());
  }

  /** The same, strict: of an archive that anybody may have written. */
  public static GoStruct strict(String document, JsonValue value) throws InvalidImageException {
    return new GoStruct(document, true, "", requireObject(document, value).members());
  }

  /** The strict struct of the document with these bytes. */
  public static GoStruct strict(String document, byte[] bytes) throws InvalidImageException {
    return strict(document, parse(document, bytes));
  }

  /** The value of the document with these bytes. */
  public static JsonValue parse(String document, byte[] bytes) throws InvalidImageException {
    try {
      return JsonValue.parse(bytes);
    } catch (JsonSyntaxException e) {
      throw new InvalidImageException(document + " is no JSON document: " + e.getMessage(), e);
    }
  }

  private static Obj requireObject(String document, JsonValue value) throws InvalidImageException {
    if (value instanceof Obj object) {
      return object;
    }
    throw new InvalidImageException(document + " is no JSON object");
  }

  /** Whether there is such a member, and not null. */
  public boolean has(String name) {
    List<JsonValue> values = values(name);
    return !values.isEmpty() && !(values.get(values.size() - 1) instanceof Null);
  }

  /** A string; empty if absent. */
  public String text(String name) throws InvalidImageException {
    String text = "";
    for (JsonValue value : values(name)) {
      if (value instanceof Text t) {
        text = t.text();
      } else if (!(value instanceof Null)) {
        throw wrongType(name, "a string");
      }
    }
    return text;
  }

  /** An integer of 64 bits; {@code absent} if absent. */
  public long integer(String name, long absent) throws InvalidImageException {
    long number = absent;
    for (JsonValue value : values(name)) {
      if (value instanceof Num n) {
        try {
          number = Long.parseLong(n.literal());
        } catch (NumberFormatException e) {
          throw wrongType(name, "an integer of 64 bits");
        }
      } else if (!(value instanceof Null)) {
        throw wrongType(name, "an integer");
      }
    }
    return number;
  }

  /** A truth value; false if absent. */
  public boolean flag(String name) throws InvalidImageException {
    boolean flag = false;
    for (JsonValue value : values(name)) {
      if (value instanceof Bool b) {
        flag = b.isTrue();
      } else if (!(value instanceof Null)) {
        throw wrongType(name, "true or false");
      }
    }
    return flag;
  }

  /** A time of RFC 3339; null if absent or the zero time of Go, which means the same. */
  public @Nullable Instant time(String name) throws InvalidImageException {
    @Nullable Instant time = null;
    for (JsonValue value : values(name)) {
      if (value instanceof Text t) {
        time = GoTime.parse(t.text());
        if (time == null) {
          throw wrongType(name, "a time such as 2006-01-02T15:04:05Z");
        }
      } else if (!(value instanceof Null)) {
        throw wrongType(name, "a time");
      }
    }
    return GoTime.ZERO.equals(time) ? null : time;
  }

  /** A list of strings; empty if absent. */
  public List<String> texts(String name) throws InvalidImageException {
    List<String> texts = List.of();
    for (JsonValue value : values(name)) {
      texts = texts(name, value);
    }
    return texts;
  }

  /** A command: a list of strings, or one string in its place. */
  public List<String> command(String name) throws InvalidImageException {
    List<String> words = List.of();
    for (JsonValue value : values(name)) {
      words = value instanceof Text t ? List.of(t.text()) : texts(name, value);
    }
    return words;
  }

  private List<String> texts(String name, JsonValue value) throws InvalidImageException {
    List<String> texts = new ArrayList<>();
    if (value instanceof Array array) {
      for (JsonValue element : array.elements()) {
        if (element instanceof Text t) {
          texts.add(t.text());
        } else if (element instanceof Null && !isStrict) {
          texts.add("");
        } else {
          throw wrongType(name, "a list of strings");
        }
      }
    } else if (!(value instanceof Null)) {
      throw wrongType(name, "a list of strings");
    }
    return texts;
  }

  /** Strings by name, sorted; empty if absent. */
  public SortedMap<String, String> textMap(String name) throws InvalidImageException {
    SortedMap<String, String> texts = new TreeMap<>();
    for (JsonValue value : values(name)) {
      if (value instanceof Obj object) {
        for (Member member : object.members()) {
          if (member.value() instanceof Text t) {
            texts.put(member.name(), t.text());
          } else if (member.value() instanceof Null) {
            texts.put(member.name(), "");
          } else {
            throw wrongType(name, "an object of strings");
          }
        }
      } else if (value instanceof Null) {
        texts.clear();
      } else {
        throw wrongType(name, "an object of strings");
      }
    }
    return texts;
  }

  /** The names of the members of an object whose values are objects, sorted; empty if absent. */
  public List<String> set(String name) throws InvalidImageException {
    SortedMap<String, Boolean> names = new TreeMap<>();
    for (JsonValue value : values(name)) {
      if (value instanceof Obj object) {
        for (Member member : object.members()) {
          if (!(member.value() instanceof Obj || member.value() instanceof Null)) {
            throw wrongType(name, "an object of objects");
          }
          names.put(member.name(), true);
        }
      } else if (value instanceof Null) {
        names.clear();
      } else {
        throw wrongType(name, "an object of objects");
      }
    }
    return List.copyOf(names.keySet());
  }

  /** A nested struct; null if absent. */
  public @Nullable GoStruct struct(String name) throws InvalidImageException {
    @Nullable List<Member> merged = null;
    for (JsonValue value : values(name)) {
      if (value instanceof Obj object) {
        if (merged == null) {
          merged = new ArrayList<>();
        }
        merged.addAll(object.members());
      } else if (value instanceof Null) {
        merged = null;
      } else {
        throw wrongType(name, "an object");
      }
    }
    return merged == null ? null : new GoStruct(document, isStrict, pathOf(name) + ".", merged);
  }

  /** A list of structs; empty if absent. */
  public List<GoStruct> structs(String name) throws InvalidImageException {
    List<GoStruct> structs = List.of();
    for (JsonValue value : values(name)) {
      structs = new ArrayList<>();
      if (value instanceof Array array) {
        for (JsonValue element : array.elements()) {
          if (element instanceof Obj object) {
            structs.add(new GoStruct(document, isStrict, pathOf(name) + ".", object.members()));
          } else if (element instanceof Null && !isStrict) {
            structs.add(new GoStruct(document, isStrict, pathOf(name) + ".", List.of()));
          } else {
            throw wrongType(name, "a list of objects");
          }
        }
      } else if (!(value instanceof Null)) {
        throw wrongType(name, "a list of objects");
      }
    }
    return structs;
  }

  private List<JsonValue> values(String name) {
    List<JsonValue> values = new ArrayList<>();
    for (Member member : members) {
      if (GoJson.isMember(member.name(), name)) {
        values.add(member.value());
      }
    }
    return values;
  }

  private String pathOf(String name) {
    return path + name;
  }

  /** Something is wrong with the document. */
  public InvalidImageException invalid(String problem) {
    return new InvalidImageException(document + " is invalid: " + problem);
  }

  private InvalidImageException wrongType(String name, String expected) {
    return new InvalidImageException(document + "'s \"" + pathOf(name) + "\" is not " + expected);
  }
}
