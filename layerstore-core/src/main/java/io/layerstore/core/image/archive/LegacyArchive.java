package io.layerstore.core.image.archive;

import io.layerstore.DiffId;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.Limits;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Platform;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.json.GoJson;
import io.layerstore.core.json.GoStruct;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.core.work.Interrupts;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code docker save} wrote before 1.10: no {@code manifest.json}, and images that are chains
 * of layers with a description each.
 *
 * <pre>
 * &lt;id>/json        the description of the image whose top layer this is, see {@link V1Image}
 * &lt;id>/layer.tar   the layer
 * repositories     {repository:{tag:id}}
 * </pre>
 *
 * <p>Every directory becomes an image, with the one below as its parent. Its configuration is made
 * from the descriptions as Docker up to 28 makes it, and so the image ids are the same, unless a
 * description has strings that are spelled with other escapes than Go's. What Docker 1.8.2 or
 * earlier wrote, or does not say who wrote it, is reduced to the members that Docker knows. Checked
 * against moby v20.10.24, {@code image/tarexport/load.go} and {@code image/v1/imagev1.go}.
 */
final class LegacyArchive {

  private static final String REPOSITORIES = "repositories";
  private static final String DESCRIPTION = "/json";
  private static final String LAYER = "/layer.tar";
  private static final String NO_TIME = "0001-01-01T00:00:00Z";

  /** From this version on, descriptions are taken with all their members. */
  private static final int[] COMPLETE_SINCE = {1, 8, 3};

  /** Members of a description that are none of a configuration. */
  private static final Set<String> LEFT_OUT =
      Set.of("id", "parent", "Size", "parent_id", "layer_id", "throwaway");

  private final Members members;
  private final @Nullable Platform asked;
  private final Limits limits;
  private final Map<String, Converted> converted = new HashMap<>();
  private final Map<String, DiffId> diffIds = new HashMap<>();
  private final List<String> order = new ArrayList<>();

  /** An image in the form of today. */
  private record Converted(
      ArchivedImage image, List<ArchivedLayer.Place> places, List<JsonValue> history) {}

  private LegacyArchive(Members members, @Nullable Platform asked, Limits limits) {
    this.members = members;
    this.asked = asked;
    this.limits = limits;
  }

  /** Whether the archive looks like one of this kind. */
  static boolean isOne(Members members) throws IOException {
    for (String name : members.rootNames()) {
      if (members.has(name + DESCRIPTION)) {
        return true;
      }
    }
    return false;
  }

  /**
   * What the archive has.
   *
   * @param asked the platform of which images are wanted; null for any
   */
  static Contents read(Members members, @Nullable Platform asked, Limits limits)
      throws IOException {
    return new LegacyArchive(members, asked, limits).read();
  }

  private Contents read() throws IOException {
    for (String id : members.rootNames()) {
      if (members.has(id + DESCRIPTION)) {
        convert(id);
      }
    }
    Map<String, List<ImageReference>> names = names();
    Contents.Builder contents = new Contents.Builder(asked);
    for (String id : order) {
      Converted image = converted.get(id);
      if (image != null) {
        contents.add(image.image().withReferences(names.getOrDefault(id, List.of())));
      }
    }
    return contents.build();
  }

  /** Converts an image after those below it. */
  private void convert(String top) throws IOException {
    Set<String> chain = new LinkedHashSet<>();
    String id = top;
    while (!id.isEmpty() && !converted.containsKey(id)) {
      if (!chain.add(id)) {
        throw new InvalidImageException(
            "invalid archive: the image " + ArchiveText.quoted(id) + " is its own ancestor");
      }
      if (chain.size() > LayerStore.MAX_DEPTH) {
        throw new MaxDepthExceededException(LayerStore.MAX_DEPTH);
      }
      requireOneName(id);
      id = description(id).text("parent");
    }
    List<String> bottomUp = new ArrayList<>(chain);
    for (int i = bottomUp.size() - 1; i >= 0; i--) {
      String below = i == bottomUp.size() - 1 ? id : bottomUp.get(i + 1);
      converted.put(bottomUp.get(i), convert(bottomUp.get(i), converted.get(below)));
      order.add(bottomUp.get(i));
    }
  }

  private static void requireOneName(String id) throws InvalidImageException {
    if (id.indexOf('/') >= 0 || id.equals(".") || id.equals("..")) {
      throw new InvalidImageException(
          "invalid archive: " + ArchiveText.quoted(id) + " is not the id of an image");
    }
  }

  private byte[] descriptionBytes(String id) throws IOException {
    return members.document(id + DESCRIPTION, Contents.MAX_DOCUMENT_BYTES);
  }

  private GoStruct description(String id) throws IOException {
    return GoStruct.strict("the description of " + ArchiveText.quoted(id), descriptionBytes(id));
  }

  private Converted convert(String id, @Nullable Converted below) throws IOException {
    JsonValue description =
        GoStruct.parse("the description of " + ArchiveText.quoted(id), descriptionBytes(id));
    String path = id + LAYER;
    List<DiffId> chain = new ArrayList<>();
    List<ArchivedLayer.Place> places = new ArrayList<>();
    List<JsonValue> history = new ArrayList<>();
    if (below != null) {
      chain.addAll(below.image().config().diffIds());
      places.addAll(below.places());
      history.addAll(below.history());
    }
    chain.add(diffId(path));
    places.add(new ArchivedLayer.Place(path, null));
    history.add(step(description));
    ArchivedImage image =
        ArchivedImage.of(
            config(description, chain, history),
            places,
            List.of(),
            below == null ? null : below.image().id());
    return new Converted(image, places, history);
  }

  /** The diff ID of a layer, for which it is read once more than it is unpacked. */
  private DiffId diffId(String path) throws IOException {
    Blob blob = members.find(path);
    if (blob == null) {
      throw new MissingMemberException(path);
    }
    String place = members.place(path).path();
    DiffId known = diffIds.get(place);
    if (known == null) {
      DigestStream hash = new DigestStream(OutputStream.nullOutputStream());
      try (InputStream in = blob.open();
          DecompressedStream plain = Decompression.open(in, limits)) {
        plain.transferTo(hash);
      }
      Interrupts.check("reading the image archive");
      known = new DiffId(hash.digest());
      diffIds.put(place, known);
    }
    return known;
  }

  private static byte[] config(
      JsonValue description, List<DiffId> diffIds, List<JsonValue> history) {
    JsonValue kept = isComplete(description) ? description : V1Image.of(description).toJson();
    Map<String, JsonValue> sorted = new TreeMap<>();
    if (kept instanceof Obj object) {
      for (Member member : object.members()) {
        sorted.put(member.name(), member.value());
      }
    }
    sorted.keySet().removeAll(LEFT_OUT);
    sorted.computeIfPresent(
        "created", (name, time) -> time instanceof JsonValue.Null ? new Text(NO_TIME) : time);
    Obj rootFs =
        new Obj(
            List.of(
                new Member("type", new Text("layers")),
                new Member(
                    "diff_ids", Array.ofTexts(diffIds.stream().map(DiffId::toString).toList()))));
    sorted.put("rootfs", rootFs);
    sorted.put("history", new Array(history));
    return V1Image.object(sorted).toBytes();
  }

  /** Whether a version wrote the description whose unknown members mean something. */
  private static boolean isComplete(JsonValue description) {
    String[] parts = text(description, "docker_version").split("\\.", -1);
    for (int i = 0; i < COMPLETE_SINCE.length; i++) {
      int part = i < parts.length ? number(parts[i]) : 0;
      if (part != COMPLETE_SINCE[i]) {
        return part > COMPLETE_SINCE[i];
      }
    }
    return true;
  }

  /** As Docker compares versions: what is no number is 0. */
  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static String text(JsonValue object, String name) {
    String text = "";
    if (object instanceof Obj members) {
      for (Member member : members.members()) {
        if (GoJson.isMember(member.name(), name) && member.value() instanceof Text value) {
          text = value.text();
        }
      }
    }
    return text;
  }

  private static JsonValue step(JsonValue description) {
    JsonValue image = V1Image.of(description).toJson();
    String created = text(image, "created");
    List<Member> members = new ArrayList<>();
    members.add(new Member("created", new Text(created.isEmpty() ? NO_TIME : created)));
    addUnlessEmpty(members, "author", text(image, "author"));
    addUnlessEmpty(members, "created_by", command(image));
    addUnlessEmpty(members, "comment", text(image, "comment"));
    return new Obj(members);
  }

  private static void addUnlessEmpty(List<Member> members, String name, String text) {
    if (!text.isEmpty()) {
      members.add(new Member(name, new Text(text)));
    }
  }

  private static String command(JsonValue image) {
    List<String> words = new ArrayList<>();
    if (value(image, "container_config") instanceof Obj run
        && value(run, "Cmd") instanceof Array array) {
      for (JsonValue word : array.elements()) {
        if (word instanceof Text text) {
          words.add(text.text());
        }
      }
    }
    return String.join(" ", words);
  }

  private static @Nullable JsonValue value(JsonValue object, String name) {
    if (object instanceof Obj members) {
      for (Member member : members.members()) {
        if (member.name().equals(name)) {
          return member.value();
        }
      }
    }
    return null;
  }

  private Map<String, List<ImageReference>> names() throws IOException {
    JsonValue document =
        GoStruct.parse(REPOSITORIES, members.document(REPOSITORIES, Contents.MAX_LIST_BYTES));
    Map<String, List<ImageReference>> names = new HashMap<>();
    if (!(document instanceof Obj repositories)) {
      throw new InvalidImageException(REPOSITORIES + " is not an object");
    }
    for (Member repository : repositories.members()) {
      if (!(repository.value() instanceof Obj tags)) {
        throw new InvalidImageException(REPOSITORIES + " has something other than tags");
      }
      for (Member tag : tags.members()) {
        if (!(tag.value() instanceof Text id) || !converted.containsKey(id.text())) {
          throw new InvalidImageException(
              "invalid target ID of the tag "
                  + ArchiveText.quoted(repository.name() + ":" + tag.name()));
        }
        names
            .computeIfAbsent(id.text(), i -> new ArrayList<>())
            .add(DockerArchive.reference(repository.name() + ":" + tag.name()));
      }
    }
    return names;
  }
}
