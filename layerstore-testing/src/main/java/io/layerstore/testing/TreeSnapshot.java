package io.layerstore.testing;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.opentest4j.AssertionFailedError;

/**
 * A whole tree as a value: the path of each entry with one line of text that says all there is to
 * know about it, content included.
 *
 * <p>A failed comparison prints both trees as one diff.
 */
public final class TreeSnapshot {

  /** Stands for a time that is not known, and equals any. */
  private static final String ANY_TIME = "any-time";

  private static final Pattern OWNER = Pattern.compile("^([A-Z_]+ [0-7]*) [0-9]+:[0-9]+");
  private static final Pattern TRUSTED_XATTR = Pattern.compile(" trusted\\.[^ =]*=[0-9a-f]*");

  private final NavigableMap<LayerPath, Line> lines;

  /** What is known of an entry. */
  private record Line(String facts, String time) {

    boolean isDevice() {
      return facts.startsWith(EntryType.BLOCK_DEVICE + " ")
          || facts.startsWith(EntryType.CHARACTER_DEVICE + " ");
    }

    Line asKept(DriverTraits traits) {
      String kept = facts;
      if (!traits.keepsOwners()) {
        kept = OWNER.matcher(kept).replaceFirst("$1 0:0");
      }
      if (!traits.keepsXattrs()) {
        kept = TRUSTED_XATTR.matcher(kept).replaceAll("");
      }
      return new Line(kept, time);
    }

    boolean matches(Line other) {
      return facts.equals(other.facts)
          && (time.equals(other.time) || time.equals(ANY_TIME) || other.time.equals(ANY_TIME));
    }

    @Override
    public String toString() {
      return facts + " " + time;
    }
  }

  private TreeSnapshot(NavigableMap<LayerPath, Line> lines) {
    this.lines = lines;
  }

  static TreeSnapshot of(TreeModel model) {
    try {
      return of(model.tree(), model::hasKnownTime);
    } catch (IOException e) {
      throw new AssertionError("a model does not fail", e);
    }
  }

  /** What is left of it in the files of a driver that keeps no more than {@code traits} says. */
  TreeSnapshot asKept(DriverTraits traits) {
    NavigableMap<LayerPath, Line> kept = new TreeMap<>();
    lines.forEach(
        (path, line) -> {
          if (traits.keepsDevices() || !line.isDevice()) {
            kept.put(path, line.asKept(traits));
          }
        });
    return new TreeSnapshot(kept);
  }

  /** The layer {@code id}, merged with those below. */
  public static TreeSnapshot of(GraphDriver driver, String id) throws IOException {
    try (LayerTree tree = driver.tree(id)) {
      return of(tree);
    }
  }

  /** All of {@code tree}; it is not closed. */
  public static TreeSnapshot of(LayerTree tree) throws IOException {
    return of(tree, path -> true);
  }

  private static TreeSnapshot of(LayerTree tree, Predicate<LayerPath> hasKnownTime)
      throws IOException {
    NavigableMap<LayerPath, Node> nodes = new TreeMap<>();
    Deque<Node> directories = new ArrayDeque<>();
    Node root =
        tree.find(LayerPath.ROOT).orElseThrow(() -> new AssertionFailedError("no root in tree"));
    directories.add(root);
    nodes.put(LayerPath.ROOT, root);
    for (Node directory = directories.poll(); directory != null; directory = directories.poll()) {
      for (Node node : tree.list(directory.entry().path())) {
        nodes.put(node.entry().path(), node);
        if (node.entry().type() == EntryType.DIRECTORY) {
          directories.add(node);
        }
      }
    }
    Map<Object, LayerPath> firstNames = new HashMap<>();
    NavigableMap<LayerPath, Line> lines = new TreeMap<>();
    for (Map.Entry<LayerPath, Node> entry : nodes.entrySet()) {
      Node node = entry.getValue();
      LayerPath first = firstNames.putIfAbsent(node.fileId(), entry.getKey());
      String sharing =
          first == null || node.entry().type() == EntryType.DIRECTORY ? "" : " same-as:" + first;
      String time =
          hasKnownTime.test(entry.getKey())
              ? node.entry().attributes().modified().toString()
              : ANY_TIME;
      lines.put(entry.getKey(), new Line(facts(tree, node) + sharing, time));
    }
    return new TreeSnapshot(lines);
  }

  private static String facts(LayerTree tree, Node node) throws IOException {
    TreeEntry entry = node.entry();
    Attributes attributes = entry.attributes();
    StringBuilder facts = new StringBuilder();
    facts.append(entry.type()).append(' ');
    if (entry.type() != EntryType.SYMLINK) {
      // What permission bits a symbolic link has depends on the file system; nothing looks at them.
      facts.append(String.format("%04o", attributes.mode()));
    }
    facts.append(' ').append(attributes.uid()).append(':').append(attributes.gid());
    if (entry.type() == EntryType.FILE) {
      facts.append(" size:").append(entry.sizeBytes()).append(" sha256:");
      facts.append(hash(tree, node));
    }
    if (entry.linkText() != null) {
      facts.append(" ->").append(entry.linkText());
    }
    if (entry.device() != null) {
      facts.append(' ').append(entry.device().major());
      facts.append(':').append(entry.device().minor());
    }
    List<Xattr> xattrs =
        attributes.xattrs().stream().sorted(Comparator.comparing(Xattr::name)).toList();
    for (Xattr xattr : xattrs) {
      facts.append(' ').append(xattr.name()).append('=').append(hex(xattr.value()));
    }
    return facts.toString();
  }

  private static String hash(LayerTree tree, Node node) throws IOException {
    try (InputStream content = tree.open(node)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[8192];
      for (int n = content.read(buffer); n >= 0; n = content.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }

  /** Fails with a diff of both trees unless they are equal. */
  public void assertSameAs(TreeSnapshot actual) {
    StringBuilder diff = new StringBuilder();
    boolean isSame = true;
    Set<LayerPath> paths = new TreeSet<>(lines.keySet());
    paths.addAll(actual.lines.keySet());
    for (LayerPath path : paths) {
      Line wanted = lines.get(path);
      Line found = actual.lines.get(path);
      if (wanted != null && found != null && wanted.matches(found)) {
        diff.append("  /").append(path).append(' ').append(found).append('\n');
        continue;
      }
      isSame = false;
      if (wanted != null) {
        diff.append("- /").append(path).append(' ').append(wanted).append('\n');
      }
      if (found != null) {
        diff.append("+ /").append(path).append(' ').append(found).append('\n');
      }
    }
    if (!isSame) {
      throw new AssertionFailedError(
          "the trees differ (- expected, + actual):\n" + diff, this, actual);
    }
  }

  /** Fails with a diff unless the layer {@code id} shows exactly this. */
  public void assertShownBy(GraphDriver driver, String id) throws IOException {
    assertSameAs(of(driver, id));
  }

  /** The paths of all entries but the root, as text. */
  public List<String> paths() {
    return lines.keySet().stream().filter(path -> !path.isRoot()).map(LayerPath::toString).toList();
  }

  /** Equal if the text is; a time that is not known equals only itself here. */
  @Override
  public boolean equals(Object other) {
    return other instanceof TreeSnapshot that && lines.equals(that.lines);
  }

  @Override
  public int hashCode() {
    return Objects.hash(lines);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    lines.forEach(
        (path, line) -> text.append('/').append(path).append(' ').append(line).append('\n'));
    return text.toString();
  }
}
