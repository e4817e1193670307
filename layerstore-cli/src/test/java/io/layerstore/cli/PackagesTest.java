package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Compares the packages of all modules with their list in CONTRIBUTING.md, and reads what they say.
 */
final class PackagesTest {
  private static final Path TOP = Path.of("").toAbsolutePath().getParent();
  private static final List<String> MODULES =
      List.of(
          "layerstore-api",
          "layerstore-testing",
          "layerstore-core",
          "layerstore-overlay2",
          "layerstore-registry",
          "layerstore-cli",
          "layerstore-dist");
  private static final String ROOT = "io.layerstore";
  private static final Pattern LISTED = Pattern.compile("(?m)^([a-z0-9.]+) +─►(.*)$");
  private static final Pattern START =
      Pattern.compile("Start at \\{@(?:link|code) (?:[a-z0-9]+\\.)*([A-Z]\\w+)");
  private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([a-z0-9.]+);");
  private static final Pattern IMPORT =
      Pattern.compile("(?m)^import (?:static )?(io\\.layerstore[a-z0-9.]*)\\.[A-Z]");

  @Test
  void imports_ofAllModules_areAmongThoseListed() throws IOException {
    Map<String, Set<String>> listed = listed();
    Map<String, Set<String>> unlisted = new TreeMap<>();
    imports()
        .forEach(
            (from, to) -> {
              Set<String> extra = new TreeSet<>(to);
              extra.removeAll(listed.getOrDefault(from, Set.of()));
              extra.remove(from);
              extra.remove(ROOT);
              if (!extra.isEmpty() || !listed.containsKey(from)) {
                unlisted.put(from, extra);
              }
            });

    assertEquals(Map.of(), unlisted);
  }

  @Test
  void listed_packages_pointOneWay() throws IOException {
    Map<String, Set<String>> listed = listed();

    // Each round takes away what uses nothing that is left; a circle would stay.
    boolean isChanged = true;
    while (isChanged) {
      isChanged = listed.values().removeIf(used -> used.stream().noneMatch(listed::containsKey));
    }

    assertEquals(Map.of(), listed);
  }

  @Test
  void documentation_ofEachPackage_saysWhereToStartAndWhatItDoesNotKnow() throws IOException {
    Map<Path, Set<String>> sources = sources();
    Set<String> types = new TreeSet<>();
    sources.values().forEach(types::addAll);
    Map<String, String> silent = new TreeMap<>();
    for (Path directory : sources.keySet()) {
      Path file = directory.resolve("package-info.java");
      String text = Files.exists(file) ? Files.readString(file).replaceAll("\\s+(\\* )?", " ") : "";
      Matcher start = START.matcher(text);
      if (!start.find() || !types.contains(start.group(1) + ".java")) {
        silent.put(TOP.relativize(directory).toString(), "names no class to start at");
      } else if (!text.contains("Knows nothing of ")) {
        silent.put(TOP.relativize(directory).toString(), "does not say what it must not know");
      }
    }

    assertEquals(Map.of(), silent);
  }

  /** The names of the source files in each directory that is a package. */
  private static Map<Path, Set<String>> sources() throws IOException {
    Map<Path, Set<String>> sources = new TreeMap<>();
    for (String module : MODULES) {
      try (Stream<Path> files = Files.walk(TOP.resolve(module).resolve("src/main/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          String name = String.valueOf(file.getFileName());
          if (!name.equals("module-info.java")) {
            sources.computeIfAbsent(file.getParent(), directory -> new TreeSet<>()).add(name);
          }
        }
      }
    }
    return sources;
  }

  private static Map<String, Set<String>> listed() throws IOException {
    Map<String, Set<String>> listed = new TreeMap<>();
    Matcher line = LISTED.matcher(Files.readString(TOP.resolve("CONTRIBUTING.md")));
    while (line.find()) {
      Set<String> used = new TreeSet<>();
      for (String name : line.group(2).split(",", -1)) {
        if (!name.isBlank()) {
          used.add(ROOT + "." + name.strip());
        }
      }
      listed.put(line.group(1).equals(ROOT) ? ROOT : ROOT + "." + line.group(1), used);
    }
    assertTrue(listed.size() > 5, "CONTRIBUTING.md lists the packages");
    return listed;
  }

  /** For each package the packages of the project that its sources import. */
  private static Map<String, Set<String>> imports() throws IOException {
    Map<String, Set<String>> imports = new TreeMap<>();
    for (String module : MODULES) {
      try (Stream<Path> files = Files.walk(TOP.resolve(module).resolve("src/main/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          String source = Files.readString(file);
          Matcher name = PACKAGE.matcher(source);
          if (name.find()) {
            Set<String> imported = imports.computeIfAbsent(name.group(1), from -> new TreeSet<>());
            Matcher line = IMPORT.matcher(source);
            while (line.find()) {
              imported.add(line.group(1));
            }
          }
        }
      }
    }
    return imports;
  }
}
