package io.layerstore.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import io.layerstore.RecoveryReport;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process that pulls is killed at any moment; the next pull finishes, and fetches little twice.
 */
final class KilledPullTest {

  private static final int LAYERS = 3;
  private static final int LAYER_BYTES = 2 << 20;
  private static final long MAX_TWICE = 1 << 20;

  /** As much as the server gives to its socket at once. */
  private static final int PIECE = 16 << 10;

  @TempDir private Path directory;
  private FakeRegistry registry;
  private ImageReference reference;
  private long totalBytes;

  /** How many bytes of layers were sent since the test began. */
  private final AtomicLong sent = new AtomicLong();

  /** At how many sent bytes the process is to die. */
  private volatile long killAt = Long.MAX_VALUE;

  private volatile Process child;

  /** What was there when a process had been killed. */
  private String atDeath = "";

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
    List<byte[]> layers = new ArrayList<>();
    for (int i = 0; i < LAYERS; i++) {
      byte[] content = new byte[LAYER_BYTES];
      new Random(i).nextBytes(content);
      byte[] tar =
          new TarBuilder().file(TarHeaderBlock.named("file-" + i), content).end().toBytes();
      layers.add(tar);
      totalBytes += tar.length;
      String digest = Digest.sha256Of(tar).toString();
      registry.misbehaveAlways(
          request -> request.isBlob(digest), (request, out) -> send(request, out, tar));
    }
    reference = registry.addImage("1", layers);
  }

  @AfterEach
  void end() throws Exception {
    registry.close();
  }

  /** Sends a layer from where it was asked for, and kills whoever asks at the moment chosen. */
  private void send(FakeRegistry.Request request, OutputStream out, byte[] bytes)
      throws IOException {
    String range = request.header("Range");
    int from = range.isEmpty() ? 0 : Integer.parseInt(range.replaceAll("[^0-9]", ""));
    String length = "Content-Length: " + (bytes.length - from);
    if (from > 0) {
      FakeRegistry.head(
          out,
          206,
          length,
          "Content-Range: bytes " + from + "-" + (bytes.length - 1) + "/" + bytes.length);
    } else {
      FakeRegistry.head(out, 200, length);
    }
    for (int at = from; at < bytes.length; at += PIECE) {
      int count = Math.min(PIECE, bytes.length - at);
      out.write(bytes, at, count);
      out.flush();
      if (sent.addAndGet(count) >= killAt) {
        child.destroyForcibly();
        return;
      }
    }
  }

  /** A pull that is killed, unless it is done before. */
  private void killAfter(long bytes) throws Exception {
    killAt = sent.get() + bytes;
    child = ChildJvm.start(PullMain.class, directory.resolve("store"), reference);
    child.waitFor();
    killAt = Long.MAX_VALUE;
    atDeath += ", " + sent.get() + " sent and in files " + partialBytes() + " when it was killed";
  }

  private List<Long> partialBytes() throws IOException {
    Path partial = directory.resolve("store/image/vfs/layerstore-partial");
    List<Long> sizes = new ArrayList<>();
    if (Files.exists(partial)) {
      try (Stream<Path> files = Files.list(partial)) {
        for (Path file : files.toList()) {
          sizes.add(Files.size(file));
        }
      }
    }
    return sizes;
  }

  private void assertLittleTwice(long limit) {
    long twice = sent.get() - totalBytes;
    assertTrue(twice <= limit, () -> twice + " bytes were sent twice" + atDeath);
  }

  private void assertPullsTheRest() throws Exception {
    try (LayerStore store = PullMain.open(directory.resolve("store"))) {
      assertEquals(List.of(), store.layers());
      store.images().pull(reference, PullMain.options());
      assertEquals(LAYERS, store.layers().size());
      assertEquals(RecoveryReport.CLEAN, store.cleanup());
    }
  }

  @Test
  void pull_afterOneThatWasKilled_fetchesLittleTwice() throws Exception {
    killAfter(totalBytes / 2);

    assertPullsTheRest();

    assertLittleTwice(MAX_TWICE);
  }

  @Test
  void pull_afterTwoThatWereKilled_finishes() throws Exception {
    killAfter(totalBytes / 4);
    killAfter(totalBytes / 4);

    assertPullsTheRest();

    assertLittleTwice(2 * MAX_TWICE);
  }

  @Heavy
  @Test
  void pull_killedAHundredTimes_finishesEachTime() throws Exception {
    Random random = new Random(1);
    for (int i = 0; i < 100; i++) {
      sent.set(0);
      atDeath = " in round " + i;
      killAfter(1 + (long) (random.nextDouble() * totalBytes));
      try (LayerStore store = PullMain.open(directory.resolve("store"))) {
        store.images().pull(reference, PullMain.options());
        assertEquals(LAYERS, store.layers().size());
        store.images().delete(store.images().resolve(reference.toString()).id(), true);
        assertEquals(List.of(), store.layers());
      }
      assertLittleTwice(MAX_TWICE);
    }
  }
}
