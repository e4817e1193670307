package io.layerstore.testing;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Layer archives that a seed stands for: few names, so that layers hide, replace, delete and merge
 * what is in those below, in every combination sooner or later.
 *
 * <p>Nearly all of them can be registered; a driver may refuse one, such as for a hard link to what
 * only a layer below has.
 */
public final class RandomLayers {

  private static final String NAMES = "abcd";
  private static final int MAX_LAYERS = 6;
  private static final int MAX_ENTRIES = 24;
  private static final int MAX_DEPTH = 3;

  private final Random random;
  private final List<String> filesBefore = new ArrayList<>();

  private RandomLayers(long seed) {
    this.random = new Random(seed);
  }

  /** The layers of {@code seed}, the lowest first. */
  public static List<byte[]> of(long seed) {
    RandomLayers layers = new RandomLayers(seed);
    List<byte[]> archives = new ArrayList<>();
    int count = 1 + layers.random.nextInt(MAX_LAYERS);
    for (int i = 0; i < count; i++) {
      archives.add(layers.layer());
    }
    return archives;
  }

  private byte[] layer() {
    TarBuilder tar = new TarBuilder();
    Map<String, Character> types = new HashMap<>();
    List<String> files = new ArrayList<>();
    int count = 1 + random.nextInt(MAX_ENTRIES);
    for (int i = 0; i < count; i++) {
      String path = path();
      if (!isReachable(path, types)) {
        continue;
      }
      char type = add(tar, path, types, files);
      types.put(path, type);
      if (type != 'd' && type != 'w') {
        types.keySet().removeIf(other -> other.startsWith(path + "/"));
        files.removeIf(file -> file.startsWith(path + "/") || file.equals(path));
      }
      if (type == 'f') {
        files.add(path);
      }
    }
    filesBefore.addAll(files);
    return tar.end().toBytes();
  }

  private String path() {
    StringBuilder path = new StringBuilder();
    int depth = 1 + random.nextInt(MAX_DEPTH);
    for (int i = 0; i < depth; i++) {
      path.append(i == 0 ? "" : "/").append(NAMES.charAt(random.nextInt(NAMES.length())));
    }
    return path.toString();
  }

  /** Whether nothing on the way is known to be no directory. */
  private static boolean isReachable(String path, Map<String, Character> types) {
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      char type = types.getOrDefault(path.substring(0, slash), 'd');
      if (type != 'd' && type != 'w') {
        return false;
      }
    }
    return true;
  }

  private char add(TarBuilder tar, String path, Map<String, Character> types, List<String> files) {
    int kind = random.nextInt(20);
    if (kind < 5) {
      tar.header(attributes(TarHeaderBlock.directory(path + "/")));
      return 'd';
    }
    if (kind < 11) {
      if (random.nextInt(4) == 0) {
        tar.pax("SCHILY.xattr.user." + NAMES.charAt(random.nextInt(4)), "v" + random.nextInt(9));
      }
      tar.file(attributes(TarHeaderBlock.named(path)), "content " + random.nextInt(1000));
      return 'f';
    }
    if (kind < 13) {
      String target = (random.nextBoolean() ? "/" : "") + path();
      tar.header(attributes(TarHeaderBlock.symlink(path, target)).mode(0777));
      return 'l';
    }
    if (kind < 15) {
      List<String> targets = random.nextInt(8) == 0 ? filesBefore : files;
      if (!targets.isEmpty()) {
        String target = targets.get(random.nextInt(targets.size()));
        if (!target.equals(path) && !target.startsWith(path + "/")) {
          tar.header(attributes(TarHeaderBlock.hardLink(path, target)));
          return 'f';
        }
      }
    }
    if (kind < 17) {
      int slash = path.lastIndexOf('/') + 1;
      tar.file(path.substring(0, slash) + ".wh." + path.substring(slash), "");
      return types.getOrDefault(path, 'w');
    }
    if (kind < 19) {
      char before = types.getOrDefault(path, 'd');
      if (before == 'd' || before == 'w') {
        tar.file(path + "/.wh..wh..opq", "");
        return 'd';
      }
    }
    tar.header(attributes(TarHeaderBlock.named(path).type('6')));
    return 'p';
  }

  private TarHeaderBlock attributes(TarHeaderBlock header) {
    return header
        .mode(0400 | random.nextInt(010000))
        .uid(random.nextInt(3))
        .gid(random.nextInt(3) * 1000L)
        .modified(1_000_000_000L + random.nextInt(1_000_000));
  }
}
