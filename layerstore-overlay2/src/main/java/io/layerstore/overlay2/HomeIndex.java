package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.FileStamp;
import io.layerstore.driver.LayerIndex;
import io.layerstore.driver.LayerIndex.Entry;
import io.layerstore.driver.ManyLooks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which layers in a home are as they were when they were last looked at closely, and nothing was
 * wrong with them: nothing was left in their directories, and they had their names and those of the
 * layers below.
 */
final class HomeIndex {

  /** The bit of an entry that says whether there is a file {@code lower}. */
  private static final int HAS_LOWER = 1;

  private static final String LOWER = "lower";

  /** What a layer at rest can have; anything else is looked at each time. */
  private static final Set<String> AT_REST = Set.of("diff", "link", LOWER, "work", "committed");

  private final LayerDirectories layers;
  private final Overlay2Layout layout;
  private final LayerIndex index;
  private final List<String> names;
  private final Set<String> unchanged = ConcurrentHashMap.newKeySet();
  private final Map<String, Found> inOrder = new ConcurrentHashMap<>();
  private final Set<String> untidy = ConcurrentHashMap.newKeySet();
  private final Set<String> unnamed = ConcurrentHashMap.newKeySet();

  /**
   * What a look at a layer found that was in order by itself; not yet whether it is on its parent.
   *
   * @param stamp empty if a later change would not show
   */
  private record Found(String link, int parts, OptionalLong stamp) {

    static Found of(Entry entry) {
      return new Found(linkOf(entry), entry.parts(), OptionalLong.of(entry.stamp()));
    }
  }

  private HomeIndex(LayerDirectories layers) throws LayerStoreException {
    this.layers = layers;
    this.layout = layers.layout();
    this.index = LayerIndex.read(layout.home());
    this.names = layers.names();
    ManyLooks.forEach(names, this::look);
  }

  /** Compares the layers in the home with what was noted of them. */
  static HomeIndex look(LayerDirectories layers) throws LayerStoreException {
    return new HomeIndex(layers);
  }

  private void look(String id) {
    Entry entry = index.find(id);
    if (entry != null && isUnchanged(id, entry)) {
      unchanged.add(id);
    } else if (layers.exists(id)) {
      lookClosely(id);
    }
  }

  private void lookClosely(String id) {
    boolean isAtRest = false;
    boolean isNamed = false;
    try {
      // Each before it is read: what changes meanwhile has another stamp the next time.
      FileStamp stamp = new FileStamp();
      stamp.add(layout.layer(id));
      Set<String> files = files(id);
      isAtRest = AT_REST.containsAll(files);
      stamp.add(layout.linkFile(id));
      String link = layers.link(id);
      if (link != null) {
        stamp.add(layout.link(link));
        isNamed = id.equals(layers.idOfLink(link));
        boolean hasLower = files.contains(LOWER);
        if (hasLower) {
          stamp.add(layout.lowerFile(id));
        }
        if (isAtRest && isNamed) {
          inOrder.put(id, new Found(link, hasLower ? HAS_LOWER : 0, stamp.settled()));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // What was not found to be in order is looked at again, and said if it is not.
    }
    if (!isAtRest) {
      untidy.add(id);
    }
    if (!isNamed) {
      unnamed.add(id);
    }
  }

  private boolean isUnchanged(String id, Entry entry) {
    try {
      return entry.stamp() == stamp(id, linkOf(entry), entry.parts() == HAS_LOWER).value();
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  /** The layers that have something in their directory that a layer at rest has not, sorted. */
  List<String> untidy() {
    return untidy.stream().sorted().toList();
  }

  /** The layers that have no name, or one that does not lead to them, sorted. */
  List<String> unnamed() {
    return unnamed.stream().sorted().toList();
  }

  /** Everything in the home that has a name that a layer can have, sorted. */
  List<String> names() {
    return names;
  }

  /**
   * Those of the layers with which nothing is wrong; notes them for the next time.
   *
   * @param parents for each the one below
   * @param isWritable whether the notes may be written
   */
  Set<String> intact(Map<String, Optional<String>> parents, boolean isWritable) {
    Set<String> intact = ConcurrentHashMap.newKeySet();
    ManyLooks.forEach(
        List.copyOf(parents.entrySet()),
        layer -> {
          String parent = layer.getValue().orElse(null);
          if (Overlay2Layout.isValid(layer.getKey()) && isIntact(layer.getKey(), parent)) {
            intact.add(layer.getKey());
          }
        });
    if (isWritable) {
      index.writeIfWorthIt();
    }
    return intact;
  }

  private boolean isIntact(String id, @Nullable String parent) {
    Entry entry = unchanged.contains(id) ? index.find(id) : null;
    if (entry != null
        && parentOf(entry).equals(parent == null ? "" : parent)
        && (parent == null || unchanged.contains(parent))) {
      index.keep(id);
      return true;
    }
    try {
      Found found = entry == null ? inOrder.get(id) : Found.of(entry);
      if (found == null || !layers.isDirectlyOn(id, parent)) {
        return layers.problem(id, parent).isEmpty();
      }
      if (found.stamp().isPresent()) {
        byte[] content = content(found.link(), parent);
        index.note(id, new Entry(found.parts(), found.stamp().getAsLong(), content));
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private FileStamp stamp(String id, String link, boolean hasLower) throws IOException {
    FileStamp stamp = new FileStamp();
    stamp.add(layout.layer(id));
    stamp.add(layout.linkFile(id));
    stamp.add(layout.link(link));
    if (hasLower) {
      stamp.add(layout.lowerFile(id));
    }
    return stamp;
  }

  private Set<String> files(String id) throws IOException {
    Set<String> files = new HashSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(layout.layer(id))) {
      entries.forEach(entry -> files.add(String.valueOf(entry.getFileName())));
    }
    return files;
  }

  // ---- content = link [ ":" parent ] ----

  private static byte[] content(String link, @Nullable String parent) {
    return (parent == null ? link : link + ":" + parent).getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String linkOf(Entry entry) {
    String content = new String(entry.content(), StandardCharsets.ISO_8859_1);
    int colon = content.indexOf(':');
    return colon < 0 ? content : content.substring(0, colon);
  }

  private static String parentOf(Entry entry) {
    String content = new String(entry.content(), StandardCharsets.ISO_8859_1);
    int colon = content.indexOf(':');
    return colon < 0 ? "" : content.substring(colon + 1);
  }
}
