package io.layerstore.core.json;

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
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object, read as Go's {@code encoding/json} fills a struct.
 *
 * <p>Names match in any case. Of several members of one name the last counts, but objects are
 * merged. {@code null} is the same as absent. What is not asked for may be anything; what is asked
 * for and of another type makes the document invalid, as it does for Docker.
 */
public final class GoStruct {

  private final String path;
  private final List<Member> members;

  private GoStruct(String path, List<Member> members) {
    this.path = path;
    this.members = members;
  }

  /** The struct of a whole document, which {@code null} leaves empty. */
  public static GoStruct ofDocument(JsonValue document) throws InvalidImageException {
    if (document instanceof Null) {
      return new GoStruct("", List.of());
    }
    if (document instanceof Obj object) {
      return new GoStruct("", object.members());
    }
    throw new InvalidImageException("the image configuration is no JSON object");
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

  /** An integer of 64 bits; 0 if absent. */
  public long integer(String name) throws InvalidImageException {
    long number = 0;
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
        } else if (element instanceof Null) {
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
    return merged == null ? null : new GoStruct(pathOf(name) + ".", merged);
  }

  /** A list of structs; empty if absent. */
  public List<GoStruct> structs(String name) throws InvalidImageException {
    List<GoStruct> structs = List.of();
    for (JsonValue value : values(name)) {
      structs = new ArrayList<>();
      if (value instanceof Array array) {
        for (JsonValue element : array.elements()) {
          if (element instanceof Obj object) {
            structs.add(new GoStruct(pathOf(name) + ".", object.members()));
          } else if (element instanceof Null) {
            structs.add(new GoStruct(pathOf(name) + ".", List.of()));
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

  private InvalidImageException wrongType(String name, String expected) {
    return new InvalidImageException(
        "the image configuration's \"" + pathOf(name) + "\" is not " + expected);
  }
}
