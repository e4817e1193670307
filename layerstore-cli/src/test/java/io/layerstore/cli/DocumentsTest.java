package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documents of the repository refer to is there. */
final class DocumentsTest {

  private static final Path TOP = Path.of("").toAbsolutePath().getParent();
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]*)(?:#([^)\\s]*))?\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");

  /** A name with two humps, in backquotes. */
  private static final Pattern TYPE = Pattern.compile("`([A-Z][a-z]+[A-Z]\\w*)\\b[^`]*`");

  /** Those of the JDK. */
  private static final Set<String> OF_JAVA =
      Set.of("AutoCloseable", "ProcessBuilder", "ServiceLoader");

  @Test
  void links_inTheDocuments_leadSomewhere() throws IOException {
    List<String> broken = new ArrayList<>();
    for (Path document : documents()) {
      Matcher link = LINK.matcher(Files.readString(document));
      while (link.find()) {
        String file = link.group(1);
        if (file.startsWith("http")) {
          continue;
        }
        Path target = file.isEmpty() ? document : document.resolveSibling(file).normalize();
        String anchor = link.group(2);
        if (!Files.exists(target) || (anchor != null && !anchors(target).contains(anchor))) {
          broken.add(TOP.relativize(document) + ": " + link.group());
        }
      }
    }

    assertEquals(List.of(), broken);
  }

  @Test
  void types_inTheDocuments_exist() throws IOException {
    Set<String> types = new HashSet<>(OF_JAVA);
    try (Stream<Path> files = Files.walk(TOP)) {
      files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.endsWith(".java"))
          .forEach(name -> types.add(name.substring(0, name.length() - ".java".length())));
    }
    List<String> missing = new ArrayList<>();
    for (Path document : documents()) {
      Matcher type = TYPE.matcher(Files.readString(document));
      while (type.find()) {
        if (!types.contains(type.group(1))) {
          missing.add(TOP.relativize(document) + ": " + type.group());
        }
      }
    }

    assertEquals(List.of(), missing);
  }

  private static List<Path> documents() throws IOException {
    try (Stream<Path> files = Files.walk(TOP)) {
      return files
          .filter(file -> file.toString().endsWith(".md"))
          .filter(file -> !file.toString().contains("/target/"))
          .sorted()
          .toList();
    }
  }

  /** The anchors that a forge makes of headings. */
  private static Set<String> anchors(Path document) throws IOException {
    return HEADING
        .matcher(Files.readString(document))
        .results()
        .map(heading -> heading.group(1).toLowerCase(Locale.ROOT))
        .map(heading -> heading.replaceAll("[^a-z0-9 _-]", "").replace(' ', '-'))
        .collect(Collectors.toSet());
  }
}
