package io.layerstore.core.image.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Platform;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.SampleImage;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Which images of a layout are loaded, under which names, and what is said of the rest; on a store
 * in memory, from a stream, a file and a directory.
 */
final class LayoutsTest {

  private static final String OCI = "application/vnd.oci.image.";
  private static final String MANIFEST = OCI + "manifest.v1+json";
  private static final String INDEX = OCI + "index.v1+json";
  private static final String CONFIG = OCI + "config.v1+json";
  private static final String DOCKER_MANIFEST =
      "application/vnd.docker.distribution.manifest.v2+json";

  /** More than what a stream keeps in memory of one member. */
  private static final int LARGE = (1 << 20) + 4096;

  private final FileSystem memory = MemoryFiles.unix();
  private LayerStore store;

  @BeforeEach
  void openStore() throws LayerStoreException {
    store = LayerStore.builder(memory.getPath("/store")).durability(Durability.NONE).open();
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
    memory.close();
  }

  /** From where a test loads. */
  enum From {
    STREAM,
    FILE,
    DIRECTORY
  }

  private LoadReport load(ImageFiles files, From from, LoadOptions options) throws IOException {
    Path place = memory.getPath("/archive");
    ImageSource source =
        switch (from) {
          case STREAM -> ImageSource.of(files.toStream());
          case FILE -> ImageSource.of(files.writeTar(place));
          case DIRECTORY -> ImageSource.of(files.writeDirectory(place));
        };
    return store.images().load(source, options);
  }

  private LoadReport load(ImageFiles files) throws IOException {
    return load(files, From.STREAM, LoadOptions.DEFAULT);
  }

  private LoadReport loadFor(String architecture, ImageFiles files) throws IOException {
    return load(
        files,
        From.STREAM,
        LoadOptions.builder().platform(Platform.of(architecture, "linux")).build());
  }

  private void assertImages(SampleImage... expected) {
    assertEquals(
        new TreeSet<>(Stream.of(expected).map(SampleImage::id).toList()),
        new TreeSet<>(store.images().list().stream().map(Image::id).toList()));
  }

  private Map<String, ImageId> names() {
    Map<String, ImageId> names = new TreeMap<>();
    store.images().references().list().forEach((name, id) -> names.put(name.toString(), id));
    return names;
  }

  private static void assertNoted(LoadReport report, String... notes) {
    assertEquals(notes.length, report.notes().size(), report.notes().toString());
    for (int i = 0; i < notes.length; i++) {
      String note = report.notes().get(i);
      assertTrue(note.contains(notes[i]), note);
    }
  }

  private static SampleImage image(String name) {
    return SampleImage.of(SampleImage.layer(name, "content of " + name));
  }

  private static SampleImage imageFor(String architecture) {
    return SampleImage.of(architecture, List.of(SampleImage.layer("for" + architecture, "x")), "");
  }

  private static String thisMachine() {
    return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
  }

  private static String other() {
    return thisMachine().equals("amd64") ? "arm64" : "amd64";
  }

  private static String named(String name) {
    return ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" + name + "\"}";
  }

  private static String on(String architecture) {
    return ",\"platform\":{\"architecture\":\"" + architecture + "\",\"os\":\"linux\"}";
  }

  /** A layout that a test puts together. */
  private static final class Layout {
    private final ImageFiles files = new ImageFiles();
    private final List<String> index = new ArrayList<>();

    /** Adds an image, and gives its descriptor. */
    String image(SampleImage image, String more) {
      return manifest(
          image.configBytes(), CONFIG, image.layers(), OCI + "layer.v1.tar", MANIFEST, more);
    }

    String manifest(
        byte[] config,
        String configType,
        List<byte[]> layers,
        String layerType,
        String said,
        String more) {
      files.putBlob(config);
      List<String> descriptors = new ArrayList<>();
      for (byte[] layer : layers) {
        files.putBlob(layer);
        descriptors.add(ImageFiles.descriptor(layerType, layer, ""));
      }
      byte[] manifest =
          "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":%s,\"layers\":[%s]}"
              .formatted(
                  said,
                  ImageFiles.descriptor(configType, config, ""),
                  String.join(",", descriptors))
              .getBytes(UTF_8);
      return blob(MANIFEST, manifest, more);
    }

    /** A signature as cosign keeps it: with the configuration of an image. */
    String signature(String more) {
      byte[] payload =
          "{\"critical\":{\"type\":\"cosign container image signature\"}}".getBytes(UTF_8);
      byte[] config = SampleImage.of("", List.of(payload), "").configBytes();
      return manifest(
          config,
          CONFIG,
          List.of(payload),
          "application/vnd.dev.cosign.simplesigning.v1+json",
          MANIFEST,
          more);
    }

    /** A Helm chart: a layer that is a tar, and a configuration of no image. */
    String chart(String more) {
      return manifest(
          "{\"name\":\"c\"}".getBytes(UTF_8),
          "application/vnd.cncf.helm.config.v1+json",
          List.of(ImageFiles.gzip(SampleImage.layer("chart", "c"))),
          "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
          MANIFEST,
          more);
    }

    String index(String more, String... entries) {
      return blob(INDEX, ImageFiles.index(entries).getBytes(UTF_8), more);
    }

    String blob(String type, byte[] document, String more) {
      files.putBlob(document);
      return ImageFiles.descriptor(type, document, more);
    }

    Layout list(String... descriptors) {
      index.addAll(List.of(descriptors));
      return this;
    }

    /** {@code index.json} first, so that a stream knows what it reads. */
    ImageFiles files() {
      return new ImageFiles().putIndex(index.toArray(String[]::new)).putAll(files);
    }
  }

  private final Layout layout = new Layout();

  /** Types that say nothing, as some registries and mirrors write them. */
  @Nested
  class UnspecificTypes {

    @ParameterizedTest
    @ValueSource(strings = {"application/octet-stream", "application/json", "text/html", ""})
    void load_configuration_isToldByItsContent(String type) throws IOException {
      SampleImage one = image("one");
      layout.list(
          layout.manifest(
              one.configBytes(), type, one.layers(), OCI + "layer.v1.tar", MANIFEST, ""));
      assertNoted(load(layout.files()));
      assertImages(one);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "{\"rootfs\":{}}", "{\"rootfs\":1}", "no JSON"})
    void load_documentThatIsNoConfiguration_isLeftOut(String document) throws IOException {
      SampleImage one = image("one");
      layout.list(
          layout.image(one, ""),
          layout.manifest(
              document.getBytes(UTF_8),
              "application/octet-stream",
              one.layers(),
              OCI + "layer.v1.tar",
              MANIFEST,
              ""));
      assertNoted(load(layout.files()), "is of no image but of \"application/octet-stream\"");
      assertImages(one);
    }

    @ParameterizedTest
    @ValueSource(strings = {"application/octet-stream", ""})
    void load_descriptorOfAManifest_isToldByItsContent(String type) throws IOException {
      SampleImage one = image("one");
      layout.list(layout.image(one, "").replaceFirst(Pattern.quote(MANIFEST), type));
      assertNoted(load(layout.files()));
      assertImages(one);
    }

    @Test
    void load_descriptorOfSomethingElse_isLeftOut() throws IOException {
      SampleImage one = image("one");
      layout.list(layout.image(one, ""), layout.blob("", "{\"a\":1}".getBytes(UTF_8), ""));
      assertNoted(load(layout.files()), "is of no image: it has no configuration");
      assertImages(one);
    }

    @Test
    void load_descriptorOfText_isLeftOut() throws IOException {
      SampleImage one = image("one");
      layout.list(
          layout.image(one, ""),
          layout.blob("application/octet-stream", "plain".getBytes(UTF_8), ""));
      assertNoted(load(layout.files()), "is no image but \"application/octet-stream\"");
      assertImages(one);
    }
  }

  @Nested
  class Several {

    @ParameterizedTest
    @EnumSource
    void load_unnamedOfOnePlatform_areAllLoaded(From from) throws IOException {
      SampleImage one = image("one");
      SampleImage two = image("two");
      layout.list(layout.image(one, on(thisMachine())), layout.image(two, on(thisMachine())));
      assertNoted(load(layout.files(), from, LoadOptions.DEFAULT));
      assertImages(one, two);
    }

    @Test
    void load_oneNameForTwoOfOnePlatform_bothLoadedAndTheLastHasIt() throws IOException {
      SampleImage one = image("one");
      SampleImage two = image("two");
      layout.list(
          layout.image(one, on(thisMachine()) + named("a:1")),
          layout.image(two, on(thisMachine()) + named("a:1")));
      LoadReport report = load(layout.files());
      assertImages(one, two);
      assertEquals(Map.of("a:1", two.id()), names());
      assertNoted(report, "the name a:1 is that of several images of the archive: " + two.id());
      assertEquals(List.of(), report.images().get(0).references());
    }

    @Test
    void load_oneTagForTwoImagesOfDockers_theLastHasItToo() throws IOException {
      SampleImage one = image("one");
      SampleImage two = image("two");
      LoadReport report =
          load(
              ImageFiles.docker(
                  List.of(one, two),
                  ImageFiles.item(one, "a:1"),
                  ImageFiles.item(two, "docker.io/library/a:1")));
      assertEquals(Map.of("a:1", two.id()), names());
      assertNoted(report, "the name a:1 is that of several images");
    }

    @Test
    void load_firstImageListedAgainLast_hasTheNameAgain() throws IOException {
      SampleImage one = image("one");
      SampleImage two = image("two");
      layout.list(
          layout.image(one, named("a:1")),
          layout.image(two, named("a:1")),
          layout.image(one, named("docker.io/library/a:1")));
      load(layout.files());
      assertEquals(Map.of("a:1", one.id()), names());
    }

    @Test
    void load_severalPlatformsUnderOneName_allOfThisOneLoadedAndTheOthersNoted()
        throws IOException {
      SampleImage one = imageFor(thisMachine());
      SampleImage two = image("two");
      layout.list(
          layout.image(imageFor(other()), on(other())),
          layout.image(one, on(thisMachine())),
          layout.image(imageFor("s390x"), on("s390x")),
          layout.image(two, on(thisMachine())));
      LoadReport report = load(layout.files());
      assertImages(one, two);
      assertNoted(
          report,
          "of the images without a name those for linux/"
              + other()
              + ", linux/s390x were left out");
    }

    @Test
    void load_entryWithoutPlatformBesideAChoice_isAnImageOfItsOwn() throws IOException {
      SampleImage mine = imageFor(thisMachine());
      SampleImage unsaid = image("unsaid");
      layout.list(
          layout.image(mine, on(thisMachine())),
          layout.image(imageFor(other()), on(other())),
          layout.image(unsaid, ""));
      assertNoted(load(layout.files()), "linux/" + other() + " were left out");
      assertImages(mine, unsaid);
    }

    @Test
    void load_onlyImageIsForAnotherPlatform_isLoaded() throws IOException {
      SampleImage foreign = imageFor(other());
      layout.list(layout.image(foreign, on(other())));
      load(layout.files());
      assertImages(foreign);
    }

    @Test
    void load_choiceWithoutThisPlatformBesideAnImage_isNoted() throws IOException {
      SampleImage image = image("one");
      layout.list(
          layout.image(image, named("a:1")),
          layout.index(
              named("b:1"),
              layout.image(imageFor("s390x"), on("s390x")),
              layout.image(imageFor("ppc64le"), on("ppc64le"))));
      LoadReport report = load(layout.files());
      assertImages(image);
      assertNoted(
          report, "but for linux/ppc64le, linux/s390x: choose one of them; it was left out");
    }

    @Test
    void load_indexWithoutPlatforms_configurationsTellThem() throws IOException {
      SampleImage mine = imageFor(thisMachine());
      layout.list(
          layout.index(
              named("a:1"),
              layout.image(imageFor(other()), ""),
              layout.signature(""),
              layout.image(mine, "")));
      LoadReport report = load(layout.files());
      assertImages(mine);
      assertEquals(Map.of("a:1", mine.id()), names());
      assertNoted(report, "linux/" + other());
    }

    @Test
    void load_attestationInAnIndex_isNoted() throws IOException {
      SampleImage mine = imageFor(thisMachine());
      layout.list(
          layout.index(
              "",
              layout.image(mine, on(thisMachine())),
              layout.signature(
                  ",\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"},\"annotations\":"
                      + "{\"vnd.docker.reference.type\":\"attestation-manifest\"}")));
      assertNoted(load(layout.files()), "something that is no image were left out");
    }
  }

  @Nested
  class Foreign {

    @ParameterizedTest
    @EnumSource
    void load_signatureAndChartBesideAnImage_leftOutAndNoted(From from) throws IOException {
      SampleImage image = image("one");
      layout.list(
          layout.signature(named("ghcr.io/x/a:sha256-57a6.sig")),
          layout.image(image, named("ghcr.io/x/a:1")),
          layout.chart(named("ghcr.io/x/charts/c:6.4.0")));
      LoadReport report = load(layout.files(), from, LoadOptions.DEFAULT);
      assertImages(image);
      assertEquals(Map.of("ghcr.io/x/a:1", image.id()), names());
      assertNoted(
          report,
          "\"application/vnd.dev.cosign.simplesigning.v1+json\" and no layer; it was left out",
          "is of no image but of \"application/vnd.cncf.helm.config.v1+json\"; it was left out");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "without-config",
          "empty-config",
          "type-of-its-own",
          "unknown-type",
          "windows",
          "layer-missing"
        })
    void load_otherThingsBesideAnImage_leftOutAndNoted(String what) throws IOException {
      SampleImage image = image("one");
      String foreign =
          switch (what) {
            case "without-config" ->
                layout.blob(
                    MANIFEST,
                    "{\"schemaVersion\":2,\"artifactType\":\"x\",\"blobs\":[]}".getBytes(UTF_8),
                    "");
            case "empty-config" ->
                layout.manifest(
                    new byte[] {'{', '}'},
                    CONFIG,
                    List.of("{}".getBytes(UTF_8)),
                    "application/vnd.in-toto+json",
                    MANIFEST,
                    "");
            case "type-of-its-own" ->
                layout.manifest(
                    new byte[] {'{', '}'}, CONFIG, List.of(), "", "application/vnd.x+json", "");
            case "unknown-type" -> layout.blob("application/vnd.x", new byte[3], "");
            case "layer-missing" -> {
              String manifest = layout.signature("");
              layout.files.paths().stream()
                  .filter(
                      path -> new String(layout.files.get(path), UTF_8).startsWith("{\"critical"))
                  .toList()
                  .forEach(layout.files::remove);
              yield manifest;
            }
            default ->
                layout.image(
                    new SampleImage(
                        image("two").config().replace("linux", "windows"), image("two").layers()),
                    "");
          };
      layout.list(foreign, layout.image(image, ""));
      assertNoted(load(layout.files()), "; it was left out");
      assertImages(image);
    }

    @ParameterizedTest
    @EnumSource
    void load_nothingButForeign_failsAndSaysWhy(From from) throws IOException {
      layout.list(layout.signature(""), layout.chart(""));
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class, () -> load(layout.files(), from, LoadOptions.DEFAULT));
      assertTrue(e.getMessage().contains("no image to load: the manifest sha256:"), e.getMessage());
      assertTrue(e.getMessage().contains("vnd.cncf.helm.config"), e.getMessage());
      assertEquals(List.of(), store.layers());
    }

    @Test
    void load_emptyManifestJson_fails() {
      assertThrows(
          InvalidImageException.class, () -> load(new ImageFiles().put("manifest.json", "[]\n")));
    }

    @ParameterizedTest
    @CsvSource({"STREAM,false", "FILE,false", "DIRECTORY,false", "STREAM,true", "FILE,true"})
    void load_layersOfUnknownTypeThatAreTars_areLoaded(From from, boolean isCompressed)
        throws IOException {
      byte[] large = SampleImage.largeLayer("b", LARGE, 1);
      SampleImage image = SampleImage.of(SampleImage.layer("a", "a"), large);
      List<byte[]> blobs =
          image.layers().stream().map(b -> isCompressed ? ImageFiles.gzip(b) : b).toList();
      layout.list(
          layout.manifest(
              image.configBytes(), CONFIG, blobs, "application/x-odd", MANIFEST, named("a:1")));
      load(layout.files(), from, LoadOptions.DEFAULT);
      assertImages(image);
      assertEquals(2, store.layers().size());
    }

    @Test
    void load_manifestSaysTheOtherSupportedType_isLoaded() throws IOException {
      SampleImage image = image("one");
      layout.list(
          layout.manifest(
              image.configBytes(),
              CONFIG,
              image.layers(),
              OCI + "layer.v1.tar",
              DOCKER_MANIFEST,
              ""));
      assertNoted(load(layout.files()));
      assertImages(image);
    }

    @Test
    void load_manifestSaysToBeAnIndex_refused() {
      SampleImage image = image("one");
      layout.list(
          layout.manifest(
              image.configBytes(), CONFIG, image.layers(), OCI + "layer.v1.tar", INDEX, ""));
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> load(layout.files()));
      assertTrue(e.getMessage().contains("an index and a manifest at once"), e.getMessage());
    }
  }

  @Nested
  class Names {

    @ParameterizedTest
    @CsvSource({
      "Upper/Case:1,                     ,                  ,                      1",
      "Upper/Case:1,                     example.com/a:1,   example.com/a:1,       1",
      "example.com/b:1,                  Upper/Case:1,      example.com/b:1,       0",
      "Upper/Case:1,                     1,                 ,                      1",
      "Upper/Case:1,                     Upper/Case:1,      ,                      1",
      "example.com/b,                    1,                 example.com/b:latest,  0",
      "b@sha256:0123,                    ,                  ,                      1"
    })
    void load_containerdName_noneIsANoteAndTheOtherIsTried(
        String containerd, String ref, String expected, int notes) throws IOException {
      SampleImage image = image("one");
      layout.list(
          layout.image(
              image,
              ",\"annotations\":{\"io.containerd.image.name\":\"%s\"%s}"
                  .formatted(
                      containerd,
                      ref == null
                          ? ""
                          : ",\"org.opencontainers.image.ref.name\":\"" + ref + "\"")));
      LoadReport report = load(layout.files());
      assertImages(image);
      assertEquals(expected == null ? Map.of() : Map.of(expected, image.id()), names());
      assertEquals(notes, report.notes().size(), report.notes().toString());
    }
  }

  @Nested
  class Given {

    private LoadReport loadAs(String name, ImageFiles files) throws IOException {
      return load(
          files,
          From.STREAM,
          LoadOptions.builder().reference(ImageReference.parseRepository(name)).build());
    }

    @ParameterizedTest
    @CsvSource({"mine, mine:latest", "example.com/a:1, example.com/a:1"})
    void load_nameForTheImageWithoutOne_namesIt(String name, String expected) throws IOException {
      SampleImage one = image("one");
      SampleImage two = image("two");
      layout.list(layout.image(one, named("a:1")), layout.image(two, named("latest")));
      LoadReport report = loadAs(name, layout.files());
      assertEquals(new TreeMap<>(Map.of("a:1", one.id(), expected, two.id())), names());
      assertEquals(List.of(ImageReference.parse(expected)), report.images().get(1).references());
    }

    @Test
    void load_nameAndDockerArchiveWithoutTags_namesItsImage() throws IOException {
      SampleImage image = image("one");
      loadAs("mine:1", ImageFiles.docker(image));
      assertEquals(Map.of("mine:1", image.id()), names());
    }

    @Test
    void load_nameAndNoImageWithoutOne_refusedAndNothingAdded() {
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class,
              () -> loadAs("mine:1", ImageFiles.docker(image("one"), "a:1")));
      assertTrue(e.getMessage().contains("so mine:1 cannot name one"), e.getMessage());
      assertEquals(List.of(), store.layers());
    }

    @Test
    void load_nameAndSeveralImagesWithoutOne_refusedAndNothingAdded() {
      layout.list(layout.image(image("one"), ""), layout.image(image("two"), ""));
      assertThrows(InvalidImageException.class, () -> loadAs("mine:1", layout.files()));
      assertEquals(List.of(), store.layers());
    }

    @Test
    void load_nameOfAnotherImageOfTheArchive_refusedAndNothingAdded() {
      layout.list(layout.image(image("one"), named("a:1")), layout.image(image("two"), ""));
      assertThrows(InvalidImageException.class, () -> loadAs("a:1", layout.files()));
      assertEquals(List.of(), store.layers());
    }

    @Test
    void load_digestAsName_refusedBeforeAnythingIsRead() {
      assertThrows(
          IllegalArgumentException.class,
          () ->
              store
                  .images()
                  .load(
                      ImageSource.of(
                          new FilterInputStream(InputStream.nullInputStream()) {
                            @Override
                            public int read() {
                              throw new AssertionError("read");
                            }

                            @Override
                            public int read(byte[] target, int offset, int length) {
                              throw new AssertionError("read");
                            }
                          }),
                      LoadOptions.builder()
                          .reference(ImageReference.parse("a@sha256:" + "0".repeat(64)))
                          .build()));
    }
  }

  @Nested
  class Platforms {

    @Test
    void load_onlyImageIsNotOfThePlatformAskedFor_refused() {
      SampleImage image = imageFor("amd64");
      for (ImageFiles files :
          List.of(
              ImageFiles.docker(image, "a:1"),
              ImageFiles.oci(image, ""),
              layout.list(layout.image(image, on("amd64"))).files())) {
        InvalidImageException e =
            assertThrows(InvalidImageException.class, () -> loadFor("arm64", files));
        assertTrue(e.getMessage().contains("linux/amd64"), e.getMessage());
        assertTrue(e.getMessage().contains("linux/arm64"), e.getMessage());
      }
      assertImages();
    }

    @Test
    void load_oneOfTwoIsOfThePlatformAskedFor_theOtherIsLeftOutAndNoted() throws IOException {
      SampleImage arm = imageFor("arm64");
      SampleImage amd = imageFor("amd64");
      LoadReport report =
          loadFor(
              "arm64",
              ImageFiles.docker(
                  List.of(amd, arm), ImageFiles.item(amd, "a:1"), ImageFiles.item(arm, "b:1")));
      assertImages(arm);
      assertNoted(report, "is for linux/amd64 and not for linux/arm64; it was left out");
    }

    @ParameterizedTest
    @CsvSource({
      "arm, 7, arm, v7",
      "arm, V7, arm, 7",
      "armhf, , arm, ",
      "armel, , arm, v6",
      "amd64, v1, x86-64, ",
      "ARM64, 8, aarch64, "
    })
    void load_otherSpellingOfAPlatform_isTheSame(
        String asked, @Nullable String askedVariant, String architecture, @Nullable String variant)
        throws IOException {
      SampleImage image = imageFor(architecture);
      String said = variant == null ? "" : ",\"variant\":\"" + variant + "\"";
      layout.list(
          layout.image(
              image,
              ",\"platform\":{\"os\":\"linux\",\"architecture\":\""
                  + architecture
                  + "\""
                  + said
                  + "}"));
      Platform platform =
          new Platform(
              asked, "linux", Optional.empty(), List.of(), Optional.ofNullable(askedVariant));
      load(layout.files(), From.STREAM, LoadOptions.builder().platform(platform).build());
      assertImages(image);
    }

    @Test
    void load_configurationSaysNothing_fitsAnyPlatform() throws IOException {
      SampleImage image = imageFor("");
      loadFor("arm64", ImageFiles.docker(image, "a:1"));
      assertImages(image);
    }
  }

  @Nested
  class SkopeoDirectory {

    private ImageFiles directory(SampleImage image, List<byte[]> blobs, String type) {
      String manifest = ImageFiles.ociManifest(image, type, blobs);
      return addBlobs(
          new ImageFiles()
              .put("version", "Directory Transport Version: 1.1\n")
              .put("manifest.json", manifest),
          image,
          blobs);
    }

    private ImageFiles addBlobs(ImageFiles files, SampleImage image, List<byte[]> blobs) {
      for (byte[] blob : blobs) {
        files.put(Digest.sha256Of(blob).hex(), blob);
      }
      return files.put(image.id().digest().hex(), image.configBytes());
    }

    @ParameterizedTest
    @EnumSource
    void load_directory_addsImage(From from) throws IOException {
      SampleImage image =
          SampleImage.of(SampleImage.layer("a", "a"), SampleImage.largeLayer("b", LARGE, 1));
      List<byte[]> blobs = image.layers().stream().map(ImageFiles::gzip).toList();
      assertNoted(load(directory(image, blobs, "tar+gzip"), from, LoadOptions.DEFAULT));
      assertImages(image);
      assertArrayEquals(
          image.configBytes(), store.images().get(image.id()).configBytes().toByteArray());
    }

    @Test
    void load_directoryOfSeveralPlatforms_addsTheOneForThisMachine() throws IOException {
      SampleImage mine = imageFor(thisMachine());
      SampleImage foreign = imageFor(other());
      ImageFiles files = new ImageFiles();
      List<String> entries = new ArrayList<>();
      for (SampleImage image : List.of(foreign, mine)) {
        byte[] manifest = ImageFiles.ociManifest(image, "tar", image.layers()).getBytes(UTF_8);
        entries.add(
            ImageFiles.descriptor(
                MANIFEST, manifest, on(image.equals(mine) ? thisMachine() : other())));
        files.put(Digest.sha256Of(manifest).hex() + ".manifest.json", manifest);
        addBlobs(files, image, image.layers());
      }
      files.put("manifest.json", ImageFiles.index(entries.toArray(String[]::new)));
      LoadReport report = load(files);
      assertImages(mine);
      assertNoted(report, "of the directory the images for linux/" + other() + " were left out");
    }

    @Test
    void load_blobMissing_refusedAndNothingAdded() {
      SampleImage image = image("one");
      ImageFiles files = directory(image, image.layers(), "tar");
      files.remove(Digest.sha256Of(image.layers().get(0)).hex());
      assertThrows(InvalidImageException.class, () -> load(files));
      assertImages();
    }
  }
}
