package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the example of the README, and keeps it the same as there. */
final class ReadmeExampleTest {
  private static final String BEGIN = "    // Begin of the example.\n";
  private static final String END = "    // End of the example.\n";

  @TempDir private Path temp;

  @Test
  void example_onARealLayer_printsWhatItSays() throws IOException {
    Path archive = Files.write(temp.resolve("layer.tar"), Sample.layer(0));

    assertEquals(
        "Welcome to the layerstore sample image.\n\nC /etc\nC /etc/motd\n",
        printed(() -> example(temp.resolve("root"), archive)));
  }

  @Test
  void example_inTheReadme_isTheOneThatIsCompiled() throws IOException {
    Path module = Path.of("").toAbsolutePath();
    String source =
        Files.readString(module.resolve("src/test/java/io/layerstore/cli/ReadmeExampleTest.java"));
    String readme = Files.readString(module.resolveSibling("README.md"));
    int begin = source.lastIndexOf(BEGIN) + BEGIN.length();
    String example = source.substring(begin, source.lastIndexOf(END)).stripTrailing().stripIndent();

    assertTrue(
        readme.contains("```java\n" + example + "\n```\n"), "README.md differs:\n" + example);
  }

  @SuppressWarnings("SystemOut")
  private static void example(Path root, Path archive) throws IOException {
    // Begin of the example.
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(archive), RegisterOptions.DEFAULT);
        RWLayer work = store.createRWLayer("build-1", base.chainId())) {
      try (Mount mount = work.mount()) {
        System.out.println(Files.readString(mount.path().resolve("etc/motd")));
        Files.writeString(mount.path().resolve("etc/motd"), "Changed.\n");
      }
      try (Stream<Change> changes = work.changes()) {
        changes.forEach(System.out::println); // C /etc, C /etc/motd
      }
    }
    // End of the example.
  }

  /** Something that may fail. */
  @FunctionalInterface
  private interface Action {
    void run() throws IOException;
  }

  private static String printed(Action action) throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      action.run();
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
