package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples in the Javadoc compile. */
final class JavadocExamplesTest {

  private static final Pattern EXAMPLE = Pattern.compile("(?s)<pre>\\{@code\n(.*?)\\}</pre>");
  private static final Pattern MARGIN = Pattern.compile("(?m)^ *\\* ?");

  /** What examples speak of without saying where they got it. */
  private static final String CLASS =
      """
      import io.layerstore.*;
      import java.io.*;
      import java.nio.file.*;
      import java.util.stream.*;

      class Example%d {
        LayerStore store;
        Layer layer;
        RWLayer work;
        Image image;
        Mount mount;
        Path archive;
        byte[] script;

        void run() throws Exception {
      %s
        }
      }
      """;

  @TempDir Path directory;

  @Test
  void examples_inTheJavadoc_compile() throws IOException {
    List<Path> classes = new ArrayList<>();
    for (String example : examples()) {
      Path file = directory.resolve("Example" + classes.size() + ".java");
      classes.add(Files.writeString(file, CLASS.formatted(classes.size(), example)));
    }
    assertTrue(classes.size() >= 6, classes.size() + " examples");

    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter problems = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      List<String> options =
          List.of("-proc:none", "-classpath", Path.of("target/classes").toString());
      boolean compiled =
          compiler
              .getTask(
                  problems, files, null, options, null, files.getJavaFileObjectsFromPaths(classes))
              .call();
      assertTrue(compiled, problems::toString);
    }
  }

  /** Those of this module that are Java: they have statements. */
  private static List<String> examples() throws IOException {
    List<String> examples = new ArrayList<>();
    List<Path> sources;
    try (Stream<Path> all = Files.walk(Path.of("src/main/java"))) {
      sources = all.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
    for (Path source : sources) {
      Matcher matcher = EXAMPLE.matcher(Files.readString(source));
      while (matcher.find()) {
        String example = MARGIN.matcher(matcher.group(1)).replaceAll("");
        if (example.contains(";")) {
          examples.add(example);
        }
      }
    }
    return examples;
  }
}
