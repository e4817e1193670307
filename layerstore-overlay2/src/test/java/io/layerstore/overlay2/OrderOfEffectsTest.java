package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The order in which a store changes its files, as the kernel sees it: that of dockerd 20.10, so
 * that a crash between any two steps leaves what dockerd leaves too, and knows how to start with.
 *
 * <p>One thing is ours: the record of a read-write layer is taken away before its files and not
 * after them, so that its name is free at once.
 */
final class OrderOfEffectsTest {

  private static final Pattern QUOTED = Pattern.compile("\"([^\"]*)\"");
  private static final Pattern LAYER = Pattern.compile("overlay2/([0-9a-f]{64})((?:/[a-z]+)?)");
  private static final Pattern NAME = Pattern.compile("overlay2/l/([A-Z2-7]{26})");
  private static final Pattern RECORD =
      Pattern.compile("image/overlay2/layerdb/sha256/([0-9a-f]{64})");
  private static final Pattern REMOVED_BY_HELPER =
      Pattern.compile("unlinkat\\(\\d+<[^>]*/overlay2>, \"([0-9a-f]{64})\", AT_REMOVEDIR");

  @TempDir Path directory;

  @BeforeEach
  void requireTracer() throws Exception {
    Overlay2Testing.assumeSupported(directory);
    assumeTrue(
        Tool.require("strace").attempt("-f", "-y", "true").status() == 0,
        "strace may not trace here");
  }

  /** What is traced: two layers, a read-write layer on them, and the end of all three. */
  static final class Work {
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      try (LayerStore store = LayerStore.builder(root).driver("overlay2").open()) {
        ChainId none = null;
        Layer base = store.register(new TarBuilder().file("a", "1").end().toStream(), none);
        Layer top =
            store.register(new TarBuilder().file("b", "2").end().toStream(), base.chainId());
        store.release(base);
        RWLayer rw = store.createRWLayer("rw", top.chainId());
        store.releaseRWLayer(rw);
        store.release(top);
      }
    }
  }

  @Test
  void everyOperation_traced_isInTheOrderOfDocker() throws Exception {
    Path root = directory.resolve("store");
    Path trace = directory.resolve("trace");
    ChildJvm.runUnder(
        Tool.require("strace"),
        List.of(
            "-f",
            "-y",
            "-s",
            "4096",
            "-o",
            trace,
            "-e",
            "trace=/^(mkdir|symlink|rename|unlink|rmdir)"),
        Work.class,
        root);
    List<String> expected =
        List.of(
            // a layer without a parent
            "make layer1",
            "make layer1/diff",
            "make name1",
            "write layer1/link",
            "record layer1",
            // a layer on top of it
            "make layer2",
            "make layer2/diff",
            "make name2",
            "write layer2/link",
            "make layer2/work",
            "write layer1/committed",
            "write layer2/lower",
            "record layer2",
            // a read-write layer
            "make layer3",
            "make layer3/diff",
            "make name3",
            "write layer3/link",
            "make layer3/work",
            "write layer2/committed",
            "write layer3/lower",
            "record rw",
            // its end
            "unrecord rw",
            "delete name3",
            "delete layer3",
            // the end of the layers, the upper one first
            "unrecord layer2",
            "delete name2",
            "delete layer2",
            "forget layer2",
            "unrecord layer1",
            "delete name1",
            "delete layer1",
            "forget layer1");
    assertEquals(expected, new Effects(root.toString() + "/").of(trace));
  }

  /** Reads a trace. */
  private static final class Effects {
    private final String root;
    private final Map<String, String> names = new LinkedHashMap<>();
    private final List<String> effects = new ArrayList<>();
    private int layers;
    private int links;
    private int records;

    Effects(String root) {
      this.root = root;
    }

    List<String> of(Path trace) throws IOException {
      for (String line : Files.readAllLines(trace, StandardCharsets.ISO_8859_1)) {
        String effect = line.contains(" = -1 EEXIST") ? null : effect(line);
        // What cannot be deleted because it is not empty is tried again.
        if (effect != null
            && !(!effects.isEmpty()
                && effect.startsWith("delete layer")
                && effects.contains(effect))) {
          effects.add(effect);
        }
      }
      return effects;
    }

    private @Nullable String effect(String line) {
      Matcher removed = REMOVED_BY_HELPER.matcher(line);
      if (removed.find()) {
        return "delete " + names.get(removed.group(1));
      }
      List<String> paths = new ArrayList<>();
      Matcher quoted = QUOTED.matcher(line);
      while (quoted.find()) {
        paths.add(quoted.group(1).startsWith(root) ? quoted.group(1).substring(root.length()) : "");
      }
      if (paths.isEmpty()) {
        return null;
      }
      String first = paths.get(0);
      String last = paths.get(paths.size() - 1);
      if (line.contains(" mkdir")) {
        return made(last);
      } else if (line.contains(" symlink")) {
        Matcher name = NAME.matcher(last);
        return name.matches() ? "make " + nameOf(name.group(1), "name" + ++links) : null;
      } else if (line.contains(" rename")) {
        return renamed(first, last);
      } else if (line.contains(" unlink") || line.contains(" rmdir")) {
        return deleted(last);
      }
      return null;
    }

    private @Nullable String made(String path) {
      Matcher layer = LAYER.matcher(path);
      if (!layer.matches() || layer.group(2).equals("/merged")) {
        return null;
      }
      String id = layer.group(1);
      return "make "
          + (names.containsKey(id) ? names.get(id) : nameOf(id, "layer" + ++layers))
          + layer.group(2);
    }

    private @Nullable String renamed(String from, String to) {
      Matcher layer = LAYER.matcher(to);
      if (layer.matches()) {
        return "write " + names.get(layer.group(1)) + layer.group(2);
      }
      Matcher record = RECORD.matcher(to);
      if (record.matches()) {
        return "record " + nameOf(record.group(1), "layer" + ++records);
      }
      record = RECORD.matcher(from);
      if (record.matches()) {
        return "unrecord " + names.get(record.group(1));
      }
      String mount = "image/overlay2/layerdb/mounts/rw";
      return to.equals(mount) ? "record rw" : from.equals(mount) ? "unrecord rw" : null;
    }

    private @Nullable String deleted(String path) {
      Matcher name = NAME.matcher(path);
      if (name.matches()) {
        return "delete " + names.get(name.group(1));
      }
      Matcher record = RECORD.matcher(path);
      return record.lookingAt() && path.endsWith("-removing")
          ? "forget " + names.get(record.group(1))
          : null;
    }

    private String nameOf(String key, String name) {
      names.put(key, name);
      return name;
    }
  }
}
