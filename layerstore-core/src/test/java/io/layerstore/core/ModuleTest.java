package io.layerstore.core;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.base.Splitter;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreProvider;
import io.layerstore.spi.GraphDriverProvider;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Guards what the modules show and which way their packages depend on each other; CONTRIBUTING has
 * the picture.
 */
final class ModuleTest {

  /** For each package of this module, the packages of the project it may use. */
  private static final Map<String, Set<String>> ALLOWED_EDGES =
      Map.ofEntries(
          entry(
              "io.layerstore.core",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.spi",
                  "io.layerstore.driver",
                  "io.layerstore.core.codec",
                  "io.layerstore.core.docker",
                  "io.layerstore.core.event",
                  "io.layerstore.core.image",
                  "io.layerstore.core.image.archive",
                  "io.layerstore.core.layerdb",
                  "io.layerstore.core.tar",
                  "io.layerstore.core.tarsplit",
                  "io.layerstore.driver.rooted")),
          entry("io.layerstore.core.codec", Set.of("io.layerstore", "io.layerstore.core.io")),
          entry(
              "io.layerstore.core.docker",
              Set.of("io.layerstore", "io.layerstore.driver", "io.layerstore.core.json")),
          entry(
              "io.layerstore.core.image",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.driver",
                  "io.layerstore.core.docker",
                  "io.layerstore.core.image.change",
                  "io.layerstore.core.json")),
          entry("io.layerstore.core.image.change", Set.of("io.layerstore.core.json")),
          entry(
              "io.layerstore.core.image.archive",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.driver",
                  "io.layerstore.spi",
                  "io.layerstore.core.codec",
                  "io.layerstore.core.event",
                  "io.layerstore.core.image",
                  "io.layerstore.core.json",
                  "io.layerstore.core.tar")),
          entry("io.layerstore.core.io", Set.of()),
          entry("io.layerstore.core.event", Set.of("io.layerstore")),
          entry("io.layerstore.core.json", Set.of()),
          entry(
              "io.layerstore.core.layerdb",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.spi",
                  "io.layerstore.driver",
                  "io.layerstore.core.codec",
                  "io.layerstore.core.json")),
          entry(
              "io.layerstore.core.tar",
              Set.of("io.layerstore", "io.layerstore.spi", "io.layerstore.core.io")),
          entry(
              "io.layerstore.core.tarsplit",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.spi",
                  "io.layerstore.driver",
                  "io.layerstore.core.io")),
          entry("io.layerstore.driver", Set.of("io.layerstore", "io.layerstore.spi")),
          entry("io.layerstore.driver.rooted", Set.of("io.layerstore", "io.layerstore.driver")),
          entry(
              "io.layerstore.vfs",
              Set.of(
                  "io.layerstore",
                  "io.layerstore.spi",
                  "io.layerstore.driver",
                  "io.layerstore.driver.rooted",
                  "io.layerstore.vfs.record")),
          entry(
              "io.layerstore.vfs.record",
              Set.of("io.layerstore", "io.layerstore.spi", "io.layerstore.driver.rooted")));

  private static ModuleDescriptor descriptor(Class<?> inModule) throws IOException {
    Path classes = classes(inModule);
    try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
      return ModuleDescriptor.read(in);
    }
  }

  private static Path classes(Class<?> inModule) {
    try {
      return Path.of(inModule.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Set<String> exports(ModuleDescriptor descriptor) {
    return descriptor.exports().stream()
        .map(ModuleDescriptor.Exports::source)
        .collect(Collectors.toSet());
  }

  @Test
  void exports_ofCore_exactly() throws IOException {
    assertEquals(
        Set.of("io.layerstore.core", "io.layerstore.driver"),
        exports(descriptor(DefaultLayerStoreProvider.class)));
  }

  @Test
  void providers_declaredForModulePathAndClassPath_same() throws IOException {
    Map<String, Set<String>> declared = new TreeMap<>();
    for (ModuleDescriptor.Provides provides :
        descriptor(DefaultLayerStoreProvider.class).provides()) {
      declared.put(provides.service(), new TreeSet<>(provides.providers()));
    }
    Map<String, Set<String>> files = new TreeMap<>();
    for (Class<?> service : Set.of(LayerStoreProvider.class, GraphDriverProvider.class)) {
      try (InputStream in =
          Files.newInputStream(
              classes(DefaultLayerStoreProvider.class)
                  .resolve("META-INF/services")
                  .resolve(service.getName()))) {
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        files.put(
            service.getName(),
            text.lines()
                .filter(line -> !line.isBlank())
                .collect(Collectors.toCollection(TreeSet::new)));
      }
    }
    assertEquals(declared, files);
  }

  @Test
  void packages_ofCore_dependOnlyAsAllowed() {
    Map<String, Set<String>> edges =
        edges(classes(DefaultLayerStoreProvider.class), classes(LayerStore.class));
    assertTrue(edges.containsKey("io.layerstore.core"), edges.toString());
    Map<String, Set<String>> forbidden = new TreeMap<>();
    edges.forEach(
        (from, to) -> {
          Set<String> extra = new TreeSet<>(to);
          extra.removeAll(ALLOWED_EDGES.getOrDefault(from, Set.of()));
          extra.remove(from);
          if (!extra.isEmpty()) {
            forbidden.put(from, extra);
          }
        });
    assertEquals(Map.of(), forbidden);
  }

  /** Edges between packages of the project, as jdeps sees them. */
  private static Map<String, Set<String>> edges(Path classes, Path api) {
    ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
    StringWriter out = new StringWriter();
    StringWriter errors = new StringWriter();
    int status =
        jdeps.run(
            new PrintWriter(out),
            new PrintWriter(errors),
            "--multi-release",
            "base",
            "--ignore-missing-deps",
            "-verbose:package",
            "-filter:none",
            "-cp",
            api.toString(),
            classes.resolve("io").toString());
    assertEquals(0, status, out.toString() + errors);
    Map<String, Set<String>> edges = new TreeMap<>();
    for (String line : out.toString().lines().toList()) {
      List<String> words = Splitter.on(' ').omitEmptyStrings().splitToList(line);
      if (line.startsWith("   ") && words.get(2).startsWith("io.layerstore")) {
        edges.computeIfAbsent(words.get(0), key -> new TreeSet<>()).add(words.get(2));
      }
    }
    return edges;
  }
}
