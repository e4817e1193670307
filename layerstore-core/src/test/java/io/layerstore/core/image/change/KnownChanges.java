package io.layerstore.core.image.change;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Bool;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What {@code docker import --change} of Docker 20.10.24 makes of changes: for each line of
 * changes, with a bar for a newline, the configuration or that it is refused.
 */
final class KnownChanges {

  static final String REFUSED = "refused";

  private static final String ARROW = "  ->  ";

  private KnownChanges() {}

  static Map<String, String> all() throws IOException {
    Map<String, String> known = new TreeMap<>();
    try (InputStream in = KnownChanges.class.getResourceAsStream("changes-of-docker.txt")) {
      new String(in.readAllBytes(), UTF_8)
          .lines()
          .forEach(
              line -> {
                int arrow = line.indexOf(ARROW);
                known.put(line.substring(0, arrow), line.substring(arrow + ARROW.length()));
              });
    }
    return known;
  }

  static String linesOf(String changes) {
    return changes.replace('|', '\n');
  }

  /** The configuration without members that say nothing, which Docker writes, sorted. */
  static String normalized(JsonValue config) {
    Map<String, JsonValue> members = new TreeMap<>();
    if (config instanceof Obj object) {
      for (Member member : object.members()) {
        if (!isEmpty(member.value())) {
          members.put(member.name(), member.value());
        }
      }
    }
    List<Member> sorted = new ArrayList<>();
    members.forEach((name, value) -> sorted.add(new Member(name, value)));
    return new String(new Obj(sorted).toBytes(), UTF_8);
  }

  private static boolean isEmpty(JsonValue value) {
    return value instanceof Null
        || (value instanceof Text text && text.text().isEmpty())
        || (value instanceof Bool bool && !bool.isTrue())
        || (value instanceof Num number && number.literal().equals("0"))
        || (value instanceof Array array && array.elements().isEmpty())
        || (value instanceof Obj object && object.members().isEmpty());
  }
}
