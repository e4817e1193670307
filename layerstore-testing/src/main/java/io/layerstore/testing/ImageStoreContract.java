package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.AmbiguousIdException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.CommitImageOptions;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DiskUsage;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageConfig;
import io.layerstore.ImageConfig.HistoryEntry;
import io.layerstore.ImageId;
import io.layerstore.ImageInUseException;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.ImageStore;
import io.layerstore.ImportOptions;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.NameConflictException;
import io.layerstore.Platform;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import io.layerstore.RWLayer;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.ReferenceStore;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every image store does, whatever driver and file system it works on; subclasses say which.
 *
 * <p>After every test the store must open again without findings, and with the same images.
 *
 * <p>With {@code -Dlayerstore.beside=true} another process has the root open all the time, and must
 * see the same at the end.
 */
public abstract class ImageStoreContract {

  private static final Instant THEN = Instant.parse("2020-01-02T03:04:05.0607Z");
  private static final Digest MANIFEST = Digest.sha256Of("manifest".getBytes(UTF_8));

  private Path root;
  private LayerStore store;

  /** An empty directory, or the path of one that can be made. */
  protected abstract Path newRoot() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  /** Called when a test and all checks after it are done. */
  protected void discardRoot() throws IOException {}

  @BeforeEach
  void openStore() throws IOException {
    root = newRoot();
    store = builder(root).open();
    SecondProcess.open(store);
  }

  @AfterEach
  void everythingIsThereAgain() throws IOException {
    List<Image> before = images().list();
    Map<ImageReference, ImageId> names = images().references().list();
    reopen();
    assertEquals(List.of(), store.recoveryReport().findings());
    assertEquals(before, images().list());
    assertEquals(names, images().references().list());
    SecondProcess.expectTheSame(store);
    store.close();
    SecondProcess.close(root);
    discardRoot();
  }

  // Fixtures

  private ImageStore images() {
    return store.images();
  }

  private ReferenceStore references() {
    return images().references();
  }

  private void reopen() throws IOException {
    store.close();
    SecondProcess.close(root);
    store = builder(root).open();
    SecondProcess.open(store);
  }

  private Path imageDirectory() {
    return root.resolve("image/" + store.driverName());
  }

  private Path content(ImageId id) {
    return imageDirectory().resolve("imagedb/content/sha256/" + id.digest().hex());
  }

  private Path metadata(ImageId id, String name) {
    return imageDirectory().resolve("imagedb/metadata/sha256/" + id.digest().hex()).resolve(name);
  }

  private String repositories() throws IOException {
    return Files.readString(imageDirectory().resolve("repositories.json"));
  }

  private static byte[] tar(String name, String content) {
    return new TarBuilder().file(name, content).end().toBytes();
  }

  private static ImageReference ref(String text) {
    return ImageReference.parse(text);
  }

  private static byte[] config(String extra, List<DiffId> diffIds) {
    return """
    {"architecture":"amd64","os":"linux"%s,"rootfs":{"type":"layers","diff_ids":[%s]}}"""
        .formatted(
            extra,
            diffIds.stream()
                .map(diffId -> '"' + diffId.toString() + '"')
                .collect(Collectors.joining(",")))
        .getBytes(UTF_8);
  }

  /** Registers layers with the files {@code names}, and makes an image of them. */
  private Image image(String extra, String... names) throws IOException {
    List<DiffId> diffIds = new ArrayList<>();
    List<Layer> layers = new ArrayList<>();
    ChainId parent = null;
    for (String name : names) {
      Layer layer = store.register(new ByteArrayInputStream(tar(name, name)), parent);
      layers.add(layer);
      diffIds.add(layer.diffId());
      parent = layer.chainId();
    }
    Image image = images().create(config(extra, diffIds));
    layers.forEach(Layer::close);
    return image;
  }

  private static String label(String value) {
    return ",\"config\":{\"Labels\":{\"l\":\"" + value + "\"}}";
  }

  private List<ChainId> chainIds() {
    return store.layers().stream().map(LayerInfo::chainId).toList();
  }

  private static List<ChainId> chainIds(List<LayerInfo> layers) {
    return layers.stream().map(LayerInfo::chainId).toList();
  }

  private static List<ImageId> ids(List<Image> images) {
    return images.stream().map(Image::id).toList();
  }

  private List<Object> state() throws IOException {
    return List.of(
        images().list(),
        references().list(),
        chainIds(),
        store.rwLayers(),
        files(imageDirectory()));
  }

  private static List<String> files(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).map(Path::toString).sorted().toList();
    }
  }

  /** Adding an image. */
  @Nested
  protected class Create {

    @Test
    void create_twoLayerVector_hasTheKnownId() throws IOException {
      Layer base = store.register(stream(0), RegisterOptions.DEFAULT);
      Layer top = store.register(stream(1), base.chainId());
      Image image =
          images()
              .create(
                  """
                  {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["%s", "%s"]}}"""
                      .formatted(base.diffId(), top.diffId())
                      .getBytes(UTF_8));
      base.close();
      top.close();
      assertEquals(
          "sha256:6886a6ae219073d9bc2ecfd0bdeaa3b7d9ca5b27468f0428fe79d6dd2ba24520",
          image.id().toString());
      assertEquals(AppendixA.TWO_CHAIN_ID, image.topLayer().orElseThrow().toString());
    }

    private ByteArrayInputStream stream(int layer) {
      return new ByteArrayInputStream(
          (layer == 0 ? AppendixA.TWO_BASE : AppendixA.TWO_TOP).bytes());
    }

    @Test
    void create_config_isKeptVerbatimUnderItsHash() throws IOException {
      Image image = image(label("x"), "a");
      byte[] onDisk = Files.readAllBytes(content(image.id()));
      assertArrayEquals(image.configBytes().toByteArray(), onDisk);
      assertEquals(Digest.sha256Of(onDisk), image.id().digest());
      if (root.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        assertEquals(
            "rw-------",
            PosixFilePermissions.toString(Files.getPosixFilePermissions(content(image.id()))));
        assertEquals(
            "rwx------",
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(content(image.id()).getParent())));
      }
    }

    @Test
    void create_twice_isTheSameImage() throws IOException {
      Image image = image("", "a");
      List<Object> before = state();
      assertEquals(image, images().create(image.configBytes().toByteArray()));
      assertEquals(before, state());
    }

    @Test
    void create_holdsItsTopLayer() throws IOException {
      Image image = image("", "a", "b");
      Layer top = store.get(image.topLayer().orElseThrow());
      assertEquals(2, top.usage().handles());
      assertEquals(List.of(), store.release(top));
      assertEquals(2, store.layers().size());
    }

    @Test
    void create_missingLayer_refusedAndNothingAdded() throws IOException {
      List<Object> before = state();
      DiffId missing = new DiffId(Digest.sha256Of(new byte[] {1}));
      LayerNotFoundException e =
          assertThrows(
              LayerNotFoundException.class, () -> images().create(config("", List.of(missing))));
      assertEquals(missing.toString(), e.id());
      assertEquals(before, state());
    }

    @Test
    void create_withoutDiffIds_isAnImageWithoutLayers() throws IOException {
      Image image = images().create("{\"rootfs\":{\"type\":\"layers\"}}".getBytes(UTF_8));
      assertEquals(Optional.empty(), image.topLayer());
      assertEquals(List.of(), images().delete(image.id(), false));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "{",
          "[]",
          "{}",
          "null",
          "{\"rootfs\":null}",
          "{\"rootfs\":[]}",
          "{\"rootfs\":{\"diff_ids\":[\"sha256:abc\"]}}",
          "{\"rootfs\":{\"diff_ids\":[\"../../x\"]}}",
          "{\"rootfs\":{\"diff_ids\":{}}}",
          "{\"rootfs\":{}} x",
          "{\"rootfs\":{},\"history\":[{}]}",
          "{\"rootfs\":{},\"history\":{}}",
          "{\"rootfs\":{},\"os\":\"windows\"}",
          "{\"rootfs\":{},\"os\":\"Linux\"}",
          "{\"rootfs\":{},\"OS\":\"LINUX\"}",
          "{\"rootfs\":{},\"os\":\"linux\",\"os\":\"Linux\"}",
          "{\"rootfs\":{},\"os\":\"linux \"}",
          "{\"rootfs\":{},\"os\":\"l\u0131nux\"}",
          "{\"rootfs\":{},\"os\":7}",
          "{\"rootfs\":{},\"os.version\":7}",
          "{\"rootfs\":{},\"architecture\":7}",
          "{\"rootfs\":{},\"created\":\"2021-03-04T05:06:07,5Z\"}",
          "{\"rootfs\":{},\"config\":{\"Healthcheck\":{\"StartInterval\":\"5s\"}}}",
          "{\"rootfs\":{\"type\":7}}",
          "{\"rootfs\":{\"diff_ids\":[7]}}",
          "{\"rootfs\":{},\"created\":\"yesterday\"}",
          "{\"rootfs\":{},\"config\":{\"Env\":\"A=b\"}}",
          "{\"rootfs\":{},\"config\":{\"Tty\":\"yes\"}}",
          "{\"rootfs\":{},\"config\":{\"Healthcheck\":{\"Interval\":1.5}}}"
        })
    void create_noConfiguration_refusedAndNothingAdded(String text) throws IOException {
      List<Object> before = state();
      assertThrows(InvalidImageException.class, () -> images().create(text.getBytes(UTF_8)));
      assertEquals(before, state());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"secret\"",
          "secret",
          "{\"rootfs\":{}} secret",
          "{\"a\":secret}",
          "[\"secret\\x\"]"
        })
    void create_noJson_saysWhereAndNothingOfTheText(String text) {
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> images().create(text.getBytes(UTF_8)));
      assertTrue(e.getMessage().contains("at line 1, column "), e.getMessage());
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        assertFalse(cause.toString().contains("secret"), cause.toString());
      }
    }

    @Test
    void create_moreThanFourMebibytes_refused() {
      byte[] config = ("{\"rootfs\":{},\"x\":\"" + "x".repeat(4 << 20) + "\"}").getBytes(UTF_8);
      assertThrows(InvalidImageException.class, () -> images().create(config));
    }

    @Test
    void create_nestedTooDeep_refused() {
      byte[] config =
          ("{\"rootfs\":{},\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}")
              .getBytes(UTF_8);
      assertThrows(InvalidImageException.class, () -> images().create(config));
    }

    @Test
    void create_tooManyHistoryEntriesThatMadeLayers_refusedWithDockersWords() {
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class,
              () ->
                  images()
                      .create(
                          "{\"rootfs\":{},\"history\":[{\"empty_layer\":true},{}]}"
                              .getBytes(UTF_8)));
      assertTrue(e.getMessage().contains("too many non-empty layers in History section"));
    }

    @Test
    void create_withoutRootFs_refusedWithDockersWords() {
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> images().create("{}".getBytes(UTF_8)));
      assertTrue(e.getMessage().contains("invalid image JSON, no RootFS key"));
    }

    @Test
    void create_byManyThreads_isOneImage() throws Exception {
      Layer layer =
          store.register(new ByteArrayInputStream(tar("a", "a")), RegisterOptions.DEFAULT);
      byte[] config = config("", List.of(layer.diffId()));
      List<Image> made = concurrently(8, () -> images().create(config));
      assertEquals(1, made.stream().distinct().count());
      assertEquals(2, layer.usage().handles());
      layer.close();
    }
  }

  private static <T> List<T> concurrently(int times, Callable<T> task) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(times);
    try {
      List<Future<T>> futures = new ArrayList<>();
      for (int i = 0; i < times; i++) {
        futures.add(threads.submit(task));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get());
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  /** What a configuration says. */
  @Nested
  protected class Config {

    @Test
    void config_ofDocker_isShown() throws IOException {
      ImageConfig config =
          read(
              """
              {"architecture":"arm64","variant":"v8","author":"me","created":"2021-02-03T04:05:06.123456789+01:00",
               "config":{"User":"u:g","Env":["A=b"],"Entrypoint":["/e"],"Cmd":["c","d"],"WorkingDir":"/w","Labels":{"k":"v"},
                         "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Volumes":{"/v":{}},"StopSignal":"SIGINT"},
               "history":[{"created":"2020-01-01T00:00:00Z","created_by":"x","author":"y","comment":"z","empty_layer":true}],
               "os":"linux","rootfs":{"type":"layers"},"surprise":[1,{"a":null}]}
              """);
      assertEquals("arm64", config.architecture());
      assertEquals(Optional.of("v8"), config.variant());
      assertEquals(Optional.of("me"), config.author());
      assertEquals("linux", config.os());
      assertEquals(Instant.parse("2021-02-03T03:05:06.123456789Z"), config.created().orElseThrow());
      assertEquals(
          new ImageConfig.RunConfig(
              "u:g",
              List.of("A=b"),
              List.of("/e"),
              List.of("c", "d"),
              "/w",
              Map.of("k", "v"),
              List.of("53/udp", "80/tcp"),
              List.of("/v"),
              Optional.of("SIGINT")),
          config.run());
      assertEquals(
          List.of(
              new HistoryEntry(
                  Optional.of(Instant.parse("2020-01-01T00:00:00Z")),
                  Optional.of("x"),
                  Optional.of("y"),
                  Optional.of("z"),
                  true)),
          config.history());
    }

    private ImageConfig read(String json) throws IOException {
      return images().create(json.getBytes(UTF_8)).config();
    }

    @Test
    void config_namesInOtherCase_areTheSameNames() throws IOException {
      assertEquals(
          Optional.of("me"), read("{\"ROOTFS\":{\"Diff_IDs\":null},\"AUTHOR\":\"me\"}").author());
    }

    @Test
    void config_duplicateNames_lastOneCountsAndObjectsAreMerged() throws IOException {
      ImageConfig config =
          read(
              "{\"rootfs\":{},\"author\":\"a\",\"Author\":\"b\",\"author\":null,"
                  + "\"config\":{\"User\":\"u\",\"Cmd\":[\"1\"]},\"config\":{\"Cmd\":[\"2\"]}}");
      assertEquals(Optional.of("b"), config.author());
      assertEquals("u", config.run().user());
      assertEquals(List.of("2"), config.run().cmd());
    }

    @Test
    void config_commandAsOneString_isACommandOfOneWord() throws IOException {
      assertEquals(
          List.of("run me"), read("{\"rootfs\":{},\"config\":{\"Cmd\":\"run me\"}}").run().cmd());
    }

    @Test
    void config_nothingSaid_isEmpty() throws IOException {
      ImageConfig config =
          read("{\"rootfs\":{},\"created\":\"0001-01-01T00:00:00Z\",\"config\":null}");
      assertEquals(Optional.empty(), config.created());
      assertEquals(ImageConfig.RunConfig.EMPTY, config.run());
      assertEquals("", config.os());
    }

    @Test
    void config_malformedUtf8_isReadWithReplacements() throws IOException {
      byte[] config = "{\"rootfs\":{},\"author\":\"?\"}".getBytes(UTF_8);
      config[config.length - 3] = (byte) 0xff;
      Image image = images().create(config);
      assertEquals(Optional.of("\ufffd"), image.config().author());
      assertArrayEquals(config, image.configBytes().toByteArray());
    }
  }

  /** Finding images. */
  @Nested
  protected class Find {

    @Test
    void get_unknown_refused() {
      ImageId unknown = ImageId.of(new byte[] {1});
      ImageNotFoundException e =
          assertThrows(ImageNotFoundException.class, () -> images().get(unknown));
      assertEquals(unknown.toString(), e.id());
    }

    @Test
    void get_afterReopen_isTheSameImage() throws IOException {
      Image image = image(label("x"), "a", "b");
      reopen();
      assertEquals(image, images().get(image.id()));
    }

    @Test
    void list_isSortedById() throws IOException {
      List<ImageId> made = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        made.add(image(label("" + i), "a").id());
      }
      assertEquals(made.stream().sorted().toList(), ids(images().list()));
    }

    @Test
    void resolve_beginningOfId_withAndWithoutAlgorithm() throws IOException {
      Image image = image("", "a");
      String hex = image.id().digest().hex();
      assertEquals(image, images().resolve(hex.substring(0, 12)));
      assertEquals(image, images().resolve("sha256:" + hex.substring(0, 7)));
      assertEquals(image, images().resolve(hex));
      assertEquals(image, images().resolve(image.id().toString()));
    }

    @Test
    void resolve_reference_inShortAndLongForm() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("debian"), image.id(), false);
      for (String text :
          List.of(
              "debian", "debian:latest", "docker.io/library/debian", "index.docker.io/debian")) {
        assertEquals(image, images().resolve(text));
      }
    }

    @Test
    void resolve_referenceThatIsBeginningOfAnotherId_referenceWins() throws IOException {
      Image named = image(label("named"), "a");
      Image other = image(label("other"), "a");
      String prefix = other.id().digest().hex().substring(0, 10);
      references().addTag(ref(prefix), named.id(), false);
      assertEquals(named, images().resolve(prefix));
    }

    @Test
    void resolve_severalIds_refusedWithCandidates() throws IOException {
      for (int i = 0; i < 17; i++) {
        image(label("" + i), "a");
      }
      List<ImageId> ids = ids(images().list());
      String shared =
          ids.stream()
              .map(id -> id.digest().hex().substring(0, 1))
              .collect(Collectors.groupingBy(digit -> digit, Collectors.counting()))
              .entrySet()
              .stream()
              .filter(entry -> entry.getValue() > 1)
              .findFirst()
              .orElseThrow()
              .getKey();
      AmbiguousIdException e =
          assertThrows(AmbiguousIdException.class, () -> images().resolve(shared));
      assertTrue(e.candidates().size() > 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "nothing", "0123456789", "sha256:", "Not A Name", "a:b:c", "../x"})
    void resolve_nothing_refused(String text) throws IOException {
      image("", "a");
      assertThrows(ImageNotFoundException.class, () -> images().resolve(text));
    }
  }

  /** Which image was made from which. */
  @Nested
  protected class Parents {

    @Test
    void setParent_isKeptAndShown() throws IOException {
      Image parent = image(label("p"), "a");
      Image child = image(label("c"), "a");
      images().setParent(child.id(), parent.id());
      reopen();
      assertEquals(Optional.of(parent.id()), images().get(child.id()).parent());
      assertEquals(List.of(child.id()), ids(images().children(parent.id())));
      assertEquals(parent.id().toString(), Files.readString(metadata(child.id(), "parent")));
    }

    @Test
    void setParent_missing_refused() throws IOException {
      Image image = image("", "a");
      ImageId unknown = ImageId.of(new byte[] {1});
      assertThrows(ImageNotFoundException.class, () -> images().setParent(image.id(), unknown));
      assertThrows(ImageNotFoundException.class, () -> images().setParent(unknown, image.id()));
      assertFalse(Files.exists(metadata(image.id(), "parent")));
    }

    @Test
    void setParent_circle_refused() throws IOException {
      Image one = image(label("1"), "a");
      Image two = image(label("2"), "a");
      images().setParent(two.id(), one.id());
      assertThrows(IllegalArgumentException.class, () -> images().setParent(one.id(), two.id()));
      assertThrows(IllegalArgumentException.class, () -> images().setParent(one.id(), one.id()));
      assertEquals(Optional.empty(), images().get(one.id()).parent());
    }

    @Test
    void delete_parentByForce_childrenForgetIt() throws IOException {
      Image parent = image(label("p"), "a");
      Image child = image(label("c"), "a");
      images().setParent(child.id(), parent.id());
      ImageInUseException e =
          assertThrows(ImageInUseException.class, () -> images().delete(parent.id(), false));
      assertEquals(List.of(child.id()), e.children());
      assertEquals(List.of(), images().delete(parent.id(), true));
      assertEquals(Optional.empty(), images().get(child.id()).parent());
      assertFalse(Files.exists(metadata(child.id(), "parent")));
    }
  }

  /** Deleting an image. */
  @Nested
  protected class Delete {

    @Test
    void delete_onlyImage_layersGoChildFirst() throws IOException {
      Image image = image("", "a", "b", "c");
      List<ChainId> topDown = new ArrayList<>();
      for (int i = 3; i > 0; i--) {
        topDown.add(ChainId.of(image.config().diffIds().subList(0, i)).orElseThrow());
      }
      assertEquals(topDown, chainIds(images().delete(image.id(), false)));
      assertEquals(List.of(), store.layers());
      assertEquals(List.of(), images().list());
      assertFalse(Files.exists(content(image.id())));
    }

    @Test
    void delete_removesContentMetadataAndReference() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x"), image.id(), false);
      assertTrue(Files.exists(metadata(image.id(), "lastUpdated")));
      images().delete(image.id(), false);
      assertFalse(Files.exists(content(image.id())));
      assertFalse(Files.exists(metadata(image.id(), "lastUpdated").getParent()));
      assertEquals("{\"Repositories\":{}}", repositories());
    }

    @Test
    void delete_layersThatAnotherImageHas_stay() throws IOException {
      Image small = image("", "a");
      Image large = image("", "a", "b");
      assertEquals(
          List.of(large.topLayer().orElseThrow()), chainIds(images().delete(large.id(), false)));
      assertEquals(List.of(small.topLayer().orElseThrow()), chainIds());
    }

    @Test
    void delete_imageUnderReadWriteLayer_refusedNamingIt() throws IOException {
      Image image = image("", "a");
      RWLayer work = store.createRWLayer("work", image.topLayer().orElseThrow());
      List<Object> before = state();
      ImageInUseException e =
          assertThrows(ImageInUseException.class, () -> images().delete(image.id(), false));
      assertEquals(List.of("work"), e.rwLayers());
      assertEquals(before, state());
      store.releaseRWLayer(work);
    }

    @Test
    void delete_imageUnderReadWriteLayerByForce_layersStay() throws IOException {
      Image image = image("", "a");
      RWLayer work = store.createRWLayer("work", image.topLayer().orElseThrow());
      assertEquals(List.of(), images().delete(image.id(), true));
      assertEquals(List.of(), images().list());
      assertEquals(1, store.layers().size());
      assertEquals(List.of(image.topLayer().orElseThrow()), chainIds(store.releaseRWLayer(work)));
    }

    @Test
    void delete_severalTags_refusedNamingThem() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x:1"), image.id(), false);
      references().addTag(ref("x:2"), image.id(), false);
      ImageInUseException e =
          assertThrows(ImageInUseException.class, () -> images().delete(image.id(), false));
      assertEquals(List.of("x:1", "x:2"), e.references());
      assertEquals(1, images().delete(image.id(), true).size());
      assertEquals(Map.of(), references().list());
    }

    @Test
    void delete_tagAndDigestOfOneRepository_areOneReference() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x:1"), image.id(), false);
      references().addDigest(ref("x"), MANIFEST, image.id());
      assertEquals(1, images().delete(image.id(), false).size());
      assertEquals(Map.of(), references().list());
    }

    @Test
    void delete_layerWithOpenHandle_stays() throws IOException {
      Image image = image("", "a");
      Layer layer = store.get(image.topLayer().orElseThrow());
      assertEquals(List.of(), images().delete(image.id(), false));
      assertEquals(1, store.release(layer).size());
    }

    @Test
    void delete_twice_secondFindsNothing() throws IOException {
      Image image = image("", "a");
      images().delete(image.id(), false);
      assertThrows(ImageNotFoundException.class, () -> images().delete(image.id(), false));
    }

    @Test
    void delete_andCreateAgain_isTheSameImage() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x"), image.id(), false);
      images().delete(image.id(), false);
      assertEquals(image, image("", "a"));
      assertFalse(Files.exists(metadata(image.id(), "lastUpdated")));
    }

    @Test
    void createTagAndDelete_byManyThreads_leaveNothing() throws Exception {
      concurrently(
          8,
          () -> {
            String name = Thread.currentThread().getName();
            for (int i = 0; i < 5; i++) {
              Image image = image(label(name), "shared", "own-" + name.hashCode());
              ImageReference reference = ref("r:" + Integer.toUnsignedString(name.hashCode()));
              references().addTag(reference, image.id(), true);
              assertEquals(image, images().resolve(reference.toString()));
              images().delete(image.id(), false);
            }
            return name;
          });
      assertEquals(List.of(), images().list());
      assertEquals(List.of(), store.layers());
      assertEquals("{\"Repositories\":{}}", repositories());
    }
  }

  /** Names. */
  @Nested
  protected class References {

    @ParameterizedTest
    @CsvSource({
      "debian,debian,debian:latest",
      "docker.io/library/debian:12,debian,debian:12",
      "team/tool:v1,team/tool,team/tool:v1",
      "127.0.0.1:5055/foo/two:v1,127.0.0.1:5055/foo/two,127.0.0.1:5055/foo/two:v1",
      "localhost/x,localhost/x,localhost/x:latest"
    })
    void addTag_isWrittenUnderFamiliarNames(String text, String repository, String name)
        throws IOException {
      Image image = image("", "a");
      references().addTag(ref(text), image.id(), false);
      assertEquals(
          "{\"Repositories\":{\"" + repository + "\":{\"" + name + "\":\"" + image.id() + "\"}}}",
          repositories());
    }

    @Test
    void addTag_severalRepositories_areSortedOnOneLine() throws IOException {
      Image image = image("", "a");
      String id = image.id().toString();
      for (String text : List.of("b:2", "b:10", "a/c:1", "b:1")) {
        references().addTag(ref(text), image.id(), false);
      }
      assertEquals(
          "{\"Repositories\":{\"a/c\":{\"a/c:1\":\"ID\"},\"b\":{\"b:1\":\"ID\",\"b:10\":\"ID\",\"b:2\":\"ID\"}}}"
              .replace("ID", id),
          repositories());
    }

    @Test
    void addTag_notesTheTime() throws IOException {
      Image image = image("", "a");
      Instant before = Instant.now();
      references().addTag(ref("x"), image.id(), false);
      String text = Files.readString(metadata(image.id(), "lastUpdated"));
      assertFalse(Instant.parse(text).isBefore(before.minusSeconds(1)), text);
      assertTrue(text.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d*[1-9])?Z"), text);
    }

    @Test
    void addTag_ofAnotherImage_refusedUnlessForced() throws IOException {
      Image one = image(label("1"), "a");
      Image two = image(label("2"), "a");
      references().addTag(ref("x"), one.id(), false);
      NameConflictException e =
          assertThrows(
              NameConflictException.class, () -> references().addTag(ref("x"), two.id(), false));
      assertEquals("x:latest", e.name());
      assertEquals(Optional.of(one.id()), references().find(ref("x")));
      references().addTag(ref("x"), two.id(), true);
      assertEquals(Optional.of(two.id()), references().find(ref("x")));
      assertEquals(List.of(), references().of(one.id()));
    }

    @Test
    void addTag_again_changesNothing() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x"), image.id(), false);
      references().addTag(ref("x"), image.id(), false);
      assertEquals(List.of(ref("x")), references().of(image.id()));
    }

    @Test
    void addTag_digestReference_refused() throws IOException {
      Image image = image("", "a");
      assertThrows(
          IllegalArgumentException.class,
          () -> references().addTag(ref("x@" + MANIFEST), image.id(), true));
    }

    @Test
    void addTag_unknownImage_refused() {
      assertThrows(
          ImageNotFoundException.class,
          () -> references().addTag(ref("x"), ImageId.of(new byte[] {1}), true));
    }

    @Test
    void addTag_tagAndDigest_isADigestReference() throws IOException {
      Image image = image("", "a");
      ImageReference both = ref("x:1@" + MANIFEST);
      references().addDigest(both, both.digest().orElseThrow(), image.id());
      assertEquals(
          "{\"Repositories\":{\"x\":{\"x@" + MANIFEST + "\":\"" + image.id() + "\"}}}",
          repositories());
    }

    @Test
    void addDigest_ofAnotherImage_refused() throws IOException {
      Image one = image(label("1"), "a");
      Image two = image(label("2"), "a");
      references().addDigest(ref("x"), MANIFEST, one.id());
      references().addDigest(ref("x"), MANIFEST, one.id());
      NameConflictException e =
          assertThrows(
              NameConflictException.class,
              () -> references().addDigest(ref("x"), MANIFEST, two.id()));
      assertTrue(e.getMessage().contains("cannot overwrite digest " + MANIFEST));
      assertEquals(one, images().resolve("x@" + MANIFEST));
    }

    @Test
    void remove_lastOfARepository_removesTheRepository() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x"), image.id(), false);
      references().addTag(ref("y"), image.id(), false);
      assertTrue(references().remove(ref("x")));
      assertEquals(
          "{\"Repositories\":{\"y\":{\"y:latest\":\"" + image.id() + "\"}}}", repositories());
      assertTrue(references().remove(ref("y")));
      assertEquals("{\"Repositories\":{}}", repositories());
    }

    @Test
    void remove_unknown_isFalse() throws IOException {
      assertFalse(references().remove(ref("x")));
    }

    @Test
    void addTag_byManyThreads_allAreThere() throws Exception {
      Image image = image("", "a");
      concurrently(
          8,
          () -> {
            ImageReference name =
                ref("n:" + Integer.toUnsignedString(Thread.currentThread().getName().hashCode()));
            references().addTag(name, image.id(), false);
            return name;
          });
      assertEquals(8, references().list().size());
    }
  }

  /** What is known of registries. */
  @Nested
  protected class Distribution {

    private final DiffId diffId = new DiffId(Digest.sha256Of(new byte[] {7}));

    private Source source(int i) {
      return new Source(Digest.sha256Of(("" + i).getBytes(UTF_8)), "example.com/r", "");
    }

    @Test
    void hmac_ofDocker_isReproduced() {
      assertEquals(
          "7c7efdb06431dbacd874c04b36d5ab5f34c0ae7b57488a670ecd9852796e7e51",
          images()
              .distribution()
              .hmac(
                  "{}",
                  Digest.parse(
                      "sha256:9867787d41a721f9ffaa73b450c8c51e9a79369de113a21d72edb57d156e0316"),
                  "127.0.0.1:5055/foo/two"));
    }

    @Test
    void add_isWrittenAsDockerDoes() throws IOException {
      Source source = new Source(MANIFEST, "example.com/r", "ab");
      images().distribution().add(diffId, source);
      Path directory = imageDirectory().resolve("distribution");
      assertEquals(
          "[{\"Digest\":\""
              + MANIFEST
              + "\",\"SourceRepository\":\"example.com/r\",\"HMAC\":\"ab\"}]",
          Files.readString(
              directory.resolve("v2metadata-by-diffid/sha256/" + diffId.digest().hex())));
      assertEquals(
          diffId.toString(),
          Files.readString(directory.resolve("diffid-by-digest/sha256/" + MANIFEST.hex())));
      assertEquals(Optional.of(diffId), images().distribution().diffId(MANIFEST));
    }

    @Test
    void add_fiftyOne_oldestIsPushedOut() throws IOException {
      List<Source> all = new ArrayList<>();
      for (int i = 0; i < 51; i++) {
        all.add(source(i));
        images().distribution().add(diffId, source(i));
      }
      reopen();
      assertEquals(all.subList(1, 51), images().distribution().sources(diffId));
    }

    @Test
    void add_again_becomesTheNewest() throws IOException {
      for (int i : List.of(1, 2, 1)) {
        images().distribution().add(diffId, source(i));
      }
      assertEquals(List.of(source(2), source(1)), images().distribution().sources(diffId));
    }

    @Test
    void remove_leavesTheOthersAndTheWayBack() throws IOException {
      images().distribution().add(diffId, source(1));
      images().distribution().add(diffId, source(2));
      images().distribution().remove(diffId, source(1));
      assertEquals(List.of(source(2)), images().distribution().sources(diffId));
      assertEquals(Optional.of(diffId), images().distribution().diffId(source(1).digest()));
    }

    @Test
    void missingDirectory_isNothingKnown() throws IOException {
      assertEquals(List.of(), images().distribution().sources(diffId));
      assertEquals(Optional.empty(), images().distribution().diffId(MANIFEST));
    }
  }

  /** Images from root file systems. */
  @Nested
  protected class Import {

    @Test
    void importRootFs_isAnImageOfOneLayer() throws IOException {
      Image image =
          images()
              .importRootFs(
                  LayerSource.of(tar("etc/os", "x")),
                  ImportOptions.builder()
                      .reference(ref("box:1"))
                      .message("by hand")
                      .platform(Platform.of("arm64", "linux", "v8"))
                      .created(THEN)
                      .changes(List.of("CMD [\"sh\"]", "ENV A=1 B=\"$A 2\""))
                      .build());
      DiffId diffId = new DiffId(Digest.sha256Of(tar("etc/os", "x")));
      assertEquals(
          "{\"architecture\":\"arm64\",\"comment\":\"by hand\",\"config\":{\"Env\":[\"A=1\",\"B= 2\"],\"Cmd\":[\"sh\"]},"
              + "\"created\":\"2020-01-02T03:04:05.0607Z\","
              + "\"history\":[{\"created\":\"2020-01-02T03:04:05.0607Z\",\"comment\":\"by hand\"}],"
              + "\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
              + diffId
              + "\"]},\"variant\":\"v8\"}",
          image.configBytes().toString());
      assertEquals(image, images().resolve("box:1"));
      assertTrue(Files.exists(metadata(image.id(), "lastUpdated")));
      assertEquals(1, images().delete(image.id(), false).size());
    }

    @Test
    void importRootFs_sameInputAndTime_sameImage() throws IOException {
      ImportOptions options = ImportOptions.builder().created(THEN).build();
      Image first = images().importRootFs(LayerSource.of(tar("a", "a")), options);
      assertEquals(first, images().importRootFs(LayerSource.of(tar("a", "a")), options));
      assertEquals(1, images().list().size());
    }

    @Test
    void importRootFs_malformedArchive_nothingRemains() throws IOException {
      List<Object> before = state();
      Refusals.assertRefused(
          Kind.MALFORMED,
          () ->
              images()
                  .importRootFs(
                      LayerSource.of("no archive".getBytes(UTF_8)), ImportOptions.DEFAULT));
      assertEquals(before, state());
    }

    @Test
    void importRootFs_invalidChange_refusedBeforeReading() throws IOException {
      List<Object> before = state();
      LayerSource source =
          () -> {
            throw new AssertionError("was opened");
          };
      for (String change : List.of("RUN x", "EXPOSE no", "ENV A", "CMD [1]")) {
        assertThrows(
            IllegalArgumentException.class,
            () ->
                images()
                    .importRootFs(
                        source, ImportOptions.builder().changes(List.of(change)).build()));
      }
      assertEquals(before, state());
    }

    @Test
    void importRootFs_forAnotherSystem_refused() {
      assertThrows(
          InvalidImageException.class,
          () ->
              images()
                  .importRootFs(
                      LayerSource.of(tar("a", "a")),
                      ImportOptions.builder().platform(Platform.of("amd64", "windows")).build()));
    }

    @Test
    void importRootFs_systemInCapitals_isWrittenAsDockerLooksItUp() throws IOException {
      Image image =
          images()
              .importRootFs(
                  LayerSource.of(tar("a", "a")),
                  ImportOptions.builder().platform(Platform.of("arm64", "Linux")).build());
      assertEquals("linux", image.config().os());
    }

    @Test
    void importRootFs_emptyArchive_hasItsLayer() throws IOException {
      Image image =
          images().importRootFs(LayerSource.of(AppendixA.EMPTY1024.bytes()), ImportOptions.DEFAULT);
      assertEquals(List.of(DiffId.EMPTY_TAR), image.config().diffIds());
    }
  }

  /** Images from read-write layers. */
  @Nested
  protected class Commit {

    private RWLayer work(Image on, String file) throws IOException {
      RWLayer work = store.createRWLayer("work", on.topLayer().orElseThrow());
      if (file != null) {
        try (Mount mount = work.mount()) {
          Files.writeString(mount.path().resolve(file), file);
        }
      }
      return work;
    }

    @Test
    void commit_changes_isAnImageOnTopOfTheParent() throws IOException {
      Image parent =
          image(
              ",\"author\":\"first\",\"config\":{\"User\":\"u\",\"Cmd\":[\"old\"],\"Strange\":[1.50]},"
                  + "\"container\":\"c\",\"docker_version\":\"1\",\"history\":[{\"created_by\":\"base\"}],\"os.features\":[\"f\"],\"other\":{\"z\":1,\"a\":2}",
              "a");
      RWLayer work = work(parent, "new");
      Image image =
          images()
              .commit(
                  work,
                  CommitImageOptions.builder()
                      .reference(ref("box:2"))
                      .author("me")
                      .comment("why")
                      .createdBy("how")
                      .created(THEN)
                      .changes(List.of("CMD new", "LABEL a=b"))
                      .build());
      store.releaseRWLayer(work);
      DiffId top = image.config().diffIds().get(1);
      assertEquals(
          "{\"architecture\":\"amd64\",\"author\":\"me\","
              + "\"config\":{\"User\":\"u\",\"Cmd\":[\"/bin/sh\",\"-c\",\"new\"],\"Labels\":{\"a\":\"b\"},\"Strange\":[1.50]},"
              + "\"created\":\"2020-01-02T03:04:05.0607Z\",\"history\":[{\"created_by\":\"base\"},"
              + "{\"created\":\"2020-01-02T03:04:05.0607Z\",\"author\":\"me\",\"created_by\":\"how\",\"comment\":\"why\"}],"
              + "\"os\":\"linux\",\"os.features\":[\"f\"],\"other\":{\"z\":1,\"a\":2},"
              + "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\""
              + parent.config().diffIds().get(0)
              + "\",\""
              + top
              + "\"]}}",
          image.configBytes().toString());
      assertEquals(Optional.of(parent.id()), image.parent());
      assertEquals(List.of(image), images().children(parent.id()));
      assertEquals(image, images().resolve("box:2"));
      assertEquals(2, store.layers().size());
    }

    @Test
    void commit_createdAndLatestTime_sameImageAgain() throws IOException {
      Image parent = image("", "a");
      RWLayer work = work(parent, "new");
      CommitImageOptions options =
          CommitImageOptions.builder().created(THEN).latestTime(Instant.EPOCH).build();
      Image first = images().commit(work, options);
      touch(work, "new", THEN);
      Image second = images().commit(work, options);
      Image unlimited = images().commit(work, CommitImageOptions.builder().created(THEN).build());
      store.releaseRWLayer(work);
      assertEquals(first.id(), second.id());
      assertNotEquals(first.config().diffIds(), unlimited.config().diffIds());
    }

    private void touch(RWLayer work, String file, Instant time) throws IOException {
      try (Mount mount = work.mount()) {
        Files.setLastModifiedTime(mount.path().resolve(file), FileTime.from(time));
      }
    }

    @Test
    void commit_withoutChanges_addsAnEmptyStepAndNoLayer() throws IOException {
      Image parent = image("", "a");
      RWLayer work = work(parent, null);
      Image image = images().commit(work, CommitImageOptions.DEFAULT);
      store.releaseRWLayer(work);
      assertEquals(parent.config().diffIds(), image.config().diffIds());
      assertEquals(1, image.config().history().size());
      assertTrue(image.config().history().get(0).isEmptyLayer());
      assertEquals(List.of(parent.topLayer().orElseThrow()), chainIds());
      assertEquals(2, images().list().size());
    }

    @Test
    void commit_onNothing_isAFirstImage() throws IOException {
      RWLayer work = store.createRWLayer("work");
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("f"), "f");
      }
      Image image = images().commit(work, CommitImageOptions.DEFAULT);
      store.releaseRWLayer(work);
      assertEquals(1, image.config().diffIds().size());
      assertEquals(Optional.empty(), image.parent());
      assertEquals("linux", image.config().os());
    }

    @Test
    void commit_onLayersOfNoImage_hasTheseLayers() throws IOException {
      Layer base = store.register(new ByteArrayInputStream(tar("a", "a")), RegisterOptions.DEFAULT);
      RWLayer work = store.createRWLayer("work", base.chainId());
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("f"), "f");
      }
      Image image = images().commit(work, CommitImageOptions.DEFAULT);
      store.releaseRWLayer(work);
      assertEquals(base.diffId(), image.config().diffIds().get(0));
      assertEquals(2, image.config().diffIds().size());
      base.close();
    }

    @Test
    void commit_severalParentsPossible_mustBeNamed() throws IOException {
      Image one = image(label("1"), "a");
      Image two = image(label("2"), "a");
      RWLayer work = work(one, "new");
      List<Object> before = state();
      LayerStoreException e =
          assertThrows(
              LayerStoreException.class, () -> images().commit(work, CommitImageOptions.DEFAULT));
      assertTrue(e.getMessage().contains(one.id().toString()));
      assertTrue(e.getMessage().contains(two.id().toString()));
      assertEquals(before, state());
      Image image = images().commit(work, CommitImageOptions.builder().parent(two.id()).build());
      assertEquals(Optional.of(two.id()), image.parent());
      assertEquals(Map.of("l", "2"), image.config().run().labels());
      store.releaseRWLayer(work);
    }

    @Test
    void commit_namedParentThatItDoesNotStandOn_refused() throws IOException {
      Image ground = image("", "a");
      Image other = image("", "b");
      RWLayer work = work(ground, null);
      assertThrows(
          IllegalArgumentException.class,
          () -> images().commit(work, CommitImageOptions.builder().parent(other.id()).build()));
      store.releaseRWLayer(work);
    }

    @Test
    void commit_invalidChange_nothingRemains() throws IOException {
      RWLayer work = work(image("", "a"), "new");
      List<Object> before = state();
      assertThrows(
          IllegalArgumentException.class,
          () ->
              images()
                  .commit(work, CommitImageOptions.builder().changes(List.of("FROM x")).build()));
      assertEquals(before, state());
      store.releaseRWLayer(work);
    }

    @Test
    void commit_spentHandle_refused() throws IOException {
      RWLayer work = work(image("", "a"), null);
      store.releaseRWLayer(work);
      assertThrows(
          IllegalStateException.class, () -> images().commit(work, CommitImageOptions.DEFAULT));
    }
  }

  /** Room and what can be freed. */
  @Nested
  protected class Usage {

    @Test
    void diskUsage_countsSharedLayersOnce() throws IOException {
      Image one = image("", "shared", "one");
      Image two = image("", "shared", "two!");
      Layer alone =
          store.register(new ByteArrayInputStream(tar("x", "alone")), RegisterOptions.DEFAULT);
      references().addTag(ref("one"), one.id(), false);
      RWLayer work = store.createRWLayer("work", two.topLayer().orElseThrow());

      DiskUsage usage = images().diskUsage();

      DiskUsage.ImageUsage ofOne =
          usage.images().stream().filter(u -> u.id().equals(one.id())).findFirst().orElseThrow();
      assertEquals(new DiskUsage.ImageUsage(one.id(), List.of(ref("one")), 9, 6, 3, 0), ofOne);
      DiskUsage.ImageUsage ofTwo =
          usage.images().stream().filter(u -> u.id().equals(two.id())).findFirst().orElseThrow();
      assertEquals(new DiskUsage.ImageUsage(two.id(), List.of(), 10, 6, 4, 1), ofTwo);
      assertEquals(18, usage.totalBytes());
      assertEquals(3, usage.reclaimableBytes());
      assertEquals(List.of("work"), usage.rwLayers().stream().map(l -> l.name()).toList());
      assertEquals(
          List.of(0, 1, 1, 2),
          usage.layers().stream().map(DiskUsage.LayerSize::images).sorted().toList());
      alone.close();
      assertEquals(8, images().diskUsage().reclaimableBytes());
      store.releaseRWLayer(work);
      assertEquals(18, images().diskUsage().reclaimableBytes());
    }

    @Test
    void planPrune_dangling_imagesWithoutNamesOrDescendants() throws IOException {
      Image named = image(label("named"), "a");
      Image loose = image(label("loose"), "a", "b");
      Image middle = image(label("middle"), "a", "c");
      Image child = image(label("child"), "a", "c", "d");
      references().addTag(ref("named"), named.id(), false);
      references().addTag(ref("child"), child.id(), false);
      images().setParent(child.id(), middle.id());
      List<Object> before = state();

      PrunePlan plan = images().planPrune(PruneOptions.DEFAULT);

      assertEquals(List.of(loose.id()), plan.images());
      assertEquals(List.of(), plan.references());
      assertEquals(List.of(loose.topLayer().orElseThrow()), plan.layers());
      assertEquals(1, plan.reclaimableBytes());
      assertEquals(before, state());
    }

    @Test
    void prune_everythingUnused_deletesWhatThePlanSays() throws IOException {
      Image parent = image(label("p"), "a");
      Image child = image(label("c"), "a", "b");
      Image used = image(label("u"), "u");
      images().setParent(child.id(), parent.id());
      references().addTag(ref("p"), parent.id(), false);
      references().addTag(ref("c:1"), child.id(), false);
      references().addTag(ref("c:2"), child.id(), false);
      RWLayer work = store.createRWLayer("work", used.topLayer().orElseThrow());
      Layer alone =
          store.register(new ByteArrayInputStream(tar("x", "alone")), RegisterOptions.DEFAULT);
      Layer held =
          store.register(new ByteArrayInputStream(tar("h", "held")), RegisterOptions.DEFAULT);
      alone.close();

      PrunePlan plan = images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      PruneReport report = images().prune(plan);

      assertEquals(List.of(child.id(), parent.id()), report.images());
      assertEquals(List.of(ref("c:1"), ref("c:2"), ref("p")), report.references());
      assertEquals(
          plan.layers().stream().sorted().toList(),
          chainIds(report.layers()).stream().sorted().toList());
      assertEquals(3, report.layers().size());
      assertEquals(plan.reclaimableBytes(), report.reclaimedBytes());
      assertEquals(7, report.reclaimedBytes());
      assertEquals(List.of(), report.spared());
      assertEquals(List.of(used), images().list());
      assertEquals(2, store.layers().size());
      store.release(held);
      store.releaseRWLayer(work);
    }

    @Test
    void prune_whatIsNeededByNow_isSpared() throws IOException {
      Image tagged = image(label("t"), "a");
      Image used = image(label("u"), "b");
      Layer alone =
          store.register(new ByteArrayInputStream(tar("x", "alone")), RegisterOptions.DEFAULT);
      alone.close();
      PrunePlan plan = images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      references().addTag(ref("new"), tagged.id(), false);
      RWLayer work = store.createRWLayer("work", used.topLayer().orElseThrow());
      Layer again = store.get(alone.chainId());

      PruneReport report = images().prune(plan);

      assertEquals(List.of(), report.images());
      assertEquals(List.of(), report.layers());
      assertEquals(5, report.spared().size(), report.spared().toString());
      assertEquals(2, images().list().size());
      assertEquals(3, store.layers().size());
      again.close();
      store.releaseRWLayer(work);
    }

    @Test
    void prune_layerThatThePlanDoesNotName_stays() throws IOException {
      Image image = image("", "a", "b");
      Layer base = store.get(ChainId.of(image.config().diffIds().subList(0, 1)).orElseThrow());
      PrunePlan plan = images().planPrune(PruneOptions.DEFAULT);
      base.close();

      PruneReport report = images().prune(plan);

      assertEquals(List.of(image.topLayer().orElseThrow()), chainIds(report.layers()));
      assertEquals(List.of(base.chainId()), chainIds());
    }

    @Test
    void prune_createdBefore_sparesTheYounger() throws IOException {
      Image old = image(",\"created\":\"2001-01-01T00:00:00Z\"", "a");
      Image young = image(",\"created\":\"2003-01-01T00:00:00Z\"", "a");
      PrunePlan plan =
          images()
              .planPrune(
                  PruneOptions.builder()
                      .allImages(true)
                      .layers(true)
                      .createdBefore(Instant.parse("2002-01-01T00:00:00Z"))
                      .build());
      assertEquals(List.of(old.id()), plan.images());
      assertEquals(List.of(), plan.layers());
      images().prune(plan);
      assertEquals(List.of(young), images().list());
    }

    @Test
    void prune_twice_secondSparesEverything() throws IOException {
      image("", "a");
      PrunePlan plan = images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      assertEquals(1, images().prune(plan).images().size());
      PruneReport second = images().prune(plan);
      assertEquals(List.of(), second.images());
      assertEquals(2, second.spared().size());
    }
  }

  /** Stores that only read, and stores that are closed. */
  @Nested
  protected class States {

    @Test
    void images_isTheSameObject() {
      assertSame(store.images(), store.images());
    }

    @Test
    void images_unused_leavesNoFiles() throws IOException {
      assertEquals(List.of(), images().list());
      assertEquals(Map.of(), references().list());
      assertFalse(Files.exists(imageDirectory().resolve("imagedb")));
      assertFalse(Files.exists(imageDirectory().resolve("repositories.json")));
    }

    @Test
    void readOnly_showsImagesAndFollowsChanges() throws IOException {
      Image one = image(label("1"), "a");
      references().addTag(ref("one"), one.id(), false);
      try (LayerStore reader = builder(root).readOnly(true).open()) {
        assertEquals(List.of(one), reader.images().list());
        assertEquals(one, reader.images().resolve("one"));
        Image two = image(label("2"), "b");
        references().addTag(ref("two"), two.id(), false);
        assertEquals(two, reader.images().resolve("two"));
        images().delete(one.id(), true);
        assertThrows(ImageNotFoundException.class, () -> reader.images().get(one.id()));
        assertEquals(List.of(two), reader.images().list());
        assertEquals(1, reader.layers().size());
        assertEquals(1, reader.images().diskUsage().totalBytes());
      }
    }

    @Test
    void readOnly_changes_areRefused() throws IOException {
      Image image = image("", "a");
      references().addTag(ref("x"), image.id(), false);
      List<Object> before = state();
      store.close();
      try (LayerStore reader = builder(root).readOnly(true).open()) {
        ImageStore images = reader.images();
        byte[] config = image.configBytes().toByteArray();
        Source source = new Source(MANIFEST, "r", "");
        DiffId diffId = image.config().diffIds().get(0);
        PrunePlan plan = images.planPrune(PruneOptions.EVERYTHING_UNUSED);
        assertEquals(1, plan.images().size());
        assertRefused(() -> images.create(config));
        assertRefused(() -> images.delete(image.id(), true));
        assertRefused(() -> images.setParent(image.id(), image.id()));
        assertRefused(() -> images.prune(plan));
        assertRefused(
            () -> images.importRootFs(LayerSource.of(tar("a", "a")), ImportOptions.DEFAULT));
        assertRefused(() -> images.references().addTag(ref("y"), image.id(), true));
        assertRefused(() -> images.references().addDigest(ref("y"), MANIFEST, image.id()));
        assertRefused(() -> images.references().remove(ref("x")));
        assertRefused(() -> images.distribution().add(diffId, source));
        assertRefused(() -> images.distribution().remove(diffId, source));
      }
      store = builder(root).open();
      assertEquals(before, state());
    }

    private void assertRefused(org.junit.jupiter.api.function.Executable change) {
      assertThrows(ReadOnlyStoreException.class, change);
    }

    @Test
    void closed_everyCall_isRefused() throws IOException {
      Image image = image("", "a");
      ImageStore images = images();
      ReferenceStore references = references();
      store.close();
      for (org.junit.jupiter.api.function.Executable call :
          List.<org.junit.jupiter.api.function.Executable>of(
              images::list,
              () -> images.get(image.id()),
              () -> images.resolve("x"),
              () -> images.children(image.id()),
              () -> images.create(new byte[0]),
              () -> images.delete(image.id(), true),
              images::diskUsage,
              () -> images.planPrune(PruneOptions.DEFAULT),
              references::list,
              () -> references.find(ref("x")),
              () -> references.of(image.id()),
              () -> references.addTag(ref("x"), image.id(), true),
              () -> references.remove(ref("x")))) {
        assertThrows(IllegalStateException.class, call);
      }
      store = builder(root).open();
    }

    @Test
    void interruptedThread_smallChanges_areMadeAllTheSame() throws IOException {
      Image image = image("", "a");
      Thread.currentThread().interrupt();
      try {
        references().addTag(ref("x"), image.id(), false);
        assertTrue(Thread.currentThread().isInterrupted());
      } finally {
        assertTrue(Thread.interrupted());
      }
      assertEquals(image, images().resolve("x"));
    }

    @Test
    void reopen_layersAreHeldByTheirImages() throws IOException {
      Image image = image("", "a", "b");
      assertNotEquals(List.of(), images().list());
      reopen();
      assertEquals(List.of(), store.release(store.get(image.topLayer().orElseThrow())));
      RWLayer work = store.createRWLayer("work", image.topLayer().orElseThrow());
      assertEquals(List.of(), store.releaseRWLayer(work));
      assertEquals(2, store.layers().size());
    }
  }
}
