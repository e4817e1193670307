package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadReport;
import io.layerstore.OperationInterruptedException;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryCredentials;
import io.layerstore.RegistryException;
import io.layerstore.RegistryException.Kind;
import io.layerstore.RegistryOptions;
import io.layerstore.registry.FakeRegistry.Misbehaviour;
import io.layerstore.registry.FakeRegistry.Request;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A registry that breaks, lies, stalls or never ends: a pull succeeds after all or says what is
 * wrong, and nothing of it stays.
 */
final class FaultTest {

  private static final int LAYER_BYTES = 300_000;
  private static final String LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";

  @TempDir private Path directory;
  private FakeRegistry registry;
  private LayerStore store;
  private final List<byte[]> layers = new ArrayList<>();
  private String config;
  private String configDigest;
  private ImageReference reference;
  private RegistryOptions options;

  /** What a fault is about. */
  enum Stage {
    MANIFEST,
    CONFIG,
    LAYER
  }

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
    store = open("store");
    List<String> diffIds = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      byte[] content = new byte[LAYER_BYTES];
      new Random(i).nextBytes(content);
      byte[] tar =
          new TarBuilder().file(TarHeaderBlock.named("file-" + i), content).end().toBytes();
      diffIds.add("\"" + Digest.sha256Of(tar) + "\"");
      layers.add(gzip(tar));
    }
    config =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
            + String.join(",", diffIds)
            + "]}}";
    configDigest = registry.addBlob(config.getBytes(UTF_8));
    layers.forEach(registry::addBlob);
    registry.addManifest("1", manifest(layers));
    reference = ImageReference.parse(registry.address() + "/some/image:1");
    options =
        RegistryOptions.builder()
            .environment(Map.of())
            .systemDirectory(directory.resolve("etc"))
            .retries(3)
            .retryDelay(Duration.ofMillis(1))
            .patience(Duration.ofSeconds(5))
            .requestTimeout(Duration.ofSeconds(2))
            .idleTimeout(Duration.ofMillis(400))
            .build();
  }

  @AfterEach
  void end() throws Exception {
    store.close();
    registry.close();
  }

  private LayerStore open(String name) throws Exception {
    return LayerStore.builder(directory.resolve(name))
        .driver("vfs")
        .durability(Durability.NONE)
        .open();
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
      out.write(bytes);
    }
    return compressed.toByteArray();
  }

  private String manifest(List<byte[]> blobs) {
    List<String> descriptors = new ArrayList<>();
    for (byte[] blob : blobs) {
      descriptors.add(descriptor(LAYER_TYPE, Digest.sha256Of(blob).toString(), blob.length));
    }
    return "{\"schemaVersion\":2,\"mediaType\":\""
        + FakeRegistry.MANIFEST
        + "\",\"config\":"
        + descriptor(
            "application/vnd.docker.container.image.v1+json", configDigest, config.length())
        + ",\"layers\":["
        + String.join(",", descriptors)
        + "]}";
  }

  private static String descriptor(String type, String digest, long size) {
    return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}".formatted(type, digest, size);
  }

  private String layer() {
    return Digest.sha256Of(layers.get(1)).toString();
  }

  private Predicate<Request> at(Stage stage) {
    return switch (stage) {
      case MANIFEST -> Request::isManifest;
      case CONFIG -> request -> request.isBlob(configDigest);
      case LAYER -> request -> request.isBlob(layer());
    };
  }

  private LoadReport pull() throws LayerStoreException {
    return store.images().pull(reference, PullOptions.builder().registry(options).build());
  }

  private void assertPulls() throws LayerStoreException {
    LoadReport report = pull();
    assertEquals(2, report.images().get(0).newLayers().size());
    assertEquals(configDigest, store.images().resolve(reference.toString()).id().toString());
    assertNothingIsLeft();
  }

  private RegistryException assertFails(Kind kind) {
    RegistryException e = assertThrows(RegistryException.class, this::pull);
    assertEquals(kind, e.kind(), e.getMessage());
    assertEquals(registry.address(), e.registry());
    assertTrue(e.reference().startsWith(registry.address() + "/some/image"), e.reference());
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.images().list());
    assertEquals(Map.of(), store.images().references().list());
    assertNothingIsLeft();
    return e;
  }

  /**
   * No thread of a pull is alive, and no connection open; those of the HTTP client end a moment
   * after its last task. Before JDK 21 that is when the garbage collector finds the client.
   */
  private void assertNothingIsLeft() {
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      assertFalse(thread.getName().startsWith("layerstore-download"), thread.getName());
      if (thread.getName().startsWith("layerstore-http")) {
        try {
          thread.join(10_000);
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
        assertFalse(thread.isAlive(), thread.getName());
      }
    }
    if (Runtime.version().feature() >= 21) {
      assertNoConnectionIsLeft(registry);
    }
  }

  private static void assertNoConnectionIsLeft(FakeRegistry registry) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (registry.connections() > 0) {
      assertTrue(System.nanoTime() < end, registry.connections() + " connections are left");
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static byte[] half(byte[] bytes) {
    return Arrays.copyOf(bytes, bytes.length / 2);
  }

  /** The right answer, but for how it ends. */
  private byte[] right(Request request) throws IOException {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    registry.answer(request, answer);
    return answer.toByteArray();
  }

  @Test
  void pull_nothingWrong_succeeds() throws Exception {
    assertPulls();
  }

  @Test
  void pull_oneAtOnce_asksForOneLayerAfterTheOther() throws Exception {
    AtomicInteger atOnce = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    registry.misbehaveAlways(
        request -> layers.stream().anyMatch(blob -> request.isBlob(Digest.sha256Of(blob) + "")),
        (request, out) -> {
          most.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
          byte[] whole = right(request);
          out.write(whole, 0, whole.length / 2);
          out.flush();
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
          atOnce.decrementAndGet();
          out.write(whole, whole.length / 2, whole.length - whole.length / 2);
        });
    store.images().pull(reference, PullOptions.builder().concurrency(1).registry(options).build());
    assertEquals(1, most.get());
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_connectionClosedOnce_succeeds(Stage stage) throws Exception {
    registry.misbehave(at(stage), 1, (request, out) -> {});
    assertPulls();
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_connectionClosedAlways_isUnreachable(Stage stage) {
    registry.misbehaveAlways(at(stage), (request, out) -> {});
    assertFails(Kind.UNREACHABLE);
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_answerCutInTheMiddle_succeeds(Stage stage) throws Exception {
    registry.misbehave(at(stage), 2, (request, out) -> out.write(half(right(request))));
    assertPulls();
  }

  @ParameterizedTest
  @EnumSource(value = Stage.class, names = "LAYER", mode = EnumSource.Mode.EXCLUDE)
  void pull_answerCutAlways_isUnreachable(Stage stage) {
    registry.misbehaveAlways(at(stage), (request, out) -> out.write(half(right(request))));
    assertFails(Kind.UNREACHABLE);
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_connectionResetInTheMiddle_succeeds(Stage stage) throws Exception {
    registry.misbehave(
        at(stage),
        2,
        (request, out) -> {
          out.write(half(right(request)));
          throw new FakeRegistry.ResetException();
        });
    assertPulls();
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_answerStallsOnce_succeeds(Stage stage) throws Exception {
    registry.misbehave(at(stage), 1, stalled(this::right));
    assertPulls();
  }

  /** Gives what it gives but for the last byte, and then nothing until the client goes. */
  private static Misbehaviour stalled(Bytes bytes) {
    CountDownLatch never = new CountDownLatch(1);
    return (request, out) -> {
      byte[] whole = bytes.of(request);
      out.write(whole, 0, whole.length - 1);
      out.flush();
      try {
        assertFalse(never.await(3, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    };
  }

  @FunctionalInterface
  private interface Bytes {
    byte[] of(Request request) throws IOException;
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 429, 500, 502, 503, 504})
  void pull_failsForTheMoment_succeedsLater(int status) throws Exception {
    for (Stage stage : Stage.values()) {
      registry.misbehave(
          at(stage),
          2,
          (request, out) -> FakeRegistry.whole(out, status, new byte[0], "Retry-After: 0"));
    }
    assertPulls();
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_failsAllTheTime_isUnreachable(Stage stage) {
    registry.misbehaveAlways(
        at(stage), (request, out) -> FakeRegistry.whole(out, 503, new byte[0]));
    assertFails(Kind.UNREACHABLE);
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_tooManyRequests_saysWhenToComeBack(Stage stage) {
    registry.misbehaveAlways(
        at(stage),
        (request, out) -> FakeRegistry.whole(out, 429, new byte[0], "Retry-After: 3600"));
    Instant soon = Instant.now().plusSeconds(3000);
    assertTrue(assertFails(Kind.RATE_LIMITED).retryAt().orElseThrow().isAfter(soon));
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_otherBytes_areRefused(Stage stage) {
    registry.misbehaveAlways(
        at(stage),
        (request, out) -> {
          byte[] answer = right(request);
          answer[answer.length - 2] ^= 1;
          out.write(answer);
        });
    assertFails(Kind.WRONG_DIGEST);
  }

  @Test
  void pull_otherBytesAtTheBeginningOfALayer_areRefusedAsSuch() {
    registry.misbehaveAlways(
        at(Stage.LAYER),
        (request, out) -> {
          byte[] bytes = layers.get(1).clone();
          bytes[40] ^= 1;
          FakeRegistry.whole(out, 200, bytes);
        });
    assertFails(Kind.WRONG_DIGEST);
  }

  @Test
  void pull_layerOfAnotherLength_isRefused() {
    registry.misbehaveAlways(
        at(Stage.LAYER), (request, out) -> FakeRegistry.whole(out, 200, new byte[LAYER_BYTES * 2]));
    assertFails(Kind.INVALID_RESPONSE);
  }

  @Test
  void pull_layerWithoutEnd_isCutOff() {
    registry.misbehaveAlways(
        at(Stage.LAYER),
        (request, out) -> {
          FakeRegistry.head(out, 200, "Transfer-Encoding: chunked");
          endlessly(out, layers.get(1));
        });
    assertFails(Kind.TOO_LARGE);
  }

  private static void endlessly(OutputStream out, byte[] bytes) throws IOException {
    while (true) {
      out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(UTF_8));
      out.write(bytes);
      out.write("\r\n".getBytes(UTF_8));
    }
  }

  @Test
  void pull_manifestOfOneGibibyte_isRefusedUnread() {
    registry.misbehaveAlways(
        at(Stage.MANIFEST),
        (request, out) -> FakeRegistry.head(out, 200, "Content-Length: " + (1L << 30)));
    assertFails(Kind.TOO_LARGE);
  }

  @Test
  void pull_manifestWithoutEnd_isCutOff() {
    registry.misbehaveAlways(
        at(Stage.MANIFEST),
        (request, out) -> {
          FakeRegistry.head(out, 200, "Transfer-Encoding: chunked");
          endlessly(out, new byte[100_000]);
        });
    assertFails(Kind.TOO_LARGE);
  }

  @Test
  void pull_gzipBomb_isRefused() throws Exception {
    byte[] bomb =
        gzip(
            new TarBuilder()
                .file(TarHeaderBlock.named("zeros"), new byte[50 << 20])
                .end()
                .toBytes());
    registry.addBlob(bomb);
    registry.addManifest("1", manifest(List.of(layers.get(0), bomb)));
    store.close();
    store =
        LayerStore.builder(directory.resolve("limited"))
            .driver("vfs")
            .durability(Durability.NONE)
            .limits(io.layerstore.Limits.DEFAULT.toBuilder().maxUnpackedBytes(1 << 20).build())
            .open();
    assertThrows(io.layerstore.ArchiveException.class, this::pull);
    assertEquals(List.of(), store.layers());
    assertNothingIsLeft();
  }

  @Test
  void pull_layerBeyondTheLimit_isRefusedUnread() {
    String blob = Digest.sha256Of(new byte[] {1}).toString();
    registry.addManifest(
        "1",
        manifest(layers)
            .replace(
                descriptor(LAYER_TYPE, layer(), layers.get(1).length),
                descriptor(LAYER_TYPE, blob, 1L << 50)));
    assertFails(Kind.TOO_LARGE);
    assertTrue(
        registry.requests().stream()
            .noneMatch(request -> request.isBlob(blob) || request.isBlob(layer())));
  }

  @Test
  void pull_configurationOfOneGibibyte_isRefusedUnread() {
    registry.addManifest(
        "1",
        manifest(layers)
            .replace("\"size\":" + config.length() + "}", "\"size\":" + (1L << 30) + "}"));
    assertThrows(InvalidImageException.class, this::pull);
    assertEquals(List.of(), store.layers());
    assertNothingIsLeft();
    assertTrue(registry.requests().stream().noneMatch(request -> request.isBlob(configDigest)));
  }

  @Test
  void pull_layerThatIsAnotherOne_isRefused() throws Exception {
    registry.addManifest("1", manifest(List.of(layers.get(1), layers.get(0))));
    assertThrows(io.layerstore.LayerVerificationException.class, this::pull);
    assertEquals(List.of(), store.layers());
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_missing_isNotFound(Stage stage) {
    registry.misbehaveAlways(
        at(stage), (request, out) -> FakeRegistry.whole(out, 404, new byte[0]));
    assertFails(Kind.NOT_FOUND);
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_forbidden_isDenied(Stage stage) {
    registry.misbehaveAlways(
        at(stage), (request, out) -> FakeRegistry.whole(out, 403, new byte[0]));
    assertFails(Kind.DENIED);
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void pull_redirectWithoutEnd_isRefused(Stage stage) {
    registry.misbehaveAlways(
        at(stage),
        (request, out) ->
            FakeRegistry.whole(out, 307, new byte[0], "Location: " + request.target()));
    assertFails(Kind.INVALID_RESPONSE);
  }

  @Test
  void pull_schema1_isNamed() {
    registry.addManifest("1", "{\"schemaVersion\":1,\"name\":\"old\"}");
    registry.misbehaveAlways(
        at(Stage.MANIFEST),
        (request, out) ->
            FakeRegistry.whole(
                out,
                200,
                "{\"schemaVersion\":1}".getBytes(UTF_8),
                "Content-Type: application/vnd.docker.distribution.manifest.v1+prettyjws"));
    assertTrue(assertFails(Kind.UNSUPPORTED).getMessage().contains("schema 1"));
  }

  @Test
  void pull_interrupted_endsAtOnce() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    Misbehaviour stall = stalled(this::right);
    registry.misbehaveAlways(
        at(Stage.LAYER),
        (request, out) -> {
          asked.countDown();
          stall.to(request, out);
        });
    options = options.toBuilder().idleTimeout(Duration.ofMinutes(5)).build();
    Thread caller = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              try {
                asked.await();
              } catch (InterruptedException e) {
                return;
              }
              caller.interrupt();
            });
    interrupter.start();
    assertThrows(OperationInterruptedException.class, this::pull);
    assertTrue(Thread.interrupted());
    interrupter.join();
    assertEquals(List.of(), store.layers());
    assertNothingIsLeft();
  }

  /** What comes of a broken pull, in another store object on the same root. */
  @Nested
  final class Resume {

    private Path partial() {
      return store.root().resolve("image/vfs/layerstore-partial");
    }

    private void breakLayerAt(int bytes) throws Exception {
      registry.misbehaveAlways(
          request -> request.isBlob(layer()) && request.header("Range").isEmpty(),
          (request, out) -> {
            FakeRegistry.head(out, 200, "Content-Length: " + layers.get(1).length);
            out.write(layers.get(1), 0, bytes);
          });
      registry.misbehaveAlways(
          request -> request.isBlob(layer()) && !isWhole, (request, out) -> {});
      assertThrows(RegistryException.class, FaultTest.this::pull);
      isWhole = true;
    }

    private volatile boolean isWhole;

    private void reopen() throws Exception {
      store.close();
      store = open("store");
    }

    @Test
    void pull_afterABrokenOne_goesOnWhereItWas() throws Exception {
      breakLayerAt(200_000);
      reopen();

      assertPulls();

      List<Request> asked =
          registry.requests().stream().filter(request -> request.isBlob(layer())).toList();
      assertEquals("bytes=200000-", asked.get(asked.size() - 1).header("Range"));
    }

    @Test
    void pull_partThatIsNotRight_isFetchedAnew() throws Exception {
      breakLayerAt(200_000);
      Path file = partial().resolve(layer().replace(':', '-') + "-" + layers.get(1).length);
      byte[] bytes = Files.readAllBytes(file);
      bytes[1000] ^= 1;
      Files.write(file, bytes);
      // The registry of this test breaks whatever is not a part; a new one is sound.
      registry.close();
      FakeRegistry sound = sound();
      reference = ImageReference.parse(sound.address() + "/some/image:1");
      try (sound) {
        assertPulls();
      }
    }

    private FakeRegistry sound() throws Exception {
      FakeRegistry sound = FakeRegistry.start();
      layers.forEach(sound::addBlob);
      sound.addBlob(config.getBytes(UTF_8));
      sound.addManifest("1", manifest(layers));
      return sound;
    }

    @Test
    void cleanup_afterABrokenPull_deletesWhatCame() throws Exception {
      breakLayerAt(200_000);

      store.cleanup();

      try (Stream<Path> files = Files.list(partial())) {
        assertEquals(List.of(), files.toList());
      }
    }

    @Test
    void pull_besideWhatNobodyWentOnWith_deletesWhatIsOldOrTooMuch() throws Exception {
      pull();
      Path old = leftover(1, 1);
      Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(8))));
      Path large = leftover(2, 17L << 30);
      Files.setLastModifiedTime(large, FileTime.from(Instant.now().minus(Duration.ofDays(1))));
      Path recent = leftover(3, 1);

      pull();

      assertEquals(
          List.of(false, false, true),
          List.of(Files.exists(old), Files.exists(large), Files.exists(recent)));
    }

    private Path leftover(int number, long bytes) throws Exception {
      String digest = Digest.sha256Of(new byte[] {(byte) number}).hex();
      Path file = partial().resolve("sha256-" + digest + "-" + (bytes + 1));
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength(bytes);
      }
      return file;
    }

    @Test
    void pull_otherPartThanAsked_fetchesAll() throws Exception {
      registry.misbehave(
          request -> request.isBlob(layer()) && request.header("Range").isEmpty(),
          1,
          (request, out) -> {
            FakeRegistry.head(out, 200, "Content-Length: " + layers.get(1).length);
            out.write(layers.get(1), 0, 150_000);
          });
      registry.misbehaveAlways(
          request -> request.isBlob(layer()) && !request.header("Range").isEmpty(),
          (request, out) ->
              FakeRegistry.whole(
                  out,
                  206,
                  Arrays.copyOfRange(layers.get(1), 10, layers.get(1).length),
                  "Content-Range: bytes 10-" + (layers.get(1).length - 1) + "/*"));
      assertPulls();
    }
  }

  /** Who asks, and who may know. */
  @Nested
  final class Credentials {
    private static final String PASSWORD = "the-password-nobody-sees";
    private static final String TOKEN = "the-token-nobody-sees";

    private void use() {
      options = options.toBuilder().credentials(RegistryCredentials.of("me", PASSWORD)).build();
    }

    private String basic() {
      return "Basic " + Base64.getEncoder().encodeToString(("me:" + PASSWORD).getBytes(UTF_8));
    }

    private void demand(String header, String challenge) {
      registry.misbehaveAlways(
          request ->
              !request.path().startsWith("/token")
                  && !request.header("Authorization").equals(header),
          (request, out) ->
              FakeRegistry.whole(
                  out,
                  401,
                  ("{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\""
                          + request.header("Authorization")
                          + "\"}]}")
                      .getBytes(UTF_8),
                  "WWW-Authenticate: " + challenge));
    }

    private void giveToken(String token) {
      registry.misbehaveAlways(
          request -> request.path().startsWith("/token"),
          (request, out) ->
              FakeRegistry.whole(
                  out, 200, ("{\"token\":\"" + token + "\",\"expires_in\":300}").getBytes(UTF_8)));
    }

    private String bearer() {
      return "Bearer realm=\"http://"
          + registry.address()
          + "/token\",service=\"fake\",scope=\"repository:some/image:pull\"";
    }

    @Test
    void pull_basic_showsThem() throws Exception {
      use();
      demand(basic(), "Basic realm=\"x\"");
      assertPulls();
    }

    @Test
    void pull_token_isFetchedOnceWithThem() throws Exception {
      use();
      demand("Bearer " + TOKEN, bearer());
      giveToken(TOKEN);
      assertPulls();
      List<Request> asked =
          registry.requests().stream().filter(request -> request.path().equals("/token")).toList();
      assertEquals(1, asked.size());
      assertEquals(basic(), asked.get(0).header("Authorization"));
      assertEquals("repository:some/image:pull", asked.get(0).parameter("scope"));
      assertEquals("fake", asked.get(0).parameter("service"));
    }

    @Test
    void pull_tokenThatExpires_isFetchedAgain() throws Exception {
      use();
      AtomicReference<String> accepted = new AtomicReference<>("Bearer " + TOKEN + "1");
      registry.misbehaveAlways(
          request -> {
            if (request.isBlob(layer())) {
              accepted.set("Bearer " + TOKEN + "2");
            }
            return !request.path().equals("/token")
                && !request.header("Authorization").equals(accepted.get());
          },
          (request, out) ->
              FakeRegistry.whole(out, 401, new byte[0], "WWW-Authenticate: " + bearer()));
      registry.misbehave(
          request -> request.path().equals("/token"),
          1,
          (request, out) ->
              FakeRegistry.whole(out, 200, ("{\"token\":\"" + TOKEN + "1\"}").getBytes(UTF_8)));
      giveToken(TOKEN + "2");

      assertPulls();
    }

    @Test
    void pull_wrongPassword_isUnauthorizedAndNotShown() {
      use();
      demand("nothing at all", "Basic realm=\"x\"");
      RegistryException e = assertFails(Kind.UNAUTHORIZED);
      for (Throwable t = e; t != null; t = t.getCause()) {
        assertFalse(String.valueOf(t).contains(PASSWORD), t::toString);
        assertFalse(String.valueOf(t).contains(basic().substring(6)), t::toString);
      }
    }

    @Test
    void pull_wrongToken_isUnauthorizedAndNotShown() {
      use();
      demand("nothing at all", bearer());
      giveToken(TOKEN);
      assertFalse(assertFails(Kind.UNAUTHORIZED).getMessage().contains(TOKEN));
    }

    @Test
    void pull_redirectToAnotherHost_doesNotShowThem() throws Exception {
      use();
      demand(basic(), "Basic realm=\"x\"");
      try (FakeRegistry other = FakeRegistry.start()) {
        layers.forEach(other::addBlob);
        registry.misbehaveAlways(
            request -> request.isBlob(layer()) && request.header("Authorization").equals(basic()),
            (request, out) ->
                FakeRegistry.whole(
                    out,
                    307,
                    new byte[0],
                    "Location: http://" + other.address() + "/v2/x/blobs/" + layer()));
        assertPulls();
        assertEquals(
            List.of(""),
            other.requests().stream().map(request -> request.header("Authorization")).toList());
      }
    }

    @Test
    void pull_redirectOnTheSameHost_showsThem() throws Exception {
      use();
      demand(basic(), "Basic realm=\"x\"");
      registry.misbehave(
          request -> request.isBlob(layer()) && request.header("Authorization").equals(basic()),
          1,
          (request, out) ->
              FakeRegistry.whole(
                  out, 307, new byte[0], "Location: /v2/moved/blobs/" + layer() + "?a=b"));
      assertPulls();
      Request moved = last(request -> request.target().contains("/moved/"));
      assertEquals(basic(), moved.header("Authorization"));
    }

    private Request last(Predicate<Request> which) {
      List<Request> found = registry.requests().stream().filter(which).toList();
      return found.get(found.size() - 1);
    }

    @Test
    void pull_identityToken_isPostedForAToken() throws Exception {
      options =
          options.toBuilder().credentials(RegistryCredentials.ofIdentityToken(PASSWORD)).build();
      demand("Bearer " + TOKEN, bearer());
      giveToken(TOKEN);
      assertPulls();
      Request asked = last(request -> request.path().equals("/token"));
      assertEquals("POST", asked.method());
      assertEquals("/token", asked.target());
      assertEquals(
          Set.of(
              "grant_type=refresh_token",
              "refresh_token=" + PASSWORD,
              "service=fake",
              "scope=repository%3Asome%2Fimage%3Apull",
              "client_id=layerstore"),
          Set.of(new String(asked.body(), UTF_8).split("&")));
    }

    @Test
    void pull_tokenServerThatWantsPost_getsUserAndPasswordInTheBody() throws Exception {
      use();
      demand("Bearer " + TOKEN, bearer());
      registry.misbehaveAlways(
          request -> request.path().equals("/token") && request.method().equals("GET"),
          (request, out) -> FakeRegistry.whole(out, 405, new byte[0]));
      giveToken(TOKEN);
      assertPulls();
      Request asked = last(request -> request.path().equals("/token"));
      assertEquals("POST", asked.method());
      assertEquals(
          Set.of(
              "grant_type=password",
              "username=me",
              "password=" + PASSWORD,
              "service=fake",
              "scope=repository%3Asome%2Fimage%3Apull",
              "client_id=layerstore"),
          Set.of(new String(asked.body(), UTF_8).split("&")));
    }

    @Test
    void pull_withoutThem_isUnauthorized() {
      demand(basic(), "Basic realm=\"x\"");
      assertTrue(assertFails(Kind.UNAUTHORIZED).getMessage().contains("log in"));
    }
  }

  /** Mirrors, which are asked first. */
  @Nested
  final class Mirrors {

    @Test
    void pull_mirrorHasIt_asksNobodyElse() throws Exception {
      ImageReference elsewhere = ImageReference.parse("127.0.0.1:1/some/image:1");
      options =
          options.toBuilder().mirror(java.net.URI.create("http://" + registry.address())).build();
      store.images().pull(elsewhere, PullOptions.builder().registry(options).build());
      assertTrue(store.images().references().find(elsewhere).isPresent());
    }

    @Test
    void pull_mirrorFails_asksTheRegistry() throws Exception {
      try (FakeRegistry mirror = FakeRegistry.start()) {
        mirror.misbehaveAlways(
            request -> true, (request, out) -> FakeRegistry.whole(out, 500, new byte[0]));
        options =
            options.toBuilder().mirror(java.net.URI.create("http://" + mirror.address())).build();
        assertPulls();
        assertFalse(mirror.requests().isEmpty());
      }
    }

    @Test
    void pull_mirrorFailsInTheMiddleOfALayer_asksTheRegistryForTheRest() throws Exception {
      try (FakeRegistry mirror = FakeRegistry.start()) {
        layers.forEach(mirror::addBlob);
        mirror.addBlob(config.getBytes(UTF_8));
        mirror.addManifest("1", manifest(layers));
        mirror.misbehave(
            at(Stage.LAYER),
            1,
            (request, out) -> {
              FakeRegistry.head(out, 200, "Content-Length: " + layers.get(1).length);
              out.write(layers.get(1), 0, 100_000);
            });
        mirror.misbehaveAlways(
            at(Stage.LAYER), (request, out) -> FakeRegistry.whole(out, 404, new byte[0]));
        options =
            options.toBuilder().mirror(java.net.URI.create("http://" + mirror.address())).build();
        assertPulls();
        assertEquals(
            List.of("bytes=100000-"),
            registry.requests().stream()
                .filter(request -> request.isBlob(layer()))
                .map(request -> request.header("Range"))
                .toList());
      }
    }
  }

  /** The way out. */
  @Nested
  final class Push {
    private void run(FakeRegistry other) throws Exception {
      store
          .images()
          .push(
              reference.toString(),
              ImageReference.parse(other.address() + "/to/here:1"),
              PushOptions.builder().registry(options).build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PATCH", "PUT"})
    void push_failsForTheMoment_succeedsLater(String method) throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehave(
            request -> request.method().equals(method),
            2,
            (request, out) -> FakeRegistry.whole(out, 503, new byte[0], "Retry-After: 0"));
        run(other);
        assertTrue(other.hasBlob(configDigest));
        assertNothingIsLeft();
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PATCH", "PUT"})
    void push_connectionClosed_succeedsLater(String method) throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehave(request -> request.method().equals(method), 2, (request, out) -> {});
        run(other);
        assertTrue(other.hasBlob(configDigest));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PATCH", "PUT"})
    void push_answerStalls_succeedsLater(String method) throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehave(
            request -> request.method().equals(method),
            1,
            stalled(
                request -> {
                  ByteArrayOutputStream answer = new ByteArrayOutputStream();
                  other.answer(request, answer);
                  return answer.toByteArray();
                }));
        run(other);
        assertTrue(other.hasBlob(configDigest));
        assertNothingIsLeft();
      }
    }

    @Test
    void push_interrupted_endsAtOnce() throws Exception {
      pull();
      Thread caller = Thread.currentThread();
      try (FakeRegistry other = FakeRegistry.start()) {
        options = options.toBuilder().requestTimeout(Duration.ofMinutes(5)).build();
        other.misbehaveAlways(
            request -> request.method().equals("PATCH"),
            (request, out) -> {
              caller.interrupt();
              stalled(asked -> new byte[1]).to(request, out);
            });
        assertThrows(OperationInterruptedException.class, () -> run(other));
        assertTrue(Thread.interrupted());
        assertNothingIsLeft();
        if (Runtime.version().feature() >= 21) {
          assertNoConnectionIsLeft(other);
        }
      }
    }

    @Test
    void push_streamRefused_sendsChunks() throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehaveAlways(
            request ->
                request.method().equals("PATCH")
                    && request.header("Transfer-Encoding").equals("chunked"),
            (request, out) -> FakeRegistry.whole(out, 413, new byte[0]));
        run(other);
        assertTrue(other.hasBlob(configDigest));
      }
    }

    @Test
    void push_brokenInTheMiddle_sendsTheRest() throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehave(
            request -> request.method().equals("PATCH") && request.body().length > LAYER_BYTES,
            1,
            (request, out) ->
                other.append(
                    request.path().replaceFirst(".*/", ""),
                    Arrays.copyOf(request.body(), 100_000)));
        run(other);
        List<Integer> lengths =
            other.requests().stream()
                .filter(request -> request.method().equals("PATCH"))
                .map(request -> request.body().length)
                .toList();
        assertTrue(
            lengths.stream().anyMatch(length -> length > 100_000 && length < LAYER_BYTES),
            lengths::toString);
      }
    }

    @Test
    void push_refused_isDeniedAndLeavesNothing() throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehaveAlways(
            request -> request.method().equals("POST"),
            (request, out) -> FakeRegistry.whole(out, 403, new byte[0]));
        RegistryException e = assertThrows(RegistryException.class, () -> run(other));
        assertEquals(Kind.DENIED, e.kind());
        assertNothingIsLeft();
      }
    }

    @Test
    void push_manifestRefused_isRejected() throws Exception {
      pull();
      try (FakeRegistry other = FakeRegistry.start()) {
        other.misbehaveAlways(
            request -> request.method().equals("PUT") && request.isManifest(),
            (request, out) -> FakeRegistry.whole(out, 400, new byte[0]));
        RegistryException e = assertThrows(RegistryException.class, () -> run(other));
        assertEquals(Kind.REJECTED, e.kind());
      }
    }
  }

  @Test
  void diffIds_ofThePulledImage_areThoseOfItsConfiguration() throws Exception {
    pull();
    List<DiffId> diffIds = store.images().resolve(reference.toString()).config().diffIds();
    assertEquals(2, diffIds.size());
  }
}
