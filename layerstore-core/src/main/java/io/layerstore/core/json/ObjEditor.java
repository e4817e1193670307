package io.layerstore.core.json;

import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Changes the members of an object that are known by name, and keeps all others.
 *
 * <p>Names match in any case, as in Go: a member that is set takes the place of all that Go would
 * take for it. Not safe for use by several threads.
 */
public final class ObjEditor {

  private final List<Member> members;

  /** Begins with {@code object}, which is not changed. */
  public ObjEditor(Obj object) {
    this.members = new ArrayList<>(object.members());
  }

  /** The value of a member; null if it is absent or {@code null}. */
  public @Nullable JsonValue get(String name) {
    @Nullable JsonValue last = null;
    for (Member member : members) {
      if (GoJson.isMember(member.name(), name)) {
        last = member.value() instanceof Null ? null : member.value();
      }
    }
    return last;
  }

  /** A member that is an object; no members if it is absent or none. */
  public Obj object(String name) {
    List<Member> merged = new ArrayList<>();
    for (Member member : members) {
      if (GoJson.isMember(member.name(), name)) {
        if (member.value() instanceof Obj object) {
          merged.addAll(object.members());
        } else {
          merged.clear();
        }
      }
    }
    return new Obj(merged);
  }

  /** A member that is a list; no elements if it is absent or none. */
  public List<JsonValue> array(String name) {
    return get(name) instanceof Array array ? array.elements() : List.of();
  }

  /** The strings of a member that is a list; none if it is absent or no list. */
  public List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (JsonValue element : array(name)) {
      texts.add(element instanceof Text text ? text.text() : "");
    }
    return texts;
  }

  /** A member that is a string; empty if it is absent or none. */
  public String text(String name) {
    return get(name) instanceof Text text ? text.text() : "";
  }

  /** Sets a member. */
  public void set(String name, JsonValue value) {
    remove(name);
    members.add(new Member(name, value));
  }

  /** Sets a member to a string, or removes it if that is null or empty. */
  public void setUnlessEmpty(String name, @Nullable String text) {
    remove(name);
    if (text != null && !text.isEmpty()) {
      members.add(new Member(name, new Text(text)));
    }
  }

  /** Removes a member. */
  public void remove(String name) {
    members.removeIf(member -> GoJson.isMember(member.name(), name));
  }

  /** The object, its members sorted by name. */
  public Obj sorted() {
    return inOrder(Comparator.comparing(Member::name));
  }

  /** The object: the members called {@code first} in that order, then the others as they were. */
  public Obj withFirst(List<String> first) {
    return inOrder(
        Comparator.comparingInt(
            member -> {
              int index = first.indexOf(member.name());
              return index < 0 ? first.size() : index;
            }));
  }

  private Obj inOrder(Comparator<Member> order) {
    Map<String, Member> unique = new LinkedHashMap<>();
    members.forEach(member -> unique.put(member.name(), member));
    return new Obj(unique.values().stream().sorted(order).toList());
  }
}
