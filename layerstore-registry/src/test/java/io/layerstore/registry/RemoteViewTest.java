package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.Limits;
import io.layerstore.Platform;
import io.layerstore.RegistryException;
import io.layerstore.RegistryOptions;
import io.layerstore.RemoteImage;
import io.layerstore.ViewOptions;
import io.layerstore.registry.FakeRegistry.Request;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.ViewListing;
import java.io.IOException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The files of an image in a registry: what is fetched for what, and what goes wrong. */
@Timeout(60)
final class RemoteViewTest {

  private static final int TIMEOUT_SECONDS = 60;

  private static final byte[] RANDOM = random();
  private static final byte[] BASE =
      new TarBuilder()
          .directory("etc/")
          .file("etc/base", "of the base")
          .file("etc/hidden", "of the base")
          .file("etc/changed", "old")
          .directory("opaque/")
          .file("opaque/old", "of the base")
          .directory("replaced/")
          .file("replaced/inside", "of the base")
          .directory("usr/")
          .file("usr/large", new String(RANDOM, java.nio.charset.StandardCharsets.ISO_8859_1))
          .end()
          .toBytes();
  private static final byte[] MIDDLE =
      new TarBuilder()
          .file("etc/middle", "of the middle")
          .file("replaced", "a file now")
          .directory("opaque/")
          .file("opaque/.wh..wh..opq", "")
          .file("opaque/new", "of the middle")
          .end()
          .toBytes();
  private static final byte[] TOP =
      new TarBuilder()
          .file("etc/changed", "new")
          .file("etc/.wh.hidden", "")
          .symlink("to-base", "etc/base")
          .file("top", "of the top")
          .end()
          .toBytes();

  @TempDir private Path temporary;
  private FakeRegistry registry;
  private RegistryOptions options;
  private ImageReference reference;
  private SampleImage image;
  private final List<byte[]> blobs = new ArrayList<>();

  private static byte[] random() {
    byte[] bytes = new byte[200_000];
    new java.util.Random(1).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
    reference = ImageReference.parse(registry.address() + "/some/image:1");
    options =
        RegistryOptions.builder()
            .environment(Map.of())
            .systemDirectory(Path.of("/nonexistent"))
            .retries(1)
            .retryDelay(Duration.ofMillis(1))
            .patience(Duration.ofSeconds(5))
            .requestTimeout(Duration.ofSeconds(TIMEOUT_SECONDS))
            .idleTimeout(Duration.ofSeconds(TIMEOUT_SECONDS))
            .build();
    push(BASE, MIDDLE, TOP);
  }

  @AfterEach
  void end() throws Exception {
    registry.close();
  }

  private void push(byte[]... layers) {
    image = SampleImage.of(layers);
    blobs.clear();
    image.layers().forEach(layer -> blobs.add(ImageFiles.gzip(layer)));
    blobs.forEach(registry::addBlob);
    registry.addBlob(image.configBytes());
    registry.addManifest("1", ImageFiles.ociManifest(image, "tar+gzip", blobs));
  }

  private RemoteImage remote() throws IOException {
    return RegistryProvider.find().inspect(reference, options);
  }

  private FileSystem open() throws IOException {
    return open(view().build());
  }

  private ViewOptions.Builder view() {
    return ViewOptions.builder().temporaryDirectory(temporary);
  }

  private FileSystem open(ViewOptions view) throws IOException {
    return remote().fileSystem(view);
  }

  private String blob(int layer) {
    return Digest.sha256Of(blobs.get(layer)).toString();
  }

  /** The numbers of the layers that were asked for, in that order. */
  private List<Integer> fetched() {
    List<Integer> fetched = new ArrayList<>();
    for (Request request : registry.requests()) {
      for (int i = 0; i < blobs.size(); i++) {
        if (request.isBlob(blob(i))) {
          fetched.add(i);
        }
      }
    }
    return fetched;
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(path -> path.getFileName().toString()).collect(Collectors.toList());
    }
  }

  private void assertNothingIsLeft() throws IOException {
    assertEquals(List.of(), names(temporary));
  }

  @Test
  void fileSystem_opened_fetchesNoLayer() throws Exception {
    try (FileSystem files = open()) {
      assertTrue(files.isOpen());
      assertEquals(List.of(), fetched());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "top, of the top, 2",
    "etc/changed, new, 2",
    "etc/middle, of the middle, 2 1",
    "replaced, a file now, 2 1",
    "etc/base, of the base, 2 1 0",
    "to-base, of the base, 2 1 0",
    "opaque/new, of the middle, 2 1"
  })
  void read_file_fetchesDownToTheLayerThatHasIt(String path, String content, String layers)
      throws Exception {
    try (FileSystem files = open()) {
      assertEquals(content, Files.readString(files.getPath("/", path)));
      assertEquals(Arrays.stream(layers.split(" ")).map(Integer::valueOf).toList(), fetched());
    }
  }

  @ParameterizedTest
  @CsvSource({"etc/hidden, 2", "opaque/old, 2 1", "nowhere, 2 1 0", "etc/none, 2 1 0"})
  void exists_pathThatIsNotThere_fetchesDownToTheLayerThatSaysSo(String path, String layers)
      throws Exception {
    try (FileSystem files = open()) {
      assertThrows(
          NoSuchFileException.class,
          () -> Files.readAttributes(files.getPath("/", path), "posix:*"));
      assertEquals(Arrays.stream(layers.split(" ")).map(Integer::valueOf).toList(), fetched());
    }
  }

  @Test
  void read_belowADirectoryThatAFileReplaces_fetchesNoLowerLayer() throws Exception {
    try (FileSystem files = open()) {
      assertThrows(
          java.nio.file.FileSystemException.class,
          () -> Files.readString(files.getPath("/replaced/inside")));
      assertEquals(List.of(2, 1), fetched());
    }
  }

  @Test
  void list_opaqueDirectory_fetchesNoLowerLayer() throws Exception {
    try (FileSystem files = open()) {
      assertEquals(List.of("new"), names(files.getPath("/opaque")));
      assertEquals(List.of(2, 1), fetched());
    }
  }

  @Test
  void list_directory_fetchesAllLayers() throws Exception {
    try (FileSystem files = open()) {
      assertEquals(List.of("base", "changed", "middle"), names(files.getPath("/etc")));
      assertEquals(List.of(2, 1, 0), fetched());
    }
  }

  @Test
  void list_file_isRefusedWithoutLowerLayers() throws Exception {
    try (FileSystem files = open()) {
      assertThrows(NotDirectoryException.class, () -> names(files.getPath("/top")));
      assertEquals(List.of(2), fetched());
    }
  }

  @Test
  void attributes_root_fetchesTheTopLayer() throws Exception {
    try (FileSystem files = open()) {
      assertTrue(Files.isDirectory(files.getPath("/")));
      assertEquals(List.of(2), fetched());
    }
  }

  @Test
  void onlyThisLayer_everything_fetchesTheTopLayer() throws Exception {
    try (FileSystem files = open(view().onlyThisLayer(true).build())) {
      assertEquals(List.of("etc", "to-base", "top"), names(files.getPath("/")));
      assertFalse(Files.exists(files.getPath("/etc/base")));
      assertEquals(List.of(2), fetched());
    }
  }

  @Test
  void shadowed_file_fetchesAllLayers() throws Exception {
    try (FileSystem files = open()) {
      LayerEntryAttributes attributes =
          Files.readAttributes(files.getPath("/etc/changed"), LayerEntryAttributes.class);

      assertEquals(2, attributes.layerIndex());
      assertEquals(image.diffIds().get(2), attributes.diffId().orElseThrow());
      assertEquals(List.of(2), fetched());

      List<LayerEntryAttributes> shadowed = attributes.shadowed();
      assertEquals(1, shadowed.size());
      assertEquals(0, shadowed.get(0).layerIndex());
      assertEquals(List.of(2, 1, 0), fetched());
    }
  }

  @Test
  void fileKey_asMoreLayersAreKnown_staysTheSame() throws Exception {
    try (FileSystem files = open()) {
      Path top = files.getPath("/top");
      Object before = Files.readAttributes(top, LayerEntryAttributes.class).fileKey();
      Path base = files.getPath("/etc/base");
      Object other = Files.readAttributes(base, LayerEntryAttributes.class).fileKey();

      assertEquals(before, Files.readAttributes(top, LayerEntryAttributes.class).fileKey());
      assertNotEquals(before, other);
    }
  }

  @Test
  void read_layerWithAHardLinkToALowerOne_fetchesThatToo() throws Exception {
    push(
        new TarBuilder().file("original", "shared").end().toBytes(),
        new TarBuilder().file("between", "x").end().toBytes(),
        new TarBuilder().hardLink("link", "original").file("own", "y").end().toBytes());
    try (FileSystem files = open()) {
      assertEquals("shared", Files.readString(files.getPath("/link")));
      assertEquals("y", Files.readString(files.getPath("/own")));
      assertEquals(List.of(2, 1, 0), fetched());
    }
  }

  @Test
  void walk_everything_isAsInAnArchive() throws Exception {
    Path archive = temporary.resolve("archive.tar");
    ImageFiles.docker(image, "same:1").writeTar(archive);
    try (FileSystem files = open();
        FileSystem expected = ImageSource.of(archive).fileSystem()) {
      assertEquals("of the top", Files.readString(files.getPath("/top")));
      ViewListing.assertSame(
          ViewListing.of(expected.getPath("/")), ViewListing.of(files.getPath("/")), "remote");
      assertEquals(List.of(2, 1, 0), fetched());
    }
    Files.delete(archive);
  }

  @Test
  void close_filesThatWereFetched_areDeleted() throws Exception {
    try (FileSystem files = open()) {
      names(files.getPath("/"));
      assertFalse(names(temporary).isEmpty());
    }
    assertNothingIsLeft();
  }

  @Test
  void read_byManyThreads_fetchesEachLayerOnce() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try (FileSystem files = open()) {
      List<Callable<String>> tasks = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        tasks.add(() -> Files.readString(files.getPath("/etc/base")));
      }
      for (Future<String> result : threads.invokeAll(tasks)) {
        assertEquals("of the base", result.get());
      }
      assertEquals(List.of(2, 1, 0), fetched());
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void read_bytesOfAnotherBlob_failsAndIsFetchedAnewNextTime() throws Exception {
    byte[] wrong = blobs.get(2).clone();
    wrong[wrong.length - 1] ^= 1;
    registry.misbehave(
        request -> request.isBlob(blob(2)),
        1,
        (request, out) -> FakeRegistry.whole(out, 200, wrong));
    try (FileSystem files = open()) {
      RegistryException e =
          assertThrows(RegistryException.class, () -> Files.readString(files.getPath("/top")));

      assertEquals(RegistryException.Kind.WRONG_DIGEST, e.kind());
      assertEquals(registry.address(), e.registry());
      assertEquals(reference.toString(), e.reference());
      assertEquals("of the top", Files.readString(files.getPath("/top")));
    }
    assertNothingIsLeft();
  }

  @Test
  void read_blobThatBreaksOffForGood_goesOnThereNextTime() throws Exception {
    push(BASE);
    int half = blobs.get(0).length / 2;
    registry.misbehave(
        request -> request.isBlob(blob(0)) && request.header("Range").isEmpty(),
        1,
        (request, out) -> {
          FakeRegistry.head(out, 200, "Content-Length: " + blobs.get(0).length);
          out.write(blobs.get(0), 0, half);
          out.flush();
        });
    registry.misbehave(
        request -> request.isBlob(blob(0)) && !request.header("Range").isEmpty(),
        4,
        (request, out) -> FakeRegistry.head(out, 403, "Content-Length: 0"));
    try (FileSystem files = open()) {
      Path base = files.getPath("/etc/base");
      RegistryException e = assertThrows(RegistryException.class, () -> Files.readString(base));
      assertEquals(reference.toString(), e.reference());
      int before = registry.requests().size();
      String content = null;
      while (content == null) {
        try {
          content = Files.readString(base);
        } catch (RegistryException again) {
          assertEquals(e.kind(), again.kind());
        }
      }

      assertEquals("of the base", content);
      assertTrue(
          registry.requests().stream()
              .skip(before)
              .filter(request -> request.isBlob(blob(0)))
              .noneMatch(request -> request.header("Range").isEmpty()));
    }
    assertNothingIsLeft();
  }

  @Test
  void read_layerThatTheConfigurationDoesNotKnow_failsWithTheReference() throws Exception {
    SampleImage other = SampleImage.of(MIDDLE);
    blobs.clear();
    blobs.add(ImageFiles.gzip(TOP));
    registry.addBlob(other.configBytes());
    registry.addManifest("1", ImageFiles.ociManifest(other, "tar+gzip", blobs));
    try (FileSystem files = open()) {
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> Files.readString(files.getPath("/top")));
      assertTrue(e.getMessage().contains(reference.toString()), e.getMessage());
    }
    assertNothingIsLeft();
  }

  @Test
  void read_layerBeyondTheLimit_failsWithTheReference() throws Exception {
    Limits limits = Limits.builder().maxUnpackedBytes(1000).build();
    try (FileSystem files = open(view().limits(limits).build())) {
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> Files.readString(files.getPath("/top")));
      assertTrue(e.getMessage().contains(reference.toString()), e.getMessage());
    }
    assertNothingIsLeft();
  }

  @Test
  void read_layerThatIsNoArchive_failsWithTheReferenceEachTime() throws Exception {
    push("this is not a tar, however long it may be".repeat(100).getBytes(UTF_8));
    try (FileSystem files = open()) {
      for (int i = 0; i < 2; i++) {
        InvalidImageException e =
            assertThrows(
                InvalidImageException.class, () -> Files.readString(files.getPath("/top")));
        assertTrue(e.getMessage().contains(reference.toString()), e.getMessage());
      }
    }
    assertNothingIsLeft();
  }

  @Test
  void close_whileALayerIsFetched_endsItAtOnce() throws Exception {
    assertCloseEnds(
        (request, out) -> {
          FakeRegistry.head(out, 200, "Content-Length: " + blobs.get(2).length);
          out.write(blobs.get(2), 0, 10);
          out.flush();
        });
  }

  @Test
  void close_whileAnAnswerIsAwaited_endsItAtOnce() throws Exception {
    assertCloseEnds((request, out) -> {});
  }

  @SuppressWarnings("try") // To be closed while it is in use.
  private void assertCloseEnds(FakeRegistry.Misbehaviour beginning) throws Exception {
    CountDownLatch stalled = new CountDownLatch(1);
    registry.misbehaveAlways(
        request -> request.isBlob(blob(2)),
        (request, out) -> {
          beginning.to(request, out);
          stall(stalled);
        });
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try (FileSystem files = open()) {
      Future<?> reading =
          thread.submit(
              () ->
                  assertThrows(
                      ClosedFileSystemException.class,
                      () -> Files.readString(files.getPath("/top"))));
      stalled.await();
      assertTimeoutPreemptively(Duration.ofSeconds(TIMEOUT_SECONDS / 2), files::close);
      reading.get();
    } finally {
      thread.shutdownNow();
    }
    assertNothingIsLeft();
  }

  /** Sends nothing more. */
  private static void stall(CountDownLatch stalled) {
    stalled.countDown();
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @CsvSource({"layout", "layout.tar"})
  void save_bytesOfAnotherBlob_failsAndLeavesNothing(String name) throws Exception {
    byte[] wrong = blobs.get(1).clone();
    wrong[wrong.length - 1] ^= 1;
    registry.misbehaveAlways(
        request -> request.isBlob(blob(1)), (request, out) -> FakeRegistry.whole(out, 200, wrong));
    Path place = temporary.resolve(name);
    ImageTarget target =
        name.endsWith(".tar") ? ImageTarget.file(place) : ImageTarget.directory(place);
    RemoteImage remote = remote();

    RegistryException e = assertThrows(RegistryException.class, () -> remote.save(target));

    assertEquals(RegistryException.Kind.WRONG_DIGEST, e.kind());
    assertNothingIsLeft();
  }

  @Test
  void fileSystem_ofAnIndex_takesThePlatform() throws Exception {
    SampleImage arm = SampleImage.of("arm64", List.of(SampleImage.layer("arm", "of arm")), "");
    byte[] layer = arm.layers().get(0);
    registry.addBlob(layer);
    registry.addBlob(arm.configBytes());
    byte[] own = ImageFiles.ociManifest(arm, "tar", arm.layers()).getBytes(UTF_8);
    byte[] mine = ImageFiles.ociManifest(image, "tar+gzip", blobs).getBytes(UTF_8);
    registry.addManifest("arm", new String(own, UTF_8));
    String type = "application/vnd.oci.image.manifest.v1+json";
    String on = ",\"platform\":{\"architecture\":\"%s\",\"os\":\"linux\"}";
    registry.addManifest(
        "1",
        ImageFiles.index(
            ImageFiles.descriptor(type, mine, on.formatted("amd64")),
            ImageFiles.descriptor(type, own, on.formatted("arm64"))));

    assertEquals(
        List.of(Platform.of("amd64", "linux"), Platform.of("arm64", "linux")),
        remote().platforms());
    try (FileSystem files = open(view().platform(Platform.of("arm64", "linux")).build())) {
      assertEquals("of arm", Files.readString(files.getPath("/arm")));
      assertEquals(List.of(), fetched());
    }
    ViewOptions s390 = view().platform(Platform.of("s390x", "linux")).build();
    InvalidImageException e = assertThrows(InvalidImageException.class, () -> open(s390));
    assertTrue(e.getMessage().contains("linux/amd64, linux/arm64"), e.getMessage());
  }

  @Test
  void fileSystem_imageChosen_isRefused() {
    ViewOptions chosen = view().image("some").build();

    assertThrows(IllegalArgumentException.class, () -> open(chosen));
  }

  @Test
  void fileSystem_withoutLayers_isEmpty() throws Exception {
    push();
    try (FileSystem files = open()) {
      assertEquals(List.of(), names(files.getPath("/")));
    }
  }

  @Test
  void read_largeFileOfAPlainLayer_isWhatItWas() throws Exception {
    byte[] plain = new TarBuilder().file(TarHeaderBlock.named("large"), RANDOM).end().toBytes();
    image = SampleImage.of(plain);
    blobs.clear();
    blobs.add(plain);
    registry.addBlob(plain);
    registry.addBlob(image.configBytes());
    registry.addManifest("1", ImageFiles.ociManifest(image, "tar", blobs));
    try (FileSystem files = open()) {
      assertTrue(Arrays.equals(RANDOM, Files.readAllBytes(files.getPath("/large"))));
    }
    assertNothingIsLeft();
  }
}
