package io.layerstore.registry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.RegistryException;
import io.layerstore.RegistryOptions;
import io.layerstore.spi.RegistryProvider.Access;
import io.layerstore.spi.RegistryRepository;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What only few registries do, and all may. */
final class RareAnswersTest {

  private static final int MINIMUM = 6 << 20;

  private FakeRegistry registry;
  private RegistryRepository repository;

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
    repository =
        new HttpRegistryProvider()
            .open(
                ImageReference.parse(registry.address() + "/some/image:1"),
                Access.PUSH,
                RegistryOptions.builder()
                    .environment(Map.of())
                    .systemDirectory(Path.of("/nonexistent"))
                    .retries(2)
                    .retryDelay(Duration.ofMillis(1))
                    .build());
  }

  @AfterEach
  void end() throws Exception {
    repository.close();
    registry.close();
  }

  private static void refuse(FakeRegistry.Request request, OutputStream out) throws IOException {
    FakeRegistry.whole(out, 413, request.method().getBytes(UTF_8));
  }

  @Test
  void upload_chunksHaveALeastSize_areAsLargeAtLeast() throws Exception {
    registry.misbehaveAlways(
        request ->
            request.method().equals("PATCH")
                && request.header("Transfer-Encoding").equals("chunked"),
        RareAnswersTest::refuse);
    registry.misbehaveAlways(
        request -> request.method().equals("POST"),
        (request, out) -> {
          ByteArrayOutputStream answer = new ByteArrayOutputStream();
          registry.answer(request, answer);
          String head = answer.toString(UTF_8);
          out.write(
              head.replaceFirst("\r\n", "\r\nOCI-Chunk-Min-Length: " + MINIMUM + "\r\n")
                  .getBytes(UTF_8));
        });
    byte[] piece = new byte[1 << 20];
    Descriptor sent =
        repository.upload(
            "some/type",
            out -> {
              for (int i = 0; i < 2 * (MINIMUM >> 20) + 5; i++) {
                out.write(piece);
              }
            });

    List<Integer> sizes =
        registry.requests().stream()
            .filter(request -> request.method().equals("PATCH"))
            .filter(request -> !request.header("Content-Range").isEmpty())
            .map(request -> request.body().length)
            .toList();
    assertTrue(registry.hasBlob(sent.digest().toString()));
    assertTrue(sizes.size() > 1, sizes::toString);
    assertTrue(
        sizes.subList(0, sizes.size() - 1).stream().allMatch(size -> size >= MINIMUM),
        sizes::toString);
  }

  @Test
  void tags_inSeveralPages_areAllListed() throws Exception {
    registry.misbehaveAlways(
        request -> request.path().endsWith("/tags/list"),
        (request, out) -> {
          boolean isFirst = request.parameter("last").isEmpty();
          FakeRegistry.whole(
              out,
              200,
              ("{\"name\":\"some/image\",\"tags\":[\"" + (isFirst ? "a" : "b") + "\"]}")
                  .getBytes(UTF_8),
              isFirst
                  ? "Link: </v2/some/image/tags/list?n=1&last=a>; rel=\"next\""
                  : "Content-Type: application/json");
        });

    assertEquals(List.of("a", "b"), repository.tags());
  }

  @Test
  void tags_pagesWithoutEnd_areCutOff() {
    registry.misbehaveAlways(
        request -> request.path().endsWith("/tags/list"),
        (request, out) ->
            FakeRegistry.whole(
                out,
                200,
                "{\"tags\":[\"a\"]}".getBytes(UTF_8),
                "Link: <" + request.target() + ">; rel=next"));

    RegistryException e = assertThrows(RegistryException.class, repository::tags);

    assertEquals(RegistryException.Kind.TOO_LARGE, e.kind());
  }

  @Test
  void blob_ofAForeignLayer_isFetchedFromItsUrlWithoutCredentials() throws Exception {
    byte[] bytes = "a layer of somebody else".getBytes(UTF_8);
    try (FakeRegistry place = FakeRegistry.start()) {
      place.misbehaveAlways(
          request -> request.target().equals("/layers/one"),
          (request, out) -> FakeRegistry.whole(out, 200, bytes));
      Descriptor blob =
          new Descriptor(
              "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
              bytes.length,
              Digest.sha256Of(bytes),
              List.of("ftp://nowhere/x", "http://" + place.address() + "/layers/one"),
              Map.of(),
              Optional.empty());
      try (InputStream in = repository.blob(blob, 0)) {
        assertArrayEquals(bytes, in.readAllBytes());
      }
      assertEquals(
          List.of(""),
          place.requests().stream()
              .filter(request -> request.target().startsWith("/layers"))
              .map(request -> request.header("Authorization"))
              .toList());
    }
  }
}
