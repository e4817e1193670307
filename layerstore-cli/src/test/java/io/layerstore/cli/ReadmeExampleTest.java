package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.image.CommitImageOptions;
import io.layerstore.image.Image;
import io.layerstore.image.ImageReference;
import io.layerstore.image.ImageSource;
import io.layerstore.image.ImageTarget;
import io.layerstore.image.LoadOptions;
import io.layerstore.image.LoadReport;
import io.layerstore.image.SaveOptions;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the examples of the README, and keeps them the same as there. */
final class ReadmeExampleTest {
  @TempDir private Path temp;

  @Test
  void example_onARealLayer_printsWhatItSays() throws IOException {
    Path archive = Files.write(temp.resolve("layer.tar"), Sample.layer(0));

    assertEquals(
        "Welcome to the layerstore sample image.\n\nC /etc\nC /etc/motd\n",
        printed(() -> example(temp.resolve("root"), archive)));
  }

  @Test
  void example_motdIsALinkToAFileOfTheHost_leavesThatAlone() throws IOException {
    Path host = Files.writeString(temp.resolve("motd"), "Of the host.\n");
    Path archive =
        Files.write(
            temp.resolve("layer.tar"),
            new TarBuilder()
                .directory("etc/")
                .symlink("etc/motd", host.toString())
                .end()
                .toBytes());

    assertThrows(NoSuchFileException.class, () -> example(temp.resolve("root"), archive));

    assertEquals("Of the host.\n", Files.readString(host));
  }

  @Test
  void examples_runTwice_workTwice() throws IOException {
    Path root = temp.resolve("root");
    Path layer = Files.write(temp.resolve("layer.tar"), Sample.layer(0));
    Path image = Files.write(temp.resolve("image.tar"), Sample.image());
    for (int i = 0; i < 2; i++) {
      printed(() -> example(root, layer));
      imageExample(root, image, temp.resolve("saved-" + i + ".tar"));
    }

    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.rwLayers());
    }
  }

  @Test
  void imageExample_onARealImage_addsAFile() throws IOException {
    Path archive = Files.write(temp.resolve("image.tar"), Sample.image());
    Path saved = temp.resolve("saved.tar");

    imageExample(temp.resolve("root"), archive, saved);

    try (LayerStore other = LayerStore.builder(temp.resolve("other")).driver("vfs").open()) {
      other.images().load(ImageSource.of(saved), LoadOptions.DEFAULT);
      Image image = other.images().resolve("mine:1");
      try (RWLayer work = other.createRWLayer("check", image.topLayer().orElseThrow());
          Mount mount = work.mount()) {
        assertEquals("New.\n", mount.file("added").readString());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"example", "image example"})
  void example_inTheReadme_isTheOneThatIsCompiled(String name) throws IOException {
    Path module = Path.of("").toAbsolutePath();
    String source =
        Files.readString(module.resolve("src/test/java/io/layerstore/cli/ReadmeExampleTest.java"));
    String readme = Files.readString(module.resolveSibling("README.md"));
    String begin = "    // Begin of the " + name + ".\n";
    String end = "    // End of the " + name + ".\n";
    String example =
        source
            .substring(source.lastIndexOf(begin) + begin.length(), source.lastIndexOf(end))
            .stripTrailing()
            .stripIndent();

    assertTrue(
        readme.contains("```java\n" + example + "\n```\n"), "README.md differs:\n" + example);
  }

  private static void imageExample(Path root, Path archive, Path saved) throws IOException {
    // Begin of the image example.
    try (LayerStore store = LayerStore.open(root)) {
      LoadReport loaded = store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);
      Image image = store.images().get(loaded.images().get(0).id());
      try (RWLayer work = store.createTemporaryRWLayer(image.topLayer().orElseThrow())) {
        try (Mount mount = work.mount()) {
          mount.file("added").writeString("New.\n");
        }
        CommitImageOptions options =
            CommitImageOptions.builder().reference(ImageReference.parse("mine:1")).build();
        store.images().commit(work, options);
      }
      store.images().save(List.of("mine:1"), new ImageTarget.ToFile(saved), SaveOptions.DEFAULT);
    }
    // End of the image example.
  }

  @SuppressWarnings("SystemOut")
  private static void example(Path root, Path archive) throws IOException {
    // Begin of the example.
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(LayerSource.of(archive), RegisterOptions.DEFAULT);
        RWLayer work = store.createTemporaryRWLayer(base.chainId())) {
      try (Mount mount = work.mount()) {
        System.out.println(mount.file("etc/motd").readString());
        mount.file("etc/motd").writeString("Changed.\n");
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
