package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.BuildOptions;
import io.layerstore.Change;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.Durability;
import io.layerstore.EntryOptions;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerContent;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.LayerStore;
import io.layerstore.LoadReport;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs the examples of the README and the guide, and keeps them the same as there. */
final class ReadmeExampleTest {
  @TempDir private Path temp;

  /** What an ordinary user's layers give to other ids is not for {@code @TempDir} to delete. */
  @AfterEach
  void deleteLayers() throws IOException {
    Path root = temp.resolve("root");
    Path home = root.resolve("overlay2");
    if (!Files.isDirectory(home)) {
      return;
    }
    DriverContext context =
        DriverContext.builder(root, home)
            .durability(Durability.NONE)
            .readOnly(/* readOnly= */ false)
            .build();
    for (GraphDriverProvider provider : ServiceLoader.load(GraphDriverProvider.class)) {
      if (provider.name().equals("overlay2")) {
        try (GraphDriver driver = provider.open(context)) {
          for (String id : driver.ids()) {
            driver.remove(id);
          }
        }
      }
    }
  }

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
      other.images().load(saved);
      Image image = other.images().resolve("mine:1");
      try (RWLayer work = other.createRWLayer("check", image.topLayer().orElseThrow());
          Mount mount = work.mount()) {
        assertEquals("New.\n", mount.file("added").readString());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "README.md, example",
    "README.md, image example",
    "README.md, example of commands",
    "README.md, example of files",
    "docs/files.md, scanner",
    "docs/files.md, example of building"
  })
  void example_inTheDocument_isTheOneThatIsCompiled(String document, String name)
      throws IOException {
    Path module = Path.of("").toAbsolutePath();
    String source =
        Files.readString(module.resolve("src/test/java/io/layerstore/cli/ReadmeExampleTest.java"));
    String text = Files.readString(module.resolveSibling(document));
    String begin = "    // Begin of the " + name + ".\n";
    String end = "    // End of the " + name + ".\n";
    String example =
        source
            .substring(source.lastIndexOf(begin) + begin.length(), source.lastIndexOf(end))
            .stripTrailing()
            .stripIndent();

    assertTrue(
        text.contains("```java\n" + example + "\n```\n"), document + " differs:\n" + example);
  }

  /** The command lines of the section on commands, for each driver. */
  static Stream<Arguments> commandLines() throws IOException {
    Path module = Path.of("").toAbsolutePath();
    String text =
        Files.readString(module.resolveSibling("README.md"))
            + Files.readString(module.resolveSibling("docs/guide.md"));
    List<String> lines =
        text.lines().filter(line -> line.startsWith("layerstore run ")).distinct().toList();
    assertTrue(lines.size() >= 6, lines::toString);
    return Stream.of("overlay2", "vfs")
        .flatMap(driver -> lines.stream().map(line -> Arguments.of(driver, line)));
  }

  @ParameterizedTest
  @MethodSource("commandLines")
  void commandLine_inTheDocuments_works(String driver, String line) throws Exception {
    List<String> words = new ArrayList<>();
    Matcher matcher = Pattern.compile("'([^']*)'|([^' ]+)").matcher(line);
    while (matcher.find()) {
      words.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
    }
    String program = words.get(words.indexOf("--") + 1);
    if (!program.startsWith("/")) {
      assumeTrue(
          Arrays.stream(System.getenv("PATH").split(":", -1))
              .anyMatch(directory -> Files.isExecutable(Path.of(directory, program))),
          "needs " + program + " in PATH");
    }
    assumeTrue(
        Machine.isRoot() || !(driver.equals("vfs") && program.equals("chroot")),
        "an ordinary user's chroot needs a user namespace, which vfs has none of");
    Path archive = temp.resolve("root.tar");
    Busybox.writeRootTo(archive);
    Path root = temp.resolve("root");
    try (LayerStore store = open(root, driver);
        Layer base = store.register(archive)) {
      store.createRWLayer("work", base.chainId()).close();
    } catch (DriverNotSupportedException e) {
      assumeTrue(false, e.getMessage());
    }
    List<String> arguments = new ArrayList<>(List.of("--root", root.toString(), "--json"));
    arguments.addAll(words.subList(1, words.size()));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();

    int status =
        Main.run(arguments.toArray(new String[0]), InputStream.nullInputStream(), out, err);

    assertEquals(0, status, err.toString(StandardCharsets.UTF_8));
  }

  private static LayerStore open(Path root, String driver) throws IOException {
    return LayerStore.builder(root).driver(driver).open();
  }

  @Test
  void exampleOfCommands_onARootFileSystem_runsThem() throws Exception {
    Tool.require("git");
    Path archive = temp.resolve("root.tar");
    Busybox.writeRootTo(archive);
    try (LayerStore store = LayerStore.open(temp.resolve("root"));
        Layer base = store.register(archive);
        RWLayer work = store.createTemporaryRWLayer(base.chainId())) {
      commandExample(work);
      try (Stream<Change> changes = work.changes()) {
        assertTrue(changes.anyMatch(change -> change.toString().equals("A /project/.git/HEAD")));
      }
    }
  }

  private static void commandExample(RWLayer work) throws IOException, InterruptedException {
    // Begin of the example of commands.
    try (Mount mount = work.mount()) {
      mount.enter(new ProcessBuilder("git", "init", "project")).start().waitFor();
      mount.chroot(new ProcessBuilder("/bin/sh", "-c", "cd etc && ls")).start().waitFor();
    }
    // End of the example of commands.
  }

  private static void imageExample(Path root, Path archive, Path saved) throws IOException {
    // Begin of the image example.
    try (LayerStore store = LayerStore.open(root)) {
      LoadReport loaded = store.images().load(archive);
      Image image = store.images().get(loaded.images().get(0).id());
      try (RWLayer work = store.createTemporaryRWLayer(image.topLayer().orElseThrow())) {
        try (Mount mount = work.mount()) {
          mount.file("added").writeString("New.\n");
        }
        store.images().commit(work, ImageReference.parse("mine:1"));
      }
      store.images().save("mine:1", saved);
    }
    // End of the image example.
  }

  @SuppressWarnings("SystemOut")
  private static void example(Path root, Path archive) throws IOException {
    // Begin of the example.
    try (LayerStore store = LayerStore.open(root);
        Layer base = store.register(archive);
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

  @Test
  void exampleOfFiles_onARealImage_printsThem() throws IOException {
    Path archive = Files.write(temp.resolve("image.tar"), Sample.image());

    String printed = printed(() -> fileExample(archive));

    assertTrue(printed.startsWith("Welcome to the layerstore sample image.\n"), printed);
    assertTrue(printed.contains("/srv/data/notes.txt\n"), printed);
  }

  private static void fileExample(Path archive) throws IOException {
    // Begin of the example of files.
    try (FileSystem files = ImageSource.of(archive).fileSystem();
        Stream<Path> all = Files.walk(files.getPath("/"))) {
      System.out.println(Files.readString(files.getPath("/etc/motd")));
      all.filter(path -> path.toString().endsWith(".txt")).forEach(System.out::println);
    }
    // End of the example of files.
  }

  @Test
  void scanner_onARealImage_findsWhatIsThere() throws IOException {
    Path archive = Files.write(temp.resolve("image.tar"), Sample.image());
    List<String> findings = new ArrayList<>();

    Scanner.scan(ImageSource.of(archive), findings::add);

    assertTrue(findings.contains("setuid /usr/bin/elevate of 0, layer 0"), findings.toString());
    assertTrue(
        findings.stream().anyMatch(finding -> finding.startsWith("hidden /etc/motd")),
        findings.toString());
  }

  private static final class Scanner {
    // Begin of the scanner.
    static void scan(ImageSource image, Consumer<String> findings) throws IOException {
      try (FileSystem files = image.fileSystem();
          Stream<Path> all = Files.walk(files.getPath("/"))) {
        for (Path path : (Iterable<Path>) all::iterator) {
          LayerEntryAttributes file =
              Files.readAttributes(path, LayerEntryAttributes.class, LinkOption.NOFOLLOW_LINKS);
          if (!file.isRegularFile()) {
            continue;
          }
          if ((file.mode() & 04000) != 0) {
            findings.accept(
                "setuid " + path + " of " + file.uid() + ", layer " + file.layerIndex());
          }
          if (file.size() < 100_000 && isPrivateKey(path)) {
            findings.accept("key " + path + ", layer " + file.layerIndex());
          }
          for (LayerEntryAttributes hidden : file.shadowed()) {
            findings.accept("hidden " + path + ", layer " + hidden.layerIndex());
          }
        }
      }
    }

    private static boolean isPrivateKey(Path file) throws IOException {
      byte[] begin = "-----BEGIN".getBytes(StandardCharsets.US_ASCII);
      try (InputStream in = Files.newInputStream(file)) {
        return Arrays.equals(begin, in.readNBytes(begin.length))
            && new String(in.readNBytes(40), StandardCharsets.US_ASCII).contains("PRIVATE KEY");
      }
    }
    // End of the scanner.
  }

  @Test
  void exampleOfBuilding_onARealImage_addsFiles() throws IOException {
    Path build = Files.createDirectory(temp.resolve("build"));
    Files.writeString(build.resolve("data"), "data");
    try (LayerStore store = LayerStore.builder(temp.resolve("root")).driver("vfs").open()) {
      store.images().load(Files.write(temp.resolve("image.tar"), Sample.image()));

      Image image = buildExample(store, build, "#!/bin/sh".getBytes(StandardCharsets.UTF_8));

      try (FileSystem files = image.fileSystem()) {
        assertEquals("data", Files.readString(files.getPath("/app/data")));
        assertTrue(Files.isExecutable(files.getPath("/usr/bin/app")));
        assertTrue(Files.notExists(files.getPath("/etc/motd")));
      }
    }
  }

  private static Image buildExample(LayerStore store, Path build, byte[] script)
      throws IOException {
    // Begin of the example of building.
    LayerContent app =
        LayerContent.builder()
            .tree("app", build)
            .file("app/run.sh", script, EntryOptions.DEFAULT.withMode(0755))
            .symlink("usr/bin/app", "/app/run.sh")
            .whiteout("etc/motd")
            .build();
    Image image =
        store
            .images()
            .build(
                BuildOptions.builder()
                    .base("layerstore/sample")
                    .layer(app, "the application")
                    .entrypoint("/app/run.sh")
                    .environment("MODE", "production")
                    .reference(ImageReference.parse("mine:1"))
                    .build());
    // End of the example of building.
    return image;
  }
}
