package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.Digest;
import io.layerstore.core.json.GoJson;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Bool;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Null;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The description that images had before they had a configuration of their own, as Go writes it.
 *
 * <pre>
 * image  = {"id":S?,"parent":S?,"comment":S?,"created":T,"container":S?,"container_config":run,"docker_version":S?,"author":S?,
 *           "config":run?,"architecture":S?,"variant":S?,"os":S?,"Size":N?}                 S? etc.: left out when empty
 * </pre>
 *
 * <p>Docker still derives the ids of the old layout from it, so the order of members, what is left
 * out, and what is {@code null} matter. Checked against moby v20.10.24 and v28.5, {@code
 * image.V1Image}, {@code container.Config} and {@code image/v1/imagev1.go}.
 */
final class V1Image {

  private static final Text EPOCH = new Text("1970-01-01T00:00:00Z");

  private enum Kind {
    TEXT,
    FLAG,
    NUMBER,
    /** A number that is left out when absent and not when 0. */
    OPTIONAL_NUMBER,
    TEXTS,
    COMMAND,
    NAMES,
    TEXT_MAP,
    TIME,
    RUN,
    OPTIONAL_RUN,
    HEALTH
  }

  /** A member of a Go struct. */
  private record Field(String name, Kind kind, boolean isOmittedIfEmpty) {}

  private static Field always(String name, Kind kind) {
    return new Field(name, kind, false);
  }

  private static Field optional(String name, Kind kind) {
    return new Field(name, kind, true);
  }

  private static final List<Field> IMAGE =
      List.of(
          optional("id", Kind.TEXT),
          optional("parent", Kind.TEXT),
          optional("comment", Kind.TEXT),
          always("created", Kind.TIME),
          optional("container", Kind.TEXT),
          always("container_config", Kind.RUN),
          optional("docker_version", Kind.TEXT),
          optional("author", Kind.TEXT),
          optional("config", Kind.OPTIONAL_RUN),
          optional("architecture", Kind.TEXT),
          optional("variant", Kind.TEXT),
          optional("os", Kind.TEXT),
          optional("Size", Kind.NUMBER));

  private static final List<Field> RUN =
      List.of(
          always("Hostname", Kind.TEXT),
          always("Domainname", Kind.TEXT),
          always("User", Kind.TEXT),
          always("AttachStdin", Kind.FLAG),
          always("AttachStdout", Kind.FLAG),
          always("AttachStderr", Kind.FLAG),
          optional("ExposedPorts", Kind.NAMES),
          always("Tty", Kind.FLAG),
          always("OpenStdin", Kind.FLAG),
          always("StdinOnce", Kind.FLAG),
          always("Env", Kind.TEXTS),
          always("Cmd", Kind.COMMAND),
          optional("Healthcheck", Kind.HEALTH),
          optional("ArgsEscaped", Kind.FLAG),
          always("Image", Kind.TEXT),
          always("Volumes", Kind.NAMES),
          always("WorkingDir", Kind.TEXT),
          always("Entrypoint", Kind.COMMAND),
          optional("NetworkDisabled", Kind.FLAG),
          optional("MacAddress", Kind.TEXT),
          always("OnBuild", Kind.TEXTS),
          always("Labels", Kind.TEXT_MAP),
          optional("StopSignal", Kind.TEXT),
          optional("StopTimeout", Kind.OPTIONAL_NUMBER),
          optional("Shell", Kind.COMMAND));

  private static final List<Field> HEALTH =
      List.of(
          optional("Test", Kind.TEXTS),
          optional("Interval", Kind.NUMBER),
          optional("Timeout", Kind.NUMBER),
          optional("StartPeriod", Kind.NUMBER),
          optional("Retries", Kind.NUMBER));

  private final Obj fields;

  private V1Image(Obj fields) {
    this.fields = fields;
  }

  /** What a configuration, or an old description, says of the image. */
  static V1Image of(JsonValue document) {
    return new V1Image(struct(IMAGE, document));
  }

  /** That of a layer below the top one, of which nothing is said. */
  static V1Image ofLowerLayer() {
    return of(new Obj(List.of(new Member("created", EPOCH))));
  }

  /** With the order of members of the Go struct. */
  JsonValue toJson() {
    return fields;
  }

  /** This image with another member, or without it for the empty text. */
  V1Image with(String name, String text) {
    List<Member> members = new ArrayList<>();
    for (Field field : IMAGE) {
      if (field.name().equals(name)) {
        if (!text.isEmpty()) {
          members.add(new Member(name, new Text(text)));
        }
      } else {
        for (Member member : fields.members()) {
          if (member.name().equals(field.name())) {
            members.add(member);
          }
        }
      }
    }
    return new V1Image(new Obj(members));
  }

  /**
   * The id of the old layout.
   *
   * @param layer the chain ID of the image's top layer
   * @param parent the id of the image below, or null
   */
  Digest id(ChainId layer, @Nullable Digest parent) {
    Map<String, JsonValue> sorted = new TreeMap<>();
    for (Member member : with("id", "").fields.members()) {
      sorted.put(member.name(), member.value());
    }
    sorted.put("layer_id", new Text(layer.toString()));
    if (parent != null) {
      sorted.put("parent", new Text(parent.toString()));
    }
    return Digest.sha256Of(object(sorted).toBytes());
  }

  /** An object with these members, in their order. */
  static Obj object(Map<String, ? extends JsonValue> members) {
    List<Member> list = new ArrayList<>();
    members.forEach((name, value) -> list.add(new Member(name, value)));
    return new Obj(list);
  }

  private static Obj struct(List<Field> fields, @Nullable JsonValue value) {
    List<Member> members = new ArrayList<>();
    for (Field field : fields) {
      JsonValue given = value instanceof Obj object ? last(object, field.name()) : null;
      JsonValue written = written(field.kind(), given);
      if (!field.isOmittedIfEmpty() || !isEmpty(field.kind(), written)) {
        members.add(new Member(field.name(), written));
      }
    }
    return new Obj(members);
  }

  private static @Nullable JsonValue last(Obj object, String name) {
    JsonValue value = null;
    for (Member member : object.members()) {
      if (GoJson.isMember(member.name(), name)) {
        value = member.value();
      }
    }
    return value instanceof Null ? null : value;
  }

  private static boolean isEmpty(Kind kind, JsonValue value) {
    return value instanceof Null
        || (value instanceof Text text && text.text().isEmpty() && kind != Kind.TIME)
        || (value instanceof Bool flag && !flag.isTrue())
        || (value instanceof Num number
            && number.literal().equals("0")
            && kind != Kind.OPTIONAL_NUMBER)
        || (value instanceof Array array && array.elements().isEmpty())
        || (value instanceof Obj object && object.members().isEmpty() && kind == Kind.NAMES);
  }

  private static JsonValue written(Kind kind, @Nullable JsonValue given) {
    return switch (kind) {
      case TEXT -> given == null ? new Text("") : given;
      case FLAG -> given == null ? new Bool(false) : given;
      case NUMBER -> given == null ? new Num("0") : given;
      case OPTIONAL_NUMBER -> given == null ? new JsonValue.Null() : given;
      case TEXTS -> given == null ? new JsonValue.Null() : texts(given);
      case COMMAND ->
          given == null
              ? new JsonValue.Null()
              : given instanceof Text ? new Array(List.of(given)) : texts(given);
      case NAMES -> given == null ? new JsonValue.Null() : sorted(given, Obj.EMPTY);
      case TEXT_MAP -> given == null ? new JsonValue.Null() : sorted(given, null);
      case TIME -> given instanceof Text text ? new Text(time(text.text())) : new JsonValue.Null();
      case RUN -> struct(RUN, given);
      case OPTIONAL_RUN -> given == null ? new JsonValue.Null() : struct(RUN, given);
      case HEALTH -> given == null ? new JsonValue.Null() : struct(HEALTH, given);
    };
  }

  private static JsonValue texts(JsonValue given) {
    List<JsonValue> texts = new ArrayList<>();
    if (given instanceof Array array) {
      for (JsonValue element : array.elements()) {
        texts.add(element instanceof Null ? new Text("") : element);
      }
    }
    return new Array(texts);
  }

  /** A map as Go writes it: by name, each once. */
  private static JsonValue sorted(JsonValue given, @Nullable JsonValue value) {
    Map<String, JsonValue> sorted = new TreeMap<>();
    if (given instanceof Obj object) {
      for (Member member : object.members()) {
        JsonValue own = member.value() instanceof Null ? new Text("") : member.value();
        sorted.put(member.name(), value == null ? own : value);
      }
    }
    return object(sorted);
  }

  /** Go trims the zeros at the end of a fraction, and keeps the zone. */
  private static String time(String text) {
    int dot = text.indexOf('.');
    if (dot < 0) {
      return text;
    }
    int end = dot + 1;
    while (end < text.length() && Character.isDigit(text.charAt(end))) {
      end++;
    }
    int last = Math.min(end, dot + 10);
    while (last > dot + 1 && text.charAt(last - 1) == '0') {
      last--;
    }
    return (text.substring(0, last == dot + 1 ? dot : last) + text.substring(end))
        .toUpperCase(Locale.ROOT);
  }
}
