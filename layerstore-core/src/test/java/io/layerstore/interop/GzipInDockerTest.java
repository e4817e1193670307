package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a real dockerd makes of gzip data that something else follows: it depends on whether it
 * finds unpigz, and the store does as one that does.
 */
class GzipInDockerTest {

  private static final byte[] TAR = new TarBuilder().file("f", "content").end().toBytes();
  private static final DiffId DIFF_ID = new DiffId(Digest.sha256Of(TAR));
  private static final byte[] GZIP = gzip(TAR);
  private static final byte[] WITH_ZEROS = concat(GZIP, new byte[1024]);
  private static final byte[] WITH_GARBAGE =
      concat(GZIP, "garbage".getBytes(StandardCharsets.US_ASCII));
  private static final byte[] WITH_CUT_MEMBER = concat(GZIP, Arrays.copyOf(GZIP, 20));

  private ScratchDirectory scratch;

  @BeforeEach
  void createScratch() throws IOException {
    scratch = ScratchDirectory.create();
  }

  @AfterEach
  void deleteScratch() throws IOException {
    scratch.close();
  }

  private static byte[] gzip(byte[] plain) {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
      out.write(plain);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return compressed.toByteArray();
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  private Tool.Result importInto(DockerDaemon daemon, String name, byte[] archive)
      throws IOException, InterruptedException {
    Path file = Files.write(scratch.resolve(name + ".tar.gz"), archive);
    return daemon.client().attempt("import", file, name);
  }

  private void assertImported(DockerDaemon daemon, String name, byte[] archive)
      throws IOException, InterruptedException {
    Tool.Result result = importInto(daemon, name, archive);
    assertEquals(0, result.status(), result.toString());
    assertEquals(
        "[" + DIFF_ID + "]",
        daemon.docker("image", "inspect", "--format", "{{.RootFS.Layers}}", name).text());
  }

  private void assertNotImported(DockerDaemon daemon, String name, byte[] archive)
      throws IOException, InterruptedException {
    assertNotEquals(0, importInto(daemon, name, archive).status());
  }

  @Test
  void import_somethingElseAfterGzip_acceptedByDockerWithUnpigz() throws Exception {
    Tool.require("unpigz");
    try (DockerDaemon daemon = DockerDaemon.start(scratch.resolve("docker"), "vfs")) {
      assertImported(daemon, "plain", GZIP);
      assertImported(daemon, "zeros", WITH_ZEROS);
      assertImported(daemon, "garbage", WITH_GARBAGE);
      assertNotImported(daemon, "cut", WITH_CUT_MEMBER);
      daemon.stop();
    }
  }

  @Test
  void import_somethingElseAfterGzip_refusedByDockerWithoutUnpigz() throws Exception {
    try (DockerDaemon daemon =
        DockerDaemon.start(scratch.resolve("docker"), "vfs", Map.of("MOBY_DISABLE_PIGZ", "true"))) {
      assertImported(daemon, "plain", GZIP);
      assertNotImported(daemon, "zeros", WITH_ZEROS);
      assertNotImported(daemon, "garbage", WITH_GARBAGE);
      assertNotImported(daemon, "cut", WITH_CUT_MEMBER);
      daemon.stop();
    }
  }

  @Test
  void register_somethingElseAfterGzip_asDockerWithUnpigz() throws IOException {
    try (LayerStore store = LayerStore.builder(scratch.resolve("store")).driver("vfs").open()) {
      for (byte[] archive : new byte[][] {GZIP, WITH_ZEROS, WITH_GARBAGE}) {
        try (Layer layer = store.register(LayerSource.of(archive), RegisterOptions.DEFAULT);
            InputStream exported = layer.tarStream()) {
          assertEquals(DIFF_ID, layer.diffId());
          assertArrayEquals(TAR, exported.readAllBytes());
        }
      }
      Refusals.assertRefused(
          Kind.MALFORMED,
          () -> store.register(LayerSource.of(WITH_CUT_MEMBER), RegisterOptions.DEFAULT));
    }
  }
}
