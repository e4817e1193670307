package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Mount;
import io.layerstore.OperationInterruptedException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Registration: where the archive comes from, who is told, and many at once. */
abstract class RegisterSourceTests extends StoreTests {

  @Test
  void register_failingSource_sourceClosedAndNothingLeft() throws IOException {
    List<Object> before = state();
    CountingSource source = new CountingSource(AppendixA.TRUNC.bytes());
    Refusals.assertRefused(Kind.MALFORMED, () -> store().register(source, RegisterOptions.DEFAULT));
    assertEquals(1, source.closed.get());
    assertEquals(before, state());
  }

  @Test
  void register_fileThatIsRefused_isNamed() throws IOException {
    Path file = Files.write(root().resolveSibling("broken.tar"), AppendixA.TRUNC.bytes());
    ArchiveException refusal =
        assertThrows(ArchiveException.class, () -> store().register(file).close());
    assertTrue(refusal.getMessage().startsWith(file + " is not accepted: "), refusal.getMessage());
    assertEquals(Kind.MALFORMED, refusal.kind());
  }

  @Test
  void register_stream_readToItsEndAndNotClosed() throws IOException {
    byte[] tar = AppendixA.GARBAGE.bytes();
    AtomicInteger closed = new AtomicInteger();
    InputStream stream =
        new ByteArrayInputStream(tar) {
          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    store().register(stream, RegisterOptions.DEFAULT).close();
    assertEquals(0, closed.get());
    assertEquals(-1, stream.read());
  }

  @Test
  void register_streamThatThrows_typedErrorWithCauseAndNothingLeft() throws IOException {
    List<Object> before = state();
    IOException broken = new IOException("line is down");
    InputStream stream =
        new FilterInputStream(new ByteArrayInputStream(tar("a", "1"))) {
          private int reads;

          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            if (reads++ > 0) {
              throw broken;
            }
            return super.read(bytes, offset, Math.min(length, 700));
          }
        };
    LayerStoreException e =
        assertThrows(
            LayerStoreException.class, () -> store().register(stream, RegisterOptions.DEFAULT));
    assertEquals(broken, e.getCause());
    assertEquals(before, state());
  }

  @Test
  void register_malformedBeginningOfEndlessStream_stopsReading() throws IOException {
    List<Object> before = state();
    AtomicInteger blocks = new AtomicInteger();
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            throw new AssertionError("read in bulk");
          }

          @Override
          public int read(byte[] bytes, int offset, int length) {
            if (blocks.incrementAndGet() > 1000) {
              throw new AssertionError("went on reading after the failure");
            }
            java.util.Arrays.fill(bytes, offset, offset + length, (byte) 'x');
            return length;
          }
        };
    Refusals.assertRefused(
        Kind.MALFORMED, () -> store().register(endless, RegisterOptions.DEFAULT));
    assertEquals(before, state());
  }

  @Test
  void register_oneByteAtATime_sameLayer() throws IOException {
    byte[] tar = AppendixA.TWO_BASE.bytes();
    InputStream slow =
        new FilterInputStream(new ByteArrayInputStream(tar)) {
          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            return super.read(bytes, offset, Math.min(length, 1));
          }

          @Override
          public int available() {
            return 0;
          }
        };
    try (Layer layer = store().register(slow, RegisterOptions.DEFAULT)) {
      assertEquals(diffId(tar), layer.diffId());
    }
  }

  @Test
  void register_aMillionEntriesAboveTheLimit_stopsThereAndLeavesNothing() throws IOException {
    store().close();
    use(builder(root()).limits(Limits.builder().maxEntries(1000).build()).open());
    List<Object> before = state();
    AtomicInteger given = new AtomicInteger();
    InputStream entries =
        new InputStream() {
          private InputStream entry = InputStream.nullInputStream();

          @Override
          public int read() throws IOException {
            byte[] single = new byte[1];
            return read(single, 0, 1) < 0 ? -1 : single[0] & 0xff;
          }

          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            int count = entry.read(target, offset, length);
            if (count >= 0 || given.get() == 1_000_000) {
              return count;
            }
            byte[] next = new TarBuilder().file("f" + given.incrementAndGet(), "").toBytes();
            entry = new ByteArrayInputStream(next);
            return entry.read(target, offset, length);
          }
        };
    ArchiveException e =
        Refusals.assertRefused(
            Kind.LIMIT_EXCEEDED, () -> store().register(entries, (ChainId) null));
    assertEquals(Optional.of("maxEntries"), e.limitName());
    // What was read ahead, and no more.
    assertTrue(given.get() < 10_000, given + " entries were read");
    assertEquals(before, state());
  }

  @Test
  void register_progress_endsWithDone() throws IOException {
    byte[] tar = tar("a", "1");
    List<Progress> seen = new ArrayList<>();
    store()
        .register(LayerSource.of(tar), RegisterOptions.builder().progress(seen::add).build())
        .close();
    Progress last = seen.get(seen.size() - 1);
    assertEquals(Progress.Phase.DONE, last.phase());
    assertEquals(tar.length, last.bytes());
    assertEquals(1, last.entries());
    assertEquals(tar.length, last.totalBytes().orElseThrow());
  }

  @Test
  void register_progress_phasesComeOnceAndInTheirOrder() throws IOException {
    List<Progress.Phase> seen = new ArrayList<>();
    RegisterOptions options =
        RegisterOptions.builder().progress(progress -> seen.add(progress.phase())).build();
    store().register(LayerSource.of(tar("a", "1")), options).close();
    assertEquals(
        List.of(
            Progress.Phase.UNPACKING,
            Progress.Phase.SYNCING,
            Progress.Phase.COMMITTING,
            Progress.Phase.DONE),
        seen.stream().distinct().toList());
    assertEquals(seen.stream().sorted().toList(), seen);
  }

  @Test
  void register_storesListener_isToldUnlessTheOperationHasItsOwn() throws IOException {
    store().close();
    List<Progress> ofStore = new ArrayList<>();
    List<Progress> ofOperation = new ArrayList<>();
    use(builder(root()).progress(ofStore::add).open());
    register(tar("a", "1")).close();
    assertEquals(Progress.Phase.DONE, ofStore.get(ofStore.size() - 1).phase());
    ofStore.clear();
    RegisterOptions options = RegisterOptions.builder().progress(ofOperation::add).build();
    store().register(LayerSource.of(tar("b", "2")), options).close();
    assertEquals(List.of(), ofStore);
    assertEquals(Progress.Phase.DONE, ofOperation.get(ofOperation.size() - 1).phase());
  }

  @Test
  void register_listenerThatThrows_isIgnored() throws IOException {
    byte[] tar = tar("a", "1");
    RegisterOptions options =
        RegisterOptions.builder()
            .progress(
                progress -> {
                  throw new IllegalStateException("the listener's own failure");
                })
            .build();
    try (Layer layer = store().register(LayerSource.of(tar), options)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  @Test
  void register_sourceThatStalls_holdsNothingElseUp() throws Exception {
    CountDownLatch isStalled = new CountDownLatch(1);
    CountDownLatch mayGoOn = new CountDownLatch(1);
    byte[] tar = tar("slow", "1".repeat(100_000));
    InputStream slow =
        new FilterInputStream(new ByteArrayInputStream(tar)) {
          private int reads;

          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            if (reads++ == 3) {
              isStalled.countDown();
              awaitQuietly(mayGoOn);
            }
            return super.read(target, offset, Math.min(length, 1000));
          }
        };
    CompletableFuture<Layer> stalled =
        CompletableFuture.supplyAsync(
            () -> unchecked(() -> store().register(slow, RegisterOptions.DEFAULT)),
            StoreTests::inThreadOfItsOwn);
    try {
      isStalled.await();
      CompletableFuture.runAsync(() -> unchecked(this::doEverything), StoreTests::inThreadOfItsOwn)
          .get(2, TimeUnit.MINUTES);
    } finally {
      mayGoOn.countDown();
    }
    try (Layer layer = stalled.get(2, TimeUnit.MINUTES)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  /** Every kind of work, on layers of its own. */
  private Void doEverything() throws IOException {
    byte[] tar = tar("quick", "1");
    Layer base = register(tar);
    assertArrayEquals(tar, export(base));
    RWLayer rw = store().createRWLayer("quick", base.chainId());
    try (Mount mount = rw.mount()) {
      Files.writeString(mount.path().resolve("new"), "1");
    }
    store().release(rw.commit());
    store().releaseRWLayer(rw);
    store().release(base);
    assertEquals(List.of(), store().layers());
    return null;
  }

  @Test
  void register_interrupted_typedErrorStatusKeptNothingLeft() throws IOException {
    List<Object> before = state();
    Thread.currentThread().interrupt();
    assertThrows(OperationInterruptedException.class, () -> register(tar("a", "1")));
    assertTrue(Thread.interrupted());
    assertEquals(before, state());
  }

  @Test
  void register_sameExpectedContentFromManyThreads_unpackedOnce() throws Exception {
    byte[] tar = tar("a", "1");
    CountingSource source = new CountingSource(tar);
    RegisterOptions options = RegisterOptions.builder().expectedDiffId(diffId(tar)).build();
    List<Layer> layers = inThreads(8, () -> store().register(source, options));
    assertEquals(1, source.opened.get());
    assertEquals(8, layers.get(0).usage().handles());
    layers.forEach(Layer::close);
  }

  @Test
  void register_sameContentFromManyThreads_oneLayerAndValidHandles() throws Exception {
    byte[] tar = tar("a", "1");
    List<Layer> layers = inThreads(8, () -> register(tar));
    assertEquals(1, store().layers().size());
    assertEquals(1, driverDirectories(root()).size());
    for (Layer layer : layers) {
      assertArrayEquals(tar, export(layer));
      layer.close();
    }
  }
}
