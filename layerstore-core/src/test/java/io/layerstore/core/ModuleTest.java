package io.layerstore.core;

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
import java.nio.file.spi.FileSystemProvider;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Guards what the modules show and which way their packages depend on each other, as CONTRIBUTING
 * lists it.
 */
final class ModuleTest {

  private static final String ROOT = "io.layerstore";
  private static final Pattern LISTED = Pattern.compile("(?m)^([a-z0-9.]+) +─►(.*)$");

  /** For each package, those of the project it may use besides the API's own. */
  private static Map<String, Set<String>> allowed() throws IOException {
    Map<String, Set<String>> allowed = new TreeMap<>();
    Path list = Path.of("").toAbsolutePath().resolveSibling("CONTRIBUTING.md");
    Matcher line = LISTED.matcher(Files.readString(list));
    while (line.find()) {
      allowed.put(
          ROOT + "." + line.group(1),
          Splitter.on(',')
              .trimResults()
              .omitEmptyStrings()
              .splitToStream(line.group(2))
              .map(name -> ROOT + "." + name)
              .collect(Collectors.toSet()));
    }
    return allowed;
  }

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
    for (Class<?> service :
        Set.of(LayerStoreProvider.class, GraphDriverProvider.class, FileSystemProvider.class)) {
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
  void packages_ofCore_dependOnlyAsAllowed() throws IOException {
    Map<String, Set<String>> allowed = allowed();
    Map<String, Set<String>> edges =
        edges(classes(DefaultLayerStoreProvider.class), classes(LayerStore.class));
    assertTrue(edges.containsKey("io.layerstore.core"), edges.toString());
    Map<String, Set<String>> forbidden = new TreeMap<>();
    edges.forEach(
        (from, to) -> {
          Set<String> extra = new TreeSet<>(to);
          extra.removeAll(allowed.getOrDefault(from, Set.of()));
          extra.removeAll(Set.of(from, ROOT));
          if (!extra.isEmpty() || !allowed.containsKey(from)) {
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
