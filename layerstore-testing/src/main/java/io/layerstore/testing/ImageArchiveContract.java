package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Compression;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Mount;
import io.layerstore.OperationInterruptedException;
import io.layerstore.Platform;
import io.layerstore.Progress;
import io.layerstore.RegisterOptions;
import io.layerstore.SaveOptions;
import io.layerstore.SaveOptions.Format;
import io.layerstore.SaveReport;
import io.layerstore.StoreOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What loading and saving image archives does, whatever driver and file system the store works on;
 * subclasses say which.
 *
 * <p>After every test the store must be closable and must have left nothing behind: no unfinished
 * transaction, no spooled member, and as many directories in the driver as there are layers.
 *
 * <p>With {@code -Dlayerstore.beside=true} another process has the root open all the time, and must
 * see the same at the end.
 */
public abstract class ImageArchiveContract {

  /** More than what a stream keeps in memory of one member. */
  private static final int LARGE = (1 << 20) + 4096;

  private Path root;
  private LayerStore store;

  /** An empty directory of the file system under test. */
  protected abstract Path newDirectory() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  /** The directories that stand for layers in the driver, as names. */
  protected abstract Set<String> driverDirectories(Path root) throws IOException;

  /** Called when a test and all checks after it are done. */
  protected void discardDirectory() throws IOException {}

  private Path directory;

  @BeforeEach
  void openStore() throws IOException {
    directory = newDirectory();
    root = directory.resolve("store");
    store = builder(root).open();
    SecondProcess.open(store);
  }

  @AfterEach
  void nothingIsLeftBehind() throws IOException {
    assertFalse(Thread.interrupted(), "a test left its thread interrupted");
    assertEquals(List.of(), spooled());
    store.close();
    try (LayerStore again = builder(root).open()) {
      assertEquals(List.of(), again.recoveryReport().findings());
      Set<String> expected = new TreeSet<>();
      again.layers().forEach(layer -> expected.add(layer.cacheId()));
      assertEquals(expected, driverDirectories(root));
      SecondProcess.expectTheSame(again);
    }
    SecondProcess.close(root);
    discardDirectory();
  }

  // Fixtures

  /** The store under test. */
  protected LayerStore store() {
    return store;
  }

  /** A directory beside the store, for archives. */
  protected Path directory() {
    return directory;
  }

  private List<String> spooled() throws IOException {
    List<String> names = new ArrayList<>();
    Path tmp = root.resolve("tmp");
    if (Files.isDirectory(tmp)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(tmp)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    return names;
  }

  /** Loads an archive from a stream. */
  protected LoadReport load(ImageFiles files) throws LayerStoreException {
    return store.images().load(ImageSource.of(files.toStream()), LoadOptions.DEFAULT);
  }

  private LoadReport loadFile(ImageFiles files) throws IOException {
    Path file = Files.createTempFile(directory, "archive", ".tar");
    files.writeTar(file);
    return store.images().load(ImageSource.of(file), LoadOptions.DEFAULT);
  }

  /** Checks that nothing is in the store. */
  protected void assertEmpty() {
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.images().list());
    assertEquals(Map.of(), store.images().references().list());
  }

  private void assertLoaded(SampleImage image) throws IOException {
    Image loaded = store.images().get(image.id());
    assertArrayEquals(image.configBytes(), loaded.configBytes().toByteArray());
    Set<ChainId> present = new TreeSet<>();
    for (LayerInfo layer : store.layers()) {
      present.add(layer.chainId());
    }
    assertTrue(present.containsAll(image.chainIds()), present + " lacks " + image.chainIds());
    for (int i = 0; i < image.layers().size(); i++) {
      try (Layer layer = store.get(image.chainIds().get(i));
          InputStream archive = layer.tarStream()) {
        assertArrayEquals(image.layers().get(i), archive.readAllBytes());
      }
    }
  }

  private Map<String, String> names() {
    Map<String, String> names = new TreeMap<>();
    store
        .images()
        .references()
        .list()
        .forEach((reference, id) -> names.put(reference.toString(), id.toString()));
    return names;
  }

  private byte[] save(SaveOptions options, String... images) throws LayerStoreException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    store.images().save(List.of(images), ImageTarget.stream(out), options);
    return out.toByteArray();
  }

  /** From where a test loads. */
  enum From {
    STREAM,
    FILE,
    DIRECTORY,
    GZIP_STREAM,
    GZIP_FILE
  }

  LoadReport load(ImageFiles files, From from) throws IOException {
    Path place = directory.resolve("archive");
    ImageSource source =
        switch (from) {
          case STREAM -> ImageSource.of(files.toStream());
          case FILE -> ImageSource.of(files.writeTar(place));
          case DIRECTORY -> ImageSource.of(files.writeDirectory(place));
          case GZIP_STREAM ->
              ImageSource.of(new ByteArrayInputStream(ImageFiles.gzip(files.toTar())));
          case GZIP_FILE -> ImageSource.of(Files.write(place, ImageFiles.gzip(files.toTar())));
        };
    return store.images().load(source, LoadOptions.DEFAULT);
  }

  void assertRefused(Class<? extends LayerStoreException> type, ImageFiles files)
      throws IOException {
    assertRefused(type, "", files);
  }

  void assertRefused(Class<? extends LayerStoreException> type, String message, ImageFiles files)
      throws IOException {
    for (From from : List.of(From.STREAM, From.FILE, From.DIRECTORY)) {
      LayerStoreException e = assertThrows(type, () -> load(files, from), from.toString());
      assertTrue(e.getMessage().contains(message), e.getMessage());
      assertEmpty();
      TreeDeletion.delete(directory.resolve("archive"));
    }
  }

  @Nested
  class LoadDocker {

    @ParameterizedTest
    @EnumSource
    void load_fromAnywhere_addsImageLayersAndTag(From from) throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      LoadReport report = load(ImageFiles.docker(image, "demo:one"), from);
      assertLoaded(image);
      assertEquals(Map.of("demo:one", image.id().toString()), names());
      assertEquals(
          List.of(
              new LoadReport.LoadedImage(
                  image.id(), List.of(ImageReference.parse("demo:one")), image.chainIds())),
          report.images());
      assertEquals(List.of(), report.notes());
    }

    @ParameterizedTest
    @EnumSource
    void load_largeLayersFromAnywhere_addsImage(From from) throws IOException {
      SampleImage image =
          SampleImage.of(
              SampleImage.largeLayer("a", LARGE, 1),
              SampleImage.layer("b", "small"),
              SampleImage.largeLayer("c", LARGE, 2));
      load(ImageFiles.docker(image, "demo:one"), from);
      assertLoaded(image);
    }

    @Test
    void load_twice_addsNothingTheSecondTime() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      load(ImageFiles.docker(image, "demo:one"));
      LoadReport again = load(ImageFiles.docker(image, "demo:one"));
      assertEquals(List.of(), again.images().get(0).newLayers());
      assertEquals(3, store.layers().size());
    }

    @Test
    void load_layersPresent_notLookedAt() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      load(ImageFiles.docker(image));
      ImageFiles withoutFirst =
          ImageFiles.docker(image, "demo:one").remove(ImageFiles.layerPath(image.layers().get(0)));
      load(withoutFirst);
      assertEquals(Map.of("demo:one", image.id().toString()), names());
    }

    @Test
    void load_imagesThatShareLayers_addsThemOnce() throws IOException {
      byte[] base = SampleImage.layer("base", "x");
      SampleImage one = SampleImage.of(base, SampleImage.layer("one", "1"));
      SampleImage two = SampleImage.of(base, SampleImage.layer("two", "2"));
      LoadReport report =
          load(
              ImageFiles.docker(
                  List.of(one, two),
                  ImageFiles.item(one, "demo:one", "demo:uno"),
                  ImageFiles.item(two, "demo:two")));
      assertLoaded(one);
      assertLoaded(two);
      assertEquals(3, store.layers().size());
      assertEquals(Set.of("demo:one", "demo:uno", "demo:two"), names().keySet());
      assertEquals(two.chainIds(), report.images().get(1).newLayers());
    }

    @ParameterizedTest
    @EnumSource
    void load_sameLayerAtTwoDepths_addsBoth(From from) throws IOException {
      byte[] layer = SampleImage.largeLayer("same", LARGE, 3);
      SampleImage image = SampleImage.of(layer, SampleImage.layer("other", "x"), layer);
      load(ImageFiles.docker(image).smallFirst(), from);
      assertLoaded(image);
      assertEquals(3, store.layers().size());
    }

    @Test
    void load_opaqueRootAboveOtherLayers_hidesThem() throws IOException {
      byte[] below = SampleImage.layer("below", "hidden");
      byte[] opaque =
          new TarBuilder().file(".wh..wh..opq", "").file("above", "seen").end().toBytes();
      SampleImage image = SampleImage.of(SampleImage.largeLayer("large", LARGE, 4), below, opaque);
      load(ImageFiles.docker(image));
      assertLoaded(image);
      try (Layer top = store.get(image.chainIds().get(2));
          Mount mount = top.mount()) {
        assertTrue(Files.exists(mount.path().resolve("above")));
        assertFalse(Files.exists(mount.path().resolve("below")));
        assertFalse(Files.exists(mount.path().resolve("large")));
      }
    }

    @Test
    void load_tagOfAnotherImage_movesItAndSaysSo() throws IOException {
      SampleImage one = SampleImage.small("a", 1);
      SampleImage two = SampleImage.small("b", 1);
      load(ImageFiles.docker(one, "demo:x"));
      LoadReport report = load(ImageFiles.docker(two, "demo:x"));
      assertEquals(Map.of("demo:x", two.id().toString()), names());
      assertEquals(1, report.notes().size());
      assertLoaded(one);
    }

    @Test
    void load_emptyManifest_failsAndAddsNothing() throws IOException {
      assertRefused(
          InvalidImageException.class,
          "no image to load",
          new ImageFiles().put("manifest.json", "[]\n"));
    }

    @Test
    void load_imageWithoutLayers_addsIt() throws IOException {
      SampleImage image = SampleImage.of();
      load(ImageFiles.docker(image, "demo:none"));
      assertLoaded(image);
    }

    @Test
    void load_gzipLayers_addsThem() throws IOException {
      SampleImage image = SampleImage.small("a", 2);
      ImageFiles files = ImageFiles.docker(image);
      for (byte[] layer : image.layers()) {
        files.put(ImageFiles.layerPath(layer), ImageFiles.gzip(layer));
      }
      load(files);
      assertLoaded(image);
    }

    @ParameterizedTest
    @EnumSource
    void load_linkedLayers_followsThem(From from) throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      ImageFiles files = ImageFiles.docker(image);
      String first = ImageFiles.layerPath(image.layers().get(0));
      String second = ImageFiles.layerPath(image.layers().get(1));
      files.put("real/one.tar", image.layers().get(0)).remove(first).link(first, "../real/one.tar");
      files
          .put("real/two.tar", image.layers().get(1))
          .remove(second)
          .link(second, "/../../alias/two.tar")
          .link("alias", "real");
      load(files, from);
      assertLoaded(image);
    }

    @Test
    void load_layerSources_ignored() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      String sources =
          ",\"LayerSources\":{\"sha256:%s\":{\"digest\":\"nonsense\"}}".formatted("0".repeat(64));
      load(
          ImageFiles.docker(
              List.of(image), ImageFiles.item(image, sources, new String[] {"demo:s"})));
      assertLoaded(image);
    }

    @Test
    void load_parentInArchiveWithFittingHistory_noted() throws IOException {
      byte[] base = SampleImage.layer("base", "x");
      byte[] above = SampleImage.layer("above", "y");
      String step = "{\"created\":\"2020-01-01T00:00:00%s\",\"created_by\":\"%s\"}";
      SampleImage parent =
          SampleImage.of(
              "amd64", List.of(base), ",\"history\":[" + step.formatted("Z", "one") + "]");
      SampleImage child =
          SampleImage.of(
              "amd64",
              List.of(base, above),
              ",\"history\":["
                  + step.formatted(".000Z", "one")
                  + ","
                  + step.formatted("Z", "two")
                  + "]");
      LoadReport report =
          load(
              ImageFiles.docker(
                  List.of(parent, child),
                  ImageFiles.item(parent),
                  ImageFiles.item(child, ",\"Parent\":\"" + parent.id() + "\"", new String[0])));
      assertEquals(Optional.of(parent.id()), store.images().get(child.id()).parent());
      assertEquals(List.of(), report.notes());
    }

    @Test
    void load_parentElsewhereOrWithOtherHistory_notNoted() throws IOException {
      SampleImage parent =
          SampleImage.of(
              "amd64",
              List.of(SampleImage.layer("base", "x")),
              ",\"history\":[{\"created_by\":\"one\"}]");
      SampleImage child = SampleImage.small("b", 1);
      String[] none = {};
      String link = ",\"Parent\":\"" + parent.id() + "\"";
      LoadReport alone =
          load(ImageFiles.docker(List.of(child), ImageFiles.item(child, link, none)));
      LoadReport both =
          load(
              ImageFiles.docker(
                  List.of(parent, child),
                  ImageFiles.item(parent),
                  ImageFiles.item(child, link, none)));
      assertEquals(1, alone.notes().size());
      assertEquals(1, both.notes().size());
      assertEquals(Optional.empty(), store.images().get(child.id()).parent());
    }

    @Test
    void load_parentThatIsNoId_notNoted() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      String[] none = {};
      String item = ImageFiles.item(image, ",\"Parent\":\"x\"", none);
      LoadReport report = load(ImageFiles.docker(List.of(image), item));
      assertEquals(
          List.of("the parent \"x\" is not an image id; it was not noted"), report.notes());
    }

    @Test
    void load_nameTwice_isToldOnce() throws IOException {
      LoadReport report = load(ImageFiles.docker(SampleImage.small("a", 1), "a:1", "a:1"));
      assertEquals(List.of(ImageReference.parse("a:1")), report.images().get(0).references());
    }

    @Test
    void load_progress_tellsATotalAndEndsWithDone() throws IOException {
      SampleImage image = SampleImage.small("a", 4);
      List<Progress> told = Collections.synchronizedList(new ArrayList<>());
      store
          .images()
          .load(
              ImageSource.of(ImageFiles.docker(image).writeTar(directory.resolve("archive.tar"))),
              LoadOptions.builder().progress(told::add).build());
      assertEquals(Progress.Phase.DONE, told.get(told.size() - 1).phase());
      assertTrue(
          told.stream().anyMatch(progress -> progress.totalBytes().isPresent()), told.toString());
    }

    @Test
    void load_interrupted_addsNothing() throws IOException {
      SampleImage image = SampleImage.small("a", 5);
      Path file = ImageFiles.docker(image).writeTar(directory.resolve("archive.tar"));
      Thread.currentThread().interrupt();
      assertThrows(
          OperationInterruptedException.class,
          () -> store.images().load(ImageSource.of(file), LoadOptions.DEFAULT));
      assertTrue(Thread.interrupted());
      assertEmpty();
    }
  }

  @Nested
  class Spooling {

    private final List<List<String>> seen = new ArrayList<>();

    /** Looks for spooled members after every read. */
    private LoadReport loadWatching(ImageFiles files) throws IOException {
      InputStream watched =
          new FilterInputStream(files.toStream()) {
            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              List<String> names = spooled();
              if (!names.isEmpty()) {
                seen.add(names);
              }
              return in.read(target, offset, Math.min(length, 100_000));
            }
          };
      return store.images().load(ImageSource.of(watched), LoadOptions.DEFAULT);
    }

    private SampleImage large() {
      return SampleImage.of(
          SampleImage.largeLayer("a", LARGE, 1),
          SampleImage.largeLayer("b", LARGE, 2),
          SampleImage.largeLayer("c", LARGE, 3));
    }

    @Test
    void load_documentsFirst_nothingSpooled() throws IOException {
      SampleImage image = large();
      loadWatching(ImageFiles.docker(image, "demo:x").smallFirst());
      assertEquals(List.of(), seen);
      assertLoaded(image);
    }

    @Test
    void load_ociIndexFirst_nothingSpooled() throws IOException {
      SampleImage image = large();
      loadWatching(ImageFiles.oci(image, ""));
      assertEquals(List.of(), seen);
      assertLoaded(image);
    }

    @Test
    void load_documentsLast_spooledAndRemoved() throws IOException {
      SampleImage image = large();
      loadWatching(ImageFiles.docker(image, "demo:x"));
      assertFalse(seen.isEmpty());
      assertEquals(List.of(), spooled());
      assertLoaded(image);
    }

    @Test
    void load_unneededMembers_neitherSpooledNorKept() throws IOException {
      SampleImage image = large();
      load(ImageFiles.docker(image));
      loadWatching(
          ImageFiles.docker(image, "demo:x")
              .put("other", SampleImage.largeLayer("x", LARGE, 9))
              .smallFirst());
      assertEquals(List.of(), seen);
    }

    @Test
    void load_failsAfterSpooling_spoolRemoved() throws IOException {
      ImageFiles files = ImageFiles.docker(large()).put("manifest.json", "[{]");
      assertThrows(InvalidImageException.class, () -> loadWatching(files));
      assertFalse(seen.isEmpty());
      assertEquals(List.of(), spooled());
      assertEmpty();
    }

    @Test
    void open_spoolOfProcessThatDied_removed() throws IOException {
      store.close();
      Path spool = root.resolve("tmp/layerstore-load-123");
      Files.createDirectories(spool);
      Files.write(spool.resolve("members"), new byte[10]);
      SecondProcess.close(root); // One who is alone looks for it.
      store = builder(root).open();
      SecondProcess.open(store);
      assertEquals(List.of(), spooled());
    }

    @Test
    void load_layersInOtherOrder_loaded() throws IOException {
      SampleImage image = large();
      ImageFiles files = ImageFiles.docker(image).smallFirst();
      byte[] first = image.layers().get(0);
      files.remove(ImageFiles.layerPath(first)).put(ImageFiles.layerPath(first), first);
      loadWatching(files);
      assertLoaded(image);
    }
  }

  @Nested
  class LoadOci {

    private static final String NAME = "\"io.containerd.image.name\":\"docker.io/library/demo:x\"";

    @ParameterizedTest
    @EnumSource
    void load_layout_addsImageWithName(From from) throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      load(ImageFiles.oci(image, NAME), from);
      assertLoaded(image);
      assertEquals(Map.of("demo:x", image.id().toString()), names());
    }

    @Test
    void load_gzipLayers_addsThem() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      load(ImageFiles.oci(image, NAME, "tar+gzip", ImageFiles::gzip));
      assertLoaded(image);
    }

    @ParameterizedTest
    @CsvSource({
      "example.com/team/tool:1,  example.com/team/tool:1",
      "tool:1,                   tool:1",
      "latest,                   ",
      "UPPER/x:1:2,              "
    })
    void load_refName_namesImageIfItIsRepositoryAndTag(String refName, String expected)
        throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      LoadReport report =
          load(ImageFiles.oci(image, "\"org.opencontainers.image.ref.name\":\"" + refName + "\""));
      assertLoaded(image);
      assertEquals(expected == null ? Set.of() : Set.of(expected), names().keySet());
      assertEquals(expected == null ? 1 : 0, report.notes().size());
    }

    private ImageFiles twoPlatforms(SampleImage amd64, SampleImage arm64) {
      byte[] amd64Manifest = ImageFiles.ociManifest(amd64, "tar", amd64.layers()).getBytes(UTF_8);
      byte[] arm64Manifest = ImageFiles.ociManifest(arm64, "tar", arm64.layers()).getBytes(UTF_8);
      String type = "application/vnd.oci.image.manifest.v1+json";
      byte[] nested =
          ImageFiles.index(
                  ImageFiles.descriptor(
                      type,
                      amd64Manifest,
                      ",\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}"),
                  ImageFiles.descriptor(
                      type,
                      arm64Manifest,
                      ",\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\","
                          + "\"variant\":\"v8\"}"),
                  ImageFiles.descriptor(
                      type,
                      new byte[3],
                      ",\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"},"
                          + "\"annotations\":{\"vnd.docker.reference.type\":"
                          + "\"attestation-manifest\"}"))
              .getBytes(UTF_8);
      ImageFiles files =
          ImageFiles.oci(amd64, "").putAll(ImageFiles.oci(arm64, "")).putBlob(nested);
      return files.putIndex(
          ImageFiles.descriptor("application/vnd.oci.image.index.v1+json", nested, ""));
    }

    private Platform platform(String architecture, String variant) {
      return new Platform(
          architecture, "linux", Optional.empty(), List.of(), Optional.ofNullable(variant));
    }

    @ParameterizedTest
    @CsvSource({"amd64,", "arm64,", "arm64,v8", "aarch64,"})
    void load_nestedIndex_addsImageOfPlatform(String architecture, String variant)
        throws IOException {
      SampleImage amd64 = SampleImage.small("a", 1);
      SampleImage arm64 = SampleImage.of("arm64", List.of(SampleImage.layer("arm", "x")), "");
      store
          .images()
          .load(
              ImageSource.of(twoPlatforms(amd64, arm64).toStream()),
              LoadOptions.builder().platform(platform(architecture, variant)).build());
      SampleImage expected = architecture.equals("amd64") ? amd64 : arm64;
      assertEquals(List.of(expected.id()), store.images().list().stream().map(Image::id).toList());
    }

    @ParameterizedTest
    @CsvSource({"riscv64,", "arm64,v9"})
    void load_platformMissing_failsAndListsPlatforms(String architecture, String variant) {
      SampleImage amd64 = SampleImage.small("a", 1);
      SampleImage arm64 = SampleImage.of("arm64", List.of(SampleImage.layer("arm", "x")), "");
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class,
              () ->
                  store
                      .images()
                      .load(
                          ImageSource.of(twoPlatforms(amd64, arm64).toStream()),
                          LoadOptions.builder().platform(platform(architecture, variant)).build()));
      assertTrue(e.getMessage().contains("linux/amd64, linux/arm64/v8"), e.getMessage());
      assertEmpty();
    }

    @Test
    void load_compressedBlobOfAnotherDigest_failsAndAddsNothing() {
      SampleImage image = SampleImage.small("a", 2);
      ImageFiles files = ImageFiles.oci(image, NAME, "tar+gzip", ImageFiles::gzip);
      byte[] blob = ImageFiles.gzip(image.layers().get(1));
      byte[] other = blob.clone();
      other[4] = 7; // the time of the gzip header: the same layer in another blob
      String path = "blobs/sha256/" + io.layerstore.Digest.sha256Of(blob).hex();
      files.put(path, other);
      assertThrows(LayerVerificationException.class, () -> load(files));
      assertEmpty();
    }

    @Test
    void load_blobOfAnotherSize_failsBeforeItIsRead() {
      SampleImage image = SampleImage.small("a", 2);
      ImageFiles files = ImageFiles.oci(image, NAME);
      byte[] layer = image.layers().get(0);
      files.put("blobs/sha256/" + io.layerstore.Digest.sha256Of(layer).hex(), new byte[512]);
      InvalidImageException e = assertThrows(InvalidImageException.class, () -> loadFile(files));
      assertTrue(e.getMessage().contains("has 512 bytes in place of " + layer.length));
      assertEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2047, 2049, 1L << 62})
    void load_layerOfAnotherSizeThanItsDescriptor_fails(long size) throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      assertEquals(2048, image.layers().get(0).length);
      byte[] manifest =
          ImageFiles.ociManifest(image, "tar", image.layers())
              .replace("\"size\":2048", "\"size\":" + size)
              .getBytes(UTF_8);
      assertRefused(
          InvalidImageException.class,
          ImageFiles.oci(image, NAME)
              .putBlob(manifest)
              .putIndex(
                  ImageFiles.descriptor(
                      "application/vnd.oci.image.manifest.v1+json", manifest, "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "1.5", "\"12\"", "99999999999999999999"})
    void load_descriptorWithoutValidSize_fails(String size) {
      SampleImage image = SampleImage.small("a", 1);
      byte[] config = image.configBytes();
      byte[] manifest =
          "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%s},\"layers\":[]}"
              .formatted(io.layerstore.Digest.sha256Of(config), size)
              .getBytes(UTF_8);
      ImageFiles files =
          new ImageFiles()
              .putIndex(
                  ImageFiles.descriptor("application/vnd.oci.image.manifest.v1+json", manifest, ""))
              .putBlob(manifest)
              .putBlob(config);
      assertThrows(InvalidImageException.class, () -> load(files));
      assertEmpty();
    }
  }

  @Nested
  class Refuse {

    @Test
    void load_layerOfAnotherDiffId() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      byte[] wrong = SampleImage.layer("a1", "other content!");
      assertRefused(
          LayerVerificationException.class,
          "invalid diffID for layer 1: expected \"" + image.diffIds().get(1) + "\"",
          ImageFiles.docker(image, "demo:x")
              .put(ImageFiles.layerPath(image.layers().get(1)), wrong));
    }

    @Test
    void load_secondImageIsBad_firstNotThereEither() throws IOException {
      SampleImage good = SampleImage.small("a", 2);
      SampleImage bad = SampleImage.small("b", 2);
      assertRefused(
          LayerVerificationException.class,
          ImageFiles.docker(
                  List.of(good, bad),
                  ImageFiles.item(good, "demo:good"),
                  ImageFiles.item(bad, "demo:bad"))
              .put(ImageFiles.layerPath(bad.layers().get(1)), SampleImage.layer("b1", "wrong")));
    }

    @Test
    void load_layerMissing() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      assertRefused(
          InvalidImageException.class,
          "has no member",
          ImageFiles.docker(image).remove(ImageFiles.layerPath(image.layers().get(2))));
    }
  }

  @Nested
  class Save {

    private SampleImage two() {
      byte[] base = SampleImage.layer("base", "x");
      return SampleImage.of(
          "amd64",
          List.of(base, SampleImage.layer("above", "y"), base),
          ",\"created\":\"2020-02-03T04:05:06.789Z\",\"config\":{\"Cmd\":[\"sh\"]}");
    }

    private LayerStore another() throws LayerStoreException {
      return builder(directory.resolve("another")).open();
    }

    @ParameterizedTest
    @CsvSource({"DOCKER,NONE", "DOCKER,GZIP", "DOCKER,ZSTD", "OCI,NONE", "OCI,GZIP", "OCI,ZSTD"})
    void save_loadedElsewhereAndSavedAgain_sameBytes(Format format, Compression compression)
        throws IOException {
      SampleImage one = two();
      SampleImage other = SampleImage.small("b", 2);
      SaveOptions options =
          SaveOptions.builder()
              .format(format)
              .compression(compression)
              .progress(progress -> {})
              .build();
      load(
          ImageFiles.docker(
              List.of(one, other),
              ImageFiles.item(one, "demo:one", "example.com/demo:uno"),
              ImageFiles.item(other, "demo:two")));
      byte[] saved = save(options, "demo", "example.com/demo");
      try (LayerStore another = another()) {
        another.images().load(ImageSource.of(new ByteArrayInputStream(saved)), LoadOptions.DEFAULT);
        assertEquals(store.images().references().list(), another.images().references().list());
        ByteArrayOutputStream again = new ByteArrayOutputStream();
        another
            .images()
            .save(List.of("demo", "example.com/demo"), ImageTarget.stream(again), options);
        assertArrayEquals(saved, again.toByteArray());
        for (Layer layer : handles(another, one)) {
          layer.close();
        }
      }
    }

    private List<Layer> handles(LayerStore of, SampleImage image) throws LayerStoreException {
      List<Layer> handles = new ArrayList<>();
      for (ChainId chainId : image.chainIds()) {
        handles.add(of.get(chainId));
      }
      return handles;
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void save_toFileAndDirectory_sameAsToStream(Compression compression) throws IOException {
      SampleImage image = two();
      load(ImageFiles.docker(image, "demo:one"));
      SaveOptions options = SaveOptions.builder().compression(compression).build();
      byte[] stream = save(options, "demo:one");
      Path file = directory.resolve("out.tar");
      Path layout = directory.resolve("out");
      store.images().save(List.of("demo:one"), ImageTarget.file(file), options);
      store.images().save(List.of("demo:one"), ImageTarget.directory(layout), options);
      assertArrayEquals(stream, Files.readAllBytes(file));
      Map<String, byte[]> members = members(stream);
      try (Stream<Path> files = Files.walk(layout)) {
        List<Path> regular = files.filter(Files::isRegularFile).toList();
        assertEquals(members.size(), regular.size());
        for (Path each : regular) {
          String name = layout.relativize(each).toString();
          assertArrayEquals(assertNotNull2(members.get(name), name), Files.readAllBytes(each));
        }
      }
    }

    private byte[] assertNotNull2(byte[] bytes, String name) {
      assertNotNull(bytes, name);
      return bytes;
    }

    /** The members of a simple tar. */
    private Map<String, byte[]> members(byte[] tar) {
      Map<String, byte[]> members = new TreeMap<>();
      int position = 0;
      while (tar[position] != 0) {
        int end = position;
        while (tar[end] != 0) {
          end++;
        }
        String name = new String(tar, position, end - position, UTF_8);
        int size = Integer.parseInt(new String(tar, position + 124, 11, UTF_8), 8);
        if (tar[position + 156] == '0') {
          members.put(
              name, java.util.Arrays.copyOfRange(tar, position + 512, position + 512 + size));
        }
        position += 512 + (size + 511) / 512 * 512;
      }
      return members;
    }

    @Test
    void save_docker_isWhatDockerWrites() throws IOException {
      SampleImage image = two();
      load(ImageFiles.docker(image, "demo:one"));
      Map<String, byte[]> members = members(save(SaveOptions.DEFAULT, "demo:one"));
      String base = image.diffIds().get(0).digest().hex();
      String above = image.diffIds().get(1).digest().hex();
      assertEquals(
          "{\"imageLayoutVersion\": \"1.0.0\"}", new String(members.get("oci-layout"), UTF_8));
      assertEquals(
          "{\"demo\":{\"one\":\"" + base + "\"}}\n",
          new String(members.get("repositories"), UTF_8));
      String source =
          "\"sha256:%s\":{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"size\":%d,\"digest\":\"sha256:%s\"}";
      List<String> sources =
          Stream.of(
                  source.formatted(base, image.layers().get(0).length, base),
                  source.formatted(above, image.layers().get(1).length, above))
              .sorted()
              .toList();
      assertEquals(
          "[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"demo:one\"],\"Layers\":[\"blobs/sha256/%s\",\"blobs/sha256/%s\",\"blobs/sha256/%s\"],\"LayerSources\":{%s}}]\n"
              .formatted(image.id().digest().hex(), base, above, base, String.join(",", sources)),
          new String(members.get("manifest.json"), UTF_8));
      String manifest = ImageFiles.ociManifest(image, "tar", image.layers());
      assertEquals(
          ImageFiles.index(
              ImageFiles.descriptor(
                  "application/vnd.oci.image.manifest.v1+json",
                  manifest.getBytes(UTF_8),
                  ",\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/demo:one\",\"org.opencontainers.image.ref.name\":\"one\"}")),
          new String(members.get("index.json"), UTF_8));
    }

    @Test
    void save_docker_describesEachLayerForOldDocker() throws IOException {
      SampleImage image = two();
      load(ImageFiles.docker(image, "demo:one"));
      List<String> described =
          members(save(SaveOptions.DEFAULT, "demo:one")).values().stream()
              .map(bytes -> new String(bytes, UTF_8))
              .filter(text -> text.startsWith("{") && text.contains("\"id\":\""))
              .toList();
      assertEquals(3, described.size());
      String id = null;
      for (int i = 0; i < 3; i++) {
        String parent = id == null ? null : "\"parent\":\"" + id + '"';
        List<String> onIt =
            described.stream()
                .filter(
                    text -> parent == null ? !text.contains("\"parent\"") : text.contains(parent))
                .toList();
        assertEquals(1, onIt.size(), described.toString());
        assertTrue(onIt.get(0).contains("\"os\":\"linux\""), onIt.get(0));
        assertEquals(i == 2, onIt.get(0).contains("\"Cmd\":[\"sh\"]"), onIt.get(0));
        id = onIt.get(0).replaceAll(".*\"id\":\"([0-9a-f]{64})\".*", "$1");
      }
    }

    @Test
    void save_anyTar_entriesAreInDockersOrderWithItsModesAndTimes() throws IOException {
      SampleImage image = two();
      load(ImageFiles.docker(image, "demo:one"));
      byte[] tar = save(SaveOptions.DEFAULT, "demo:one");
      List<String> dated = new ArrayList<>(List.of("blobs/sha256/" + image.id().digest().hex()));
      image.diffIds().forEach(diffId -> dated.add("blobs/sha256/" + diffId.digest().hex()));
      List<String> names = new ArrayList<>();
      int position = 0;
      while (tar[position] != 0) {
        String header =
            new String(tar, position, 512, java.nio.charset.StandardCharsets.ISO_8859_1);
        String name = header.substring(0, header.indexOf(0));
        names.add(name);
        assertEquals(name.endsWith("/") ? "0000755" : "0000644", header.substring(100, 107), name);
        assertEquals("0000000\0" + "0000000\0", header.substring(108, 124), name);
        long modified = Long.parseLong(header.substring(136, 147), 8);
        if (dated.contains(name)) {
          assertEquals(1_580_702_706, modified, name);
        } else if (!name.startsWith("blobs/sha256/")) {
          assertEquals(0, modified, name);
        }
        int size = Integer.parseInt(header.substring(124, 135), 8);
        position += 512 + (size + 511) / 512 * 512;
      }
      assertEquals(names.stream().sorted().toList(), names);
      assertEquals(List.of("blobs/", "blobs/sha256/"), names.subList(0, 2));
      assertEquals(
          List.of("index.json", "manifest.json", "oci-layout", "repositories"),
          names.subList(names.size() - 4, names.size()));
      assertEquals(position + 1024, tar.length);
    }

    @Test
    void save_oci_hasNoDocumentsOfDocker() throws IOException {
      load(ImageFiles.docker(two(), "demo:one"));
      Map<String, byte[]> members =
          members(save(SaveOptions.builder().format(Format.OCI).build(), "demo:one"));
      assertEquals(Set.of("index.json", "oci-layout"), tops(members));
      assertEquals(2 + 4, members.size(), members.keySet().toString());
    }

    private Set<String> tops(Map<String, byte[]> members) {
      Set<String> tops = new TreeSet<>(members.keySet());
      tops.removeIf(name -> name.contains("/"));
      return tops;
    }

    @Test
    void save_byIdAndUntagged_hasNoNames() throws IOException {
      SampleImage image = two();
      load(ImageFiles.docker(image, "demo:one"));
      Map<String, byte[]> members = members(save(SaveOptions.DEFAULT, image.id().toString()));
      assertFalse(members.containsKey("repositories"));
      assertTrue(new String(members.get("manifest.json"), UTF_8).contains("\"RepoTags\":null"));
      assertTrue(new String(members.get("index.json"), UTF_8).contains("\"size\":"));
    }

    @Test
    void save_unknownImage_failsAndLeavesTargetAlone() throws IOException {
      Path file = Files.writeString(directory.resolve("out.tar"), "before");
      assertThrows(
          io.layerstore.ImageNotFoundException.class,
          () ->
              store
                  .images()
                  .save(List.of("nobody:x"), ImageTarget.file(file), SaveOptions.DEFAULT));
      assertEquals("before", Files.readString(file));
    }

    @Test
    void save_intoDirectoryWithFiles_failsAndLeavesThem() throws IOException {
      load(ImageFiles.docker(two(), "demo:one"));
      Path target = Files.createDirectory(directory.resolve("out"));
      Files.writeString(target.resolve("mine"), "x");
      LayerStoreException e =
          assertThrows(
              LayerStoreException.class,
              () ->
                  store
                      .images()
                      .save(
                          List.of("demo:one"), ImageTarget.directory(target), SaveOptions.DEFAULT));
      assertTrue(e.getCause() instanceof DirectoryNotEmptyException, e.toString());
      assertEquals("x", Files.readString(target.resolve("mine")));
    }

    @Test
    void save_besideAFileOfASaveThatWasKilled_deletesIt() throws IOException {
      load(ImageFiles.docker(two(), "demo:one"));
      Path target = Files.createDirectory(directory.resolve("out"));
      Files.writeString(target.resolve(".tmp-a.tar123"), "half");
      Files.writeString(target.resolve(".tmp-a.tar.gz123"), "of another target");
      ImageTarget file = ImageTarget.file(target.resolve("a.tar"));
      store.images().save(List.of("demo:one"), file, SaveOptions.DEFAULT);
      assertEquals(Set.of("a.tar", ".tmp-a.tar.gz123"), StoreNames.in(target));
    }

    @Test
    void save_intoDirectoryOfASaveThatWasKilled_beginsAgain() throws IOException {
      load(ImageFiles.docker(two(), "demo:one"));
      Path target = Files.createDirectory(directory.resolve("out"));
      ImageTarget out = ImageTarget.directory(target);
      store.images().save(List.of("demo:one"), out, SaveOptions.DEFAULT);
      Set<String> complete = StoreNames.in(target);
      Files.createFile(target.resolve(".layerstore-unfinished"));
      Files.createFile(target.resolve("blobs/sha256/.unfinished-1"));
      Files.delete(target.resolve("index.json"));
      store.images().save(List.of("demo:one"), out, SaveOptions.DEFAULT);
      assertEquals(complete, StoreNames.in(target));
      assertFalse(Files.exists(target.resolve("blobs/sha256/.unfinished-1")));
    }

    @Test
    void save_intoDirectoryWithMoreThanAKilledSaveLeaves_leavesThat() throws IOException {
      load(ImageFiles.docker(two(), "demo:one"));
      Path target = Files.createDirectory(directory.resolve("out"));
      Files.createFile(target.resolve(".layerstore-unfinished"));
      Files.writeString(target.resolve("mine"), "x");
      ImageTarget out = ImageTarget.directory(target);
      assertThrows(
          LayerStoreException.class,
          () -> store.images().save(List.of("demo:one"), out, SaveOptions.DEFAULT));
      assertEquals(Set.of("mine"), StoreNames.in(target));
    }

    @Test
    void save_imageWithoutLayers_refusedForDockerOnly() throws IOException {
      load(ImageFiles.docker(SampleImage.of(), "demo:none"));
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> save(SaveOptions.DEFAULT, "demo:none"));
      assertTrue(e.getMessage().endsWith("save it as OCI layout"), e.getMessage());
      assertTrue(save(SaveOptions.builder().format(Format.OCI).build(), "demo:none").length > 0);
    }
  }

  /** Layers that are accepted here and by {@code docker load} of 20.10 not. */
  @Nested
  class RefusedByDocker {

    private static final String CASES =
        """
        file twice           | /a: docker load refuses the layer: the archive has this name before
        directory twice      | /d: docker load refuses the layer: the archive has this name before
        root twice           | /: docker load refuses the layer: the archive has this name before
        global header twice  | /g: docker load refuses the layer: the archive has this name before
        old GNU sparse file  | /s: docker load refuses the layer: it is a sparse file of GNU tar, type S
        deleted after added  | /a: docker load refuses the layer where it uses overlay2: deleted after it was added
        below what it deletes | /d/a: docker load refuses the layer where it uses overlay2: below what it deletes
        absolute and not     |
        usual                |
        """;

    private byte[] layer(String what) {
      TarBuilder tar = new TarBuilder();
      switch (what) {
        case "file twice" -> tar.file("a", "1").file("b", "").file("a", "2");
        case "directory twice" -> tar.directory("d/").file("d/x", "x").directory("./d");
        case "root twice" -> tar.directory("./").directory("./");
        case "global header twice" ->
            tar.paxGlobal("g", "comment", "x").file("a", "a").paxGlobal("g", "comment", "y");
        case "old GNU sparse file" ->
            tar.header(
                    TarHeaderBlock.named("s")
                        .gnu()
                        .type('S')
                        .size(512)
                        .number(386, 12, 0)
                        .number(398, 12, 512)
                        .number(483, 12, 512))
                .padded("x".repeat(512));
        case "deleted after added" -> tar.file("a", "1").file(".wh.a", "");
        case "below what it deletes" -> tar.file(".wh.d", "").file("d/.wh.a", "");
        case "absolute and not" -> tar.file("a", "1").file("/a", "2");
        default -> tar.directory("d/").file("d/a", "1").symlink("d/b", "a").hardLink("c", "d/a");
      }
      return tar.end().toBytes();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = CASES)
    void load_layer_isLoadedAndSaidToBeRefused(String what, String expected) throws IOException {
      SampleImage image = SampleImage.of(layer(what));
      LoadReport report = load(ImageFiles.docker(image, "demo:one"));
      assertLoaded(image);
      assertEquals(notes(image, expected), report.notes());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = CASES)
    void save_layer_isSavedAndSaidToBeRefused(String what, String expected) throws IOException {
      SampleImage image = SampleImage.of(layer(what));
      load(ImageFiles.docker(image, "demo:one"));
      for (Compression compression : Compression.values()) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SaveReport report =
            store
                .images()
                .save(
                    List.of("demo:one"),
                    ImageTarget.stream(out),
                    SaveOptions.builder().compression(compression).build());
        assertEquals(notes(image, expected), report.notes());
      }
    }

    private List<String> notes(SampleImage image, String expected) {
      return expected == null
          ? List.of()
          : List.of("layer " + image.chainIds().get(0) + ": " + expected);
    }
  }

  @Nested
  class Beside {

    @Test
    void load_layerRegisteredMeanwhile_sharedNotDoubled() throws Exception {
      SampleImage image =
          SampleImage.of(SampleImage.layer("base", "x"), SampleImage.largeLayer("large", LARGE, 7));
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      Thread other =
          new Thread(
              () -> {
                try (Layer layer =
                    store.register(
                        new ByteArrayInputStream(image.layers().get(0)), RegisterOptions.DEFAULT)) {
                  layer.chainId();
                } catch (LayerStoreException | RuntimeException e) {
                  failures.add(e);
                }
              });
      InputStream starting =
          new FilterInputStream(ImageFiles.docker(image, "demo:x").smallFirst().toStream()) {
            private long count;

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              int read = in.read(target, offset, Math.min(length, 50_000));
              count += Math.max(read, 0);
              if (count > LARGE / 2 && other.getState() == Thread.State.NEW) {
                other.start();
              }
              return read;
            }
          };
      store.images().load(ImageSource.of(starting), LoadOptions.DEFAULT);
      other.join();
      assertEquals(List.of(), failures);
      assertLoaded(image);
      assertEquals(2, store.layers().size());
    }

    @Test
    void load_sameImagesAtOnceInOtherOrder_bothSucceedAndShareLayers() throws Exception {
      SampleImage one = SampleImage.small("a", 4);
      SampleImage two = SampleImage.small("b", 4);
      ImageFiles forward =
          ImageFiles.docker(
              List.of(one, two), ImageFiles.item(one, "demo:a"), ImageFiles.item(two, "demo:b"));
      ImageFiles backward =
          ImageFiles.docker(
              List.of(two, one), ImageFiles.item(two, "demo:b"), ImageFiles.item(one, "demo:a"));
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      List<Thread> threads = new ArrayList<>();
      for (ImageFiles files : List.of(forward, backward, forward)) {
        Thread thread =
            new Thread(
                () -> {
                  try {
                    load(files);
                  } catch (LayerStoreException | RuntimeException | Error e) {
                    failures.add(e);
                  }
                });
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(List.of(), failures);
      assertLoaded(one);
      assertLoaded(two);
      assertEquals(8, store.layers().size());
    }

    @Test
    void save_imageDeletedMeanwhile_complete() throws IOException {
      SampleImage image = SampleImage.small("a", 3);
      load(ImageFiles.docker(image, "demo:x"));
      byte[] expected = save(SaveOptions.DEFAULT, "demo:x");
      ByteArrayOutputStream out =
          new ByteArrayOutputStream() {
            private boolean isDeleted;

            @Override
            public synchronized void write(byte[] bytes, int offset, int length) {
              if (!isDeleted) {
                isDeleted = true;
                try {
                  store.images().delete(image.id(), true);
                } catch (LayerStoreException e) {
                  throw new AssertionError(e);
                }
              }
              super.write(bytes, offset, length);
            }
          };
      store.images().save(List.of("demo:x"), ImageTarget.stream(out), SaveOptions.DEFAULT);
      assertArrayEquals(expected, out.toByteArray());
    }

    @Test
    void close_whileSaving_waitsForTheSave() throws Exception {
      SampleImage image = SampleImage.small("a", 6);
      SaveOptions options = SaveOptions.builder().compression(Compression.GZIP).build();
      List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
      List<Thread> closing = new ArrayList<>();
      ExecutorService pool = Executors.newCachedThreadPool();
      // Lets the close wait before any other thread helps with the save.
      Executor executor =
          task -> {
            for (Thread thread : closing) {
              if (thread.getState() == Thread.State.NEW) {
                thread.start();
                while (thread.getState() != Thread.State.WAITING && thread.isAlive()) {
                  Thread.onSpinWait();
                }
              }
            }
            pool.execute(task);
          };
      LayerStore other = builder(directory.resolve("other")).executor(executor).open();
      other.images().load(ImageSource.of(ImageFiles.docker(image).toStream()), LoadOptions.DEFAULT);
      closing.add(
          new Thread(
              () -> {
                try {
                  other.close();
                } catch (LayerStoreException | RuntimeException e) {
                  failures.add(e);
                }
              }));
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      other.images().save(List.of(image.id().toString()), ImageTarget.stream(out), options);
      closing.get(0).join();
      pool.shutdown();
      assertEquals(List.of(), failures);
      load(ImageFiles.docker(image));
      assertArrayEquals(save(options, image.id().toString()), out.toByteArray());
    }
  }
}
