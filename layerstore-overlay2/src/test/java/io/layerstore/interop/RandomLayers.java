package io.layerstore.interop;

import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * A chain of layer archives that a seed gives: entries of every type but sockets with any
 * attributes, with and without entries for their directories, replacements, deletions.
 *
 * <p>Left out is what dockerd refuses (a name twice, a deletion of a name that the layer has, paths
 * through links), a deletion that deletes nothing, which the driver does not keep, and what {@link
 * LayersInDockerTest} shows the differences of.
 */
final class RandomLayers {

  private static final int ENTRIES = 40;
  private static final int LONGEST_PATH = 4;
  private static final long LAST_SECOND = Long.MAX_VALUE / 1_000_000_000 - 1;
  private static final List<Integer> MODES =
      List.of(0644, 0755, 0, 0777, 0400, 02755, 02775, 04755, 01777, 06711, 07777);
  private static final List<Integer> IDS = List.of(0, 0, 0, 1, 50, 1000, 65_534, 3_000_000);

  private final Random random;

  /** Whether each path of the chain so far is a directory. */
  private final TreeMap<String, Boolean> below = new TreeMap<>();

  /** The same of the layer that is being made; a deletion is no directory. */
  private final Map<String, Boolean> here = new HashMap<>();

  private final Set<String> written = new HashSet<>();
  private final Set<String> opaque = new HashSet<>();
  private final Set<String> deleted = new HashSet<>();
  private final List<String> linkable = new ArrayList<>();

  RandomLayers(long seed) {
    random = new Random(seed);
  }

  /** The next layer of the chain. */
  byte[] next() {
    TarBuilder tar = new TarBuilder();
    here.clear();
    written.clear();
    opaque.clear();
    deleted.clear();
    linkable.clear();
    for (int i = 0; i < ENTRIES; i++) {
      add(tar, path());
    }
    here.keySet().forEach(this::removeReplaced);
    below.putAll(here);
    below.keySet().removeAll(deleted);
    return tar.end().toBytes();
  }

  private String path() {
    StringBuilder path = new StringBuilder();
    for (int i = random.nextInt(LONGEST_PATH); i >= 0; i--) {
      path.append(path.isEmpty() ? "" : "/").append("abcd".charAt(random.nextInt(4)));
    }
    return path.toString();
  }

  private void add(TarBuilder tar, String path) {
    boolean isDirectory = random.nextInt(3) == 0;
    if (!isPossible(path, isDirectory)) {
      return;
    }
    int kind = random.nextInt(12);
    if (isDirectory) {
      attributes(tar, "user.note", "of a directory");
      tar.header(owned(TarHeaderBlock.directory(path + "/").mode(mode())));
      boolean hasDeletions = deleted.stream().anyMatch(other -> other.startsWith(path + "/"));
      if (kind < 2 && !hasDeletions) {
        opaque.add(path);
        tar.file(path + "/.wh..wh..opq", "");
      }
    } else if (kind < 3) {
      if (!canDelete(path)) {
        return;
      }
      int name = path.lastIndexOf('/') + 1;
      tar.file(path.substring(0, name) + ".wh." + path.substring(name), "");
      deleted.add(path);
    } else if (kind == 3 && !linkable.isEmpty()) {
      attributes(tar, "user.note", "of a link");
      String target = linkable.get(random.nextInt(linkable.size()));
      tar.header(owned(TarHeaderBlock.hardLink(path, target).mode(mode())));
    } else {
      node(tar, path, kind);
    }
    note(path, isDirectory);
  }

  private void node(TarBuilder tar, String path, int kind) {
    switch (kind) {
      case 4 -> {
        attributes(tar, "trusted.note", "of a symbolic link");
        tar.header(owned(TarHeaderBlock.symlink(path, "../a/" + random.nextInt(9))));
      }
      case 5 -> {
        attributes(tar, "trusted.note", "of a pipe");
        tar.header(owned(TarHeaderBlock.named(path).type('6').mode(mode())));
        linkable.add(path);
      }
      case 6 -> {
        attributes(tar, "trusted.note", "of a device");
        tar.header(owned(TarHeaderBlock.named(path).type('3').mode(mode()).device(1, 3)));
      }
      case 7 -> {
        // cap_net_raw+ep in revision 2, whose bytes are text in UTF-8.
        attributes(tar, "security.capability", "\1\0\0\2\0\40" + "\0".repeat(14));
        tar.file(owned(TarHeaderBlock.named(path).mode(mode())), "capable");
      }
      default -> {
        attributes(tar, "user.note", "of a file");
        tar.file(owned(TarHeaderBlock.named(path).mode(mode())), "x".repeat(random.nextInt(99)));
        linkable.add(path);
      }
    }
  }

  /** Whether the layer can have this as well. */
  private boolean isPossible(String path, boolean isDirectory) {
    if (written.contains(path) || (!isDirectory && here.containsKey(path))) {
      return false;
    }
    for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      if (!here.getOrDefault(path.substring(0, end), true)) {
        return false;
      }
    }
    return true;
  }

  /** Whether the layers below show the path, and this one does not hide it otherwise. */
  private boolean canDelete(String path) {
    for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      String parent = path.substring(0, end);
      if (opaque.contains(parent) || !below.getOrDefault(parent, false)) {
        return false;
      }
    }
    return below.containsKey(path);
  }

  private void note(String path, boolean isDirectory) {
    for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      here.put(path.substring(0, end), true);
    }
    here.put(path, isDirectory);
    written.add(path);
  }

  /** Removes what is below no longer, because of a path of this layer. */
  private void removeReplaced(String path) {
    boolean isMerged = here.get(path) && below.getOrDefault(path, false);
    if (!isMerged) {
      below.remove(path);
    }
    if (!isMerged || opaque.contains(path)) {
      below.subMap(path + "/", path + "0").clear();
    }
  }

  private void attributes(TarBuilder tar, String xattr, String value) {
    List<String> records = new ArrayList<>();
    if (random.nextBoolean()) {
      records.addAll(
          List.of("mtime", random.nextLong(LAST_SECOND) + "." + random.nextInt(999_999_999)));
    }
    if (random.nextBoolean()) {
      records.addAll(List.of("SCHILY.xattr." + xattr, value));
    }
    if (!records.isEmpty()) {
      tar.pax(records.toArray(String[]::new));
    }
  }

  private TarHeaderBlock owned(TarHeaderBlock header) {
    return header.uid(IDS.get(random.nextInt(IDS.size()))).gid(IDS.get(random.nextInt(IDS.size())));
  }

  private int mode() {
    return MODES.get(random.nextInt(MODES.size()));
  }
}
