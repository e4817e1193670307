package io.layerstore.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import io.layerstore.OperationInterruptedException;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several that pull into one root at the same time fetch each blob once. */
final class SharedPullTest {

  private static final long SECONDS = 60;
  private static final int HALF = 200_000;

  @TempDir private Path directory;
  private FakeRegistry registry;

  /** Where the first process that asks for {@link #layer} is stopped, and until when. */
  private final CountDownLatch halfIsSent = new CountDownLatch(1);

  private final CountDownLatch goOn = new CountDownLatch(1);

  private final byte[] base = tar(1);
  private final byte[] layer = tar(2);
  private final byte[] otherBase = tar(3);

  private static byte[] tar(int seed) {
    byte[] content = new byte[2 * HALF];
    new Random(seed).nextBytes(content);
    return new TarBuilder().file(TarHeaderBlock.named("file-" + seed), content).end().toBytes();
  }

  @BeforeEach
  void start() throws Exception {
    registry = FakeRegistry.start();
  }

  @AfterEach
  void end() throws Exception {
    goOn.countDown();
    registry.close();
  }

  private static String digest(byte[] blob) {
    return Digest.sha256Of(blob).toString();
  }

  /** Has the first answer with {@link #layer} stop in its middle until it is to go on. */
  private void stopInTheMiddle() {
    registry.misbehave(
        request -> request.isBlob(digest(layer)),
        1,
        (request, out) -> {
          FakeRegistry.head(out, 200, "Content-Length: " + layer.length);
          send(out, 0, HALF);
          halfIsSent.countDown();
          await(goOn);
          send(out, HALF, layer.length);
        });
  }

  private void send(OutputStream out, int from, int to) throws IOException {
    out.write(layer, from, to - from);
    out.flush();
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(SECONDS, TimeUnit.SECONDS), "it never came");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What is counted down when the registry is asked for something the {@code times}th time. */
  private CountDownLatch asked(Predicate<FakeRegistry.Request> what, int times) {
    CountDownLatch latch = new CountDownLatch(times);
    registry.misbehaveAlways(
        what,
        (request, out) -> {
          latch.countDown();
          registry.answer(request, out);
        });
    return latch;
  }

  private Process process(ImageReference reference) throws IOException {
    return ChildJvm.start(PullMain.class, directory.resolve("store"), reference);
  }

  private CompletableFuture<Void> thread(ImageReference reference) {
    return CompletableFuture.runAsync(
        () -> {
          try (LayerStore store = PullMain.open(directory.resolve("store"))) {
            store.images().pull(reference, PullMain.options());
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        task -> new Thread(task, "puller").start());
  }

  private List<String> asked(byte[] blob) {
    return registry.requests().stream()
        .filter(request -> request.isBlob(digest(blob)))
        .map(request -> request.header("Range"))
        .toList();
  }

  private static int newLayers(Process ended) throws IOException {
    return Integer.parseInt(ended.inputReader().readLine());
  }

  private List<Path> partial() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("store/image/vfs/layerstore-partial"))) {
      return files.toList();
    }
  }

  private void assertAllIsThere(int layers) throws Exception {
    try (LayerStore store = PullMain.open(directory.resolve("store"))) {
      assertEquals(layers, store.layers().size());
      assertEquals(List.of(), partial());
    }
  }

  @Test
  void pull_twoProcesses_doTheWorkOnce() throws Exception {
    ImageReference reference = registry.addImage("1", List.of(base, layer));
    CountDownLatch bothCame = asked(FakeRegistry.Request::isManifest, 2);
    stopInTheMiddle();
    Process first = process(reference);
    await(halfIsSent);
    Process second = process(reference);
    await(bothCame);
    goOn.countDown();

    assertEquals(0, first.waitFor());
    assertEquals(0, second.waitFor());
    assertEquals(List.of(List.of(""), List.of("")), List.of(asked(base), asked(layer)));
    assertEquals(2, newLayers(first) + newLayers(second));
    assertAllIsThere(2);
  }

  @Test
  void pull_theFirstProcessIsKilled_theSecondGoesOnWhereItWas() throws Exception {
    ImageReference reference = registry.addImage("1", List.of(base, layer));
    CountDownLatch bothCame = asked(FakeRegistry.Request::isManifest, 2);
    stopInTheMiddle();
    Process first = process(reference);
    await(halfIsSent);
    awaitHalf();
    Process second = process(reference);
    await(bothCame);
    first.destroyForcibly();

    assertEquals(0, second.waitFor());
    assertEquals(List.of("", "bytes=" + HALF + "-"), asked(layer));
    assertEquals(List.of(""), asked(base));
    assertAllIsThere(2);
  }

  /** Waits until what was sent is in the file. */
  private void awaitHalf() throws IOException {
    Path file =
        directory.resolve(
            "store/image/vfs/layerstore-partial/"
                + digest(layer).replace(':', '-')
                + "-"
                + layer.length);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (Files.size(file) < HALF) {
      assertTrue(System.nanoTime() < end, "it never came");
      Thread.onSpinWait();
    }
  }

  @Test
  void pull_oneLayerOnDifferentOnes_fetchesItOnce() throws Exception {
    ImageReference one = registry.addImage("1", List.of(base, layer));
    ImageReference other = registry.addImage("2", List.of(otherBase, layer));
    CountDownLatch otherCame = asked(request -> request.isBlob(digest(otherBase)), 1);
    stopInTheMiddle();
    CompletableFuture<Void> first = thread(one);
    await(halfIsSent);
    CompletableFuture<Void> second = thread(other);
    await(otherCame);
    goOn.countDown();

    first.get(SECONDS, TimeUnit.SECONDS);
    second.get(SECONDS, TimeUnit.SECONDS);
    assertEquals(List.of(""), asked(layer));
    assertAllIsThere(4);
  }

  @Test
  void pull_interruptedWhileAnotherFetchesTheSame_endsAtOnce() throws Exception {
    ImageReference reference = registry.addImage("1", List.of(base, layer));
    CountDownLatch bothCame = asked(FakeRegistry.Request::isManifest, 2);
    stopInTheMiddle();
    CompletableFuture<Void> first = thread(reference);
    await(halfIsSent);
    Thread caller = Thread.currentThread();
    Thread interrupter =
        new Thread(
            () -> {
              await(bothCame);
              caller.interrupt();
            });
    interrupter.start();
    try (LayerStore store = PullMain.open(directory.resolve("store"))) {
      assertThrows(
          OperationInterruptedException.class,
          () -> store.images().pull(reference, PullMain.options()));
      assertTrue(Thread.interrupted());
    }
    goOn.countDown();

    first.get(SECONDS, TimeUnit.SECONDS);
    assertAllIsThere(2);
  }

  @Test
  void cleanup_besideAPull_leavesWhatIsUnderWay() throws Exception {
    ImageReference reference = registry.addImage("1", List.of(base, layer));
    stopInTheMiddle();
    CompletableFuture<Void> pull = thread(reference);
    await(halfIsSent);
    try (LayerStore store = PullMain.open(directory.resolve("store"))) {
      Path leftover = Files.createFile(partial().get(0).resolveSibling(leftoverName()));

      store.cleanup();

      assertTrue(Files.notExists(leftover));
    }
    goOn.countDown();

    pull.get(SECONDS, TimeUnit.SECONDS);
    assertEquals(List.of(""), asked(layer));
    assertAllIsThere(2);
  }

  private String leftoverName() {
    return digest(otherBase).replace(':', '-') + "-" + otherBase.length;
  }
}
