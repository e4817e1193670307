package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.BuildOptions;
import io.layerstore.ByteString;
import io.layerstore.Durability;
import io.layerstore.EntryOptions;
import io.layerstore.Image;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerContent;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Layers of files, and images of them. */
final class ImageBuildTest {

  @TempDir Path directory;
  private Path memory;
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    memory = Jimfs.newFileSystem(Configuration.unix()).getPath("/");
    store = open(memory.resolve("store"));
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE).open();
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
  }

  /** The same files wherever they are. */
  private static LayerContent content(Path place) throws IOException {
    Path tree = Files.createDirectories(place.resolve("tree"));
    Files.createDirectories(tree.resolve("z/a"));
    Files.writeString(tree.resolve("z/a/file"), "one");
    Files.writeString(tree.resolve("b"), "two");
    Files.createSymbolicLink(tree.resolve("link"), tree.getFileSystem().getPath("z/a/file"));
    return LayerContent.builder()
        .tree("app", tree)
        .file(
            "/app/run.sh",
            "#!/bin/sh\n".getBytes(UTF_8),
            EntryOptions.DEFAULT
                .withMode(0755)
                .withOwner(1000, 1000)
                .withModified(Instant.ofEpochSecond(1_600_000_000))
                .withExtendedAttribute("user.note", ByteString.utf8("seen")))
        .directory("data", EntryOptions.DEFAULT.withMode(01777))
        .build();
  }

  private static byte[] bytes(LayerContent content) throws IOException {
    try (InputStream in = content.open()) {
      return in.readAllBytes();
    }
  }

  private static BuildOptions.Builder options(LayerContent... layers) {
    BuildOptions.Builder options =
        BuildOptions.builder()
            .entrypoint("/app/run.sh")
            .command("start", "now")
            .environment("PATH", "/app:/bin")
            .environment("MODE", "a b$c\"d")
            .label("Name", "1")
            .label("name", "2")
            .workingDirectory("/app")
            .user("1000:1000")
            .port(80, "tcp")
            .volume("/data")
            .author("me");
    for (LayerContent layer : layers) {
      options.layer(layer);
    }
    return options;
  }

  @Test
  void content_ofDiskAndMemory_sameBytes() throws IOException {
    assertArrayEquals(bytes(content(directory)), bytes(content(memory.resolve("src"))));
  }

  static List<Configuration> configurations() {
    return List.of(Configuration.unix(), Configuration.osX(), Configuration.windows());
  }

  @ParameterizedTest
  @MethodSource("configurations")
  void content_ofOtherSystems_sameBytes(Configuration configuration) throws IOException {
    try (FileSystem other = Jimfs.newFileSystem(configuration)) {
      Path place = other.getRootDirectories().iterator().next().resolve("src");
      assertArrayEquals(bytes(content(directory)), bytes(content(place)));
    }
  }

  @Test
  void content_namesAndLinksThatAreNoUtf8_areKeptByteForByte() throws IOException {
    Path tree = Files.createDirectory(directory.resolve("odd"));
    assumeTrue(tree.getFileSystem().getSeparator().equals("/"), "names are bytes on a Unix alone");
    Path name = Path.of(URI.create(tree.toUri() + "caf%E9"));
    Files.writeString(name, "latin");
    Files.createSymbolicLink(tree.resolve("link"), name.getFileName());
    LayerContent content = LayerContent.builder().tree("", tree).build();
    try (Layer layer = store.register(content, RegisterOptions.DEFAULT);
        FileSystem files = layer.fileSystem()) {
      assertEquals("latin", Files.readString(files.getPath("/caf\udce9")));
      assertEquals("latin", Files.readString(files.getPath("/link")));
      // And the other way round: from what is shown.
      LayerContent again = LayerContent.builder().tree("", files.getPath("/")).build();
      assertArrayEquals(bytes(content), bytes(again));
    }
  }

  @Test
  void content_file_isWhatALinkLeadsTo() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "one");
    Path link = Files.createSymbolicLink(directory.resolve("link"), file.getFileName());
    LayerContent expected = LayerContent.builder().file("f", "one".getBytes(UTF_8)).build();
    assertArrayEquals(bytes(expected), bytes(LayerContent.builder().file("f", link).build()));
    assertThrows(
        LayerStoreException.class, () -> LayerContent.builder().file("f", directory).build());
  }

  @Test
  void build_timeAndPlatform_areInTheConfiguration() throws IOException {
    Image image =
        store
            .images()
            .build(
                options(content(directory))
                    .created(Instant.ofEpochSecond(1_700_000_000))
                    .platform(Platform.of("arm64", "linux"))
                    .build());
    assertEquals(Instant.ofEpochSecond(1_700_000_000), image.config().created().orElseThrow());
    assertEquals(
        Instant.ofEpochSecond(1_700_000_000),
        image.config().history().get(0).created().orElseThrow());
    assertEquals("arm64", image.config().architecture());
  }

  @Test
  void build_twiceAndElsewhere_sameImage() throws IOException {
    Image first = store.images().build(options(content(memory.resolve("src"))).build());
    Image again = store.images().build(options(content(memory.resolve("src2"))).build());
    assertEquals(first.id(), again.id());
    try (LayerStore other = open(directory.resolve("store"))) {
      Image elsewhere = other.images().build(options(content(directory)).build());
      assertEquals(first.id(), elsewhere.id());
    }
  }

  @Test
  void build_content_isAsItWasGiven() throws IOException {
    Image image = store.images().build(options(content(directory)).build());
    try (FileSystem files = image.fileSystem()) {
      assertEquals("one", Files.readString(files.getPath("/app/link")));
      LayerEntryAttributes run =
          Files.readAttributes(files.getPath("/app/run.sh"), LayerEntryAttributes.class);
      assertEquals(0100755, run.mode());
      assertEquals(1000, run.uid());
      assertEquals(1_600_000_000_000L, run.lastModifiedTime().toMillis());
      assertEquals(
          ByteString.utf8("seen"), run.extendedAttributes().get(ByteString.utf8("user.note")));
      LayerEntryAttributes b =
          Files.readAttributes(files.getPath("/app/b"), LayerEntryAttributes.class);
      assertEquals(0, b.lastModifiedTime().toMillis());
      assertEquals(0100644, b.mode());
      assertEquals(041777, Files.getAttribute(files.getPath("/data"), "unix:mode"));
    }
  }

  @Test
  void build_configuration_isAsItWasGiven() throws IOException {
    Image image = store.images().build(options(content(directory)).build());
    String config = new String(image.configBytes().toByteArray(), UTF_8);
    for (String part :
        List.of(
            "\"Entrypoint\":[\"/app/run.sh\"]",
            "\"Cmd\":[\"start\",\"now\"]",
            "\"Env\":[\"PATH=/app:/bin\",\"MODE=a b$c\\\"d\"]",
            "\"Labels\":{\"Name\":\"1\",\"name\":\"2\"}",
            "\"WorkingDir\":\"/app\"",
            "\"User\":\"1000:1000\"",
            "\"ExposedPorts\":{\"80/tcp\":{}}",
            "\"Volumes\":{\"/data\":{}}",
            "\"author\":\"me\"",
            "\"created\":\"1970-01-01T00:00:00Z\"")) {
      assertTrue(config.contains(part), part + " in " + config);
    }
    assertEquals(1, image.config().history().size());
  }

  @Test
  void build_onABase_keepsItsLayersAndDeletesFromThem() throws IOException {
    Image base =
        store
            .images()
            .build(options(content(directory)).reference(ImageReference.parse("base:1")).build());
    int layers = store.layers().size();
    LayerContent change =
        LayerContent.builder()
            .whiteout("app/b")
            .opaque("app/z")
            .file("app/z/new", "n".getBytes(UTF_8))
            .build();
    Image image =
        store
            .images()
            .build(
                BuildOptions.builder()
                    .base("base:1")
                    .layer(change, "change")
                    .layer(LayerContent.builder().file("top", new byte[0]).build(), "top")
                    .environment("MODE", "new")
                    .reference(ImageReference.parse("mine:1"))
                    .build());
    assertEquals(layers + 2, store.layers().size());
    assertEquals(base.config().diffIds(), image.config().diffIds().subList(0, 1));
    assertEquals(3, image.config().history().size());
    assertEquals(image.id(), store.images().resolve("mine:1").id());
    try (FileSystem files = store.images().fileSystem("mine:1")) {
      assertFalse(Files.exists(files.getPath("/app/b")));
      assertFalse(Files.exists(files.getPath("/app/z/a")));
      assertEquals("n", Files.readString(files.getPath("/app/z/new")));
    }
    String config = new String(image.configBytes().toByteArray(), UTF_8);
    assertTrue(config.contains("\"Env\":[\"PATH=/app:/bin\",\"MODE=new\"]"), config);
    assertTrue(config.contains("\"Entrypoint\":[\"/app/run.sh\"]"), config);
  }

  @Test
  void build_withoutLayers_isAStepWithoutOne() throws IOException {
    Image image = store.images().build(BuildOptions.builder().command("x").build());
    assertEquals(List.of(), image.config().diffIds());
    assertEquals(1, image.config().history().size());
  }

  @Test
  void build_layerThatFails_leavesNothing() throws IOException {
    LayerSource bad =
        () -> {
          throw new IOException("no");
        };
    assertThrows(
        LayerStoreException.class,
        () -> store.images().build(options(content(directory)).layer(bad, "bad").build()));
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.images().list());
  }

  @Test
  void build_onABaseThatIsMissing_fails() {
    assertThrows(
        ImageNotFoundException.class,
        () -> store.images().build(BuildOptions.builder().base("none:1").build()));
  }

  @Test
  void content_fileThatChanges_isFound() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "before");
    LayerContent content = LayerContent.builder().tree("file", file).build();
    Files.writeString(file, "longer than before");
    assertThrows(LayerStoreException.class, () -> bytes(content));
  }

  @Test
  void content_badPaths_areRefused() {
    LayerContent.Builder builder = LayerContent.builder();
    byte[] none = new byte[0];
    assertThrows(IllegalArgumentException.class, () -> builder.file("../x", none));
    assertThrows(IllegalArgumentException.class, () -> builder.file("/", none));
    assertThrows(IllegalArgumentException.class, () -> builder.symlink("l", ""));
    assertThrows(
        IllegalArgumentException.class,
        () -> LayerContent.builder().file("a", none).file("a/b", none).build());
    assertThrows(
        LayerStoreException.class, () -> bytes(LayerContent.builder().file(".wh.x", none).build()));
  }
}
