package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.AmbiguousIdException;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.CommitOptions;
import io.layerstore.Compression;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.Descriptor;
import io.layerstore.DevicePolicy;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerMetadata;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.NameConflictException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RWLayerOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreCreation;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import io.layerstore.TarOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every layer store does, whatever driver and file system it works on; subclasses say which.
 *
 * <p>After every test the store must be closable and must have left nothing behind: no unfinished
 * transaction, no deletion half done, and as many directories in the driver as there are layers.
 */
public abstract class LayerStoreContract {

  /** Before all times in the archives of the tests, and in whole seconds, as archives have them. */
  private static final Instant LATEST = Instant.ofEpochSecond(1_000_000_000);

  private static final Instant EARLY = Instant.ofEpochSecond(500_000_000);

  private Path root;
  private LayerStore store;

  /** An empty directory, or the path of one that can be made. */
  protected abstract Path newRoot() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  /** The directories that stand for layers in the driver, as names. */
  protected abstract Set<String> driverDirectories(Path root) throws IOException;

  /** Whether the driver keeps owners of files that are in no registered layer yet. */
  protected boolean keepsOwners() {
    return true;
  }

  /** Called when a test and all checks after it are done. */
  protected void discardRoot() throws IOException {}

  @BeforeEach
  void openStore() throws IOException {
    root = newRoot();
    store = builder(root).open();
  }

  @AfterEach
  void nothingIsLeftBehind() throws IOException {
    assertFalse(Thread.interrupted(), "a test left its thread interrupted");
    store.close();
    try (LayerStore again = builder(root).open()) {
      assertEquals(List.of(), again.recoveryReport().findings());
      Set<String> expected = new TreeSet<>();
      again.layers().forEach(layer -> expected.add(layer.cacheId()));
      again
          .rwLayers()
          .forEach(
              layer -> {
                expected.add(layer.mountId());
                if (layer.initId() != null) {
                  expected.add(layer.initId());
                }
              });
      assertEquals(expected, driverDirectories(root));
    }
    assertEquals(List.of(), names(layerDb().resolve("tmp")));
    discardRoot();
  }

  // Fixtures

  /** The store under test. */
  protected LayerStore store() {
    return store;
  }

  /** The root of the store under test. */
  protected Path root() {
    return root;
  }

  /** Closes the store and opens it again. */
  protected LayerStore reopen() throws IOException {
    store.close();
    store = builder(root).open();
    return store;
  }

  private Path layerDb() {
    return root.resolve("image/" + store.driverName() + "/layerdb");
  }

  private static List<String> names(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        names.add(entry.getFileName().toString());
      }
    }
    Collections.sort(names);
    return names;
  }

  private static byte[] tar(String name, String content) {
    return new TarBuilder().file(name, content).end().toBytes();
  }

  private static DiffId diffId(byte[] tar) {
    return new DiffId(Digest.sha256Of(tar));
  }

  private Layer register(byte[] tar, ChainId parent) throws LayerStoreException {
    return store.register(new ByteArrayInputStream(tar), parent);
  }

  private Layer register(byte[] tar) throws LayerStoreException {
    return register(tar, null);
  }

  private static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  private static byte[] export(Layer layer, TarOptions options) throws IOException {
    try (InputStream tar = layer.tarStream(options)) {
      return tar.readAllBytes();
    }
  }

  private static byte[] export(RWLayer layer, TarOptions options) throws IOException {
    try (InputStream tar = layer.tarStream(options)) {
      return tar.readAllBytes();
    }
  }

  private static Instant modified(Mount mount, String path) throws IOException {
    return Files.getLastModifiedTime(mount.path().resolve(path)).toInstant();
  }

  private static List<String> changes(RWLayer layer) throws IOException {
    try (Stream<Change> changes = layer.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  /** The state of the store that a failed call must leave as it was. */
  private List<Object> state() throws IOException {
    return List.of(
        store.layers(),
        store.rwLayers(),
        driverDirectories(root),
        names(layerDb().resolve("sha256")),
        names(layerDb().resolve("mounts")),
        names(layerDb().resolve("tmp")));
  }

  /** A source that counts how often it was opened and closed. */
  private static final class CountingSource implements LayerSource {
    private final byte[] tar;
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();

    CountingSource(byte[] tar) {
      this.tar = tar;
    }

    @Override
    public InputStream open() {
      opened.incrementAndGet();
      return new ByteArrayInputStream(tar) {
        @Override
        public void close() {
          closed.incrementAndGet();
        }
      };
    }
  }

  /** Registration: identity, exactness, refusal. */
  @Nested
  protected class Register {

    @Test
    void register_baseLayer_chainIdIsDiffIdIsSha256OfTar() throws IOException {
      byte[] tar = tar("a", "1");
      try (Layer layer = register(tar)) {
        assertEquals(diffId(tar), layer.diffId());
        assertEquals(diffId(tar).digest(), layer.chainId().digest());
        assertTrue(layer.parent().isEmpty());
        assertEquals(1, layer.depth());
      }
    }

    @Test
    void register_onParent_chainIdFollowsFromBoth() throws IOException {
      try (Layer base = register(tar("a", "1"));
          Layer top = register(tar("b", "22"), base.chainId())) {
        assertEquals(ChainId.of(base.chainId(), top.diffId()), top.chainId());
        assertEquals(base.chainId(), top.parent().orElseThrow());
        assertEquals(base.sizeBytes() + top.diffSizeBytes(), top.sizeBytes());
        assertEquals(2, top.diffSizeBytes());
      }
    }

    @ParameterizedTest
    @EnumSource(AppendixA.class)
    void register_knownVector_acceptedAndExportedExactlyOrRefused(AppendixA vector)
        throws IOException {
      ChainId parent = null;
      if (vector.isAccepted()) {
        try (Layer layer = register(vector.bytes(), parent)) {
          assertEquals(vector.diffId(), layer.diffId().toString());
          assertArrayEquals(vector.bytes(), export(layer));
        }
      } else {
        List<Object> before = state();
        LayerStoreException e =
            assertThrows(LayerStoreException.class, () -> register(vector.bytes(), parent));
        vector.assertRefusedBy(e);
        assertEquals(before, state());
      }
    }

    @Test
    void register_sameContentTwice_oneLayerTwoHandles() throws IOException {
      byte[] tar = tar("a", "1");
      try (Layer first = register(tar);
          Layer second = register(tar)) {
        assertEquals(first.chainId(), second.chainId());
        assertEquals(first.cacheId(), second.cacheId());
        assertEquals(2, first.usage().handles());
        assertEquals(1, driverDirectories(root).size());
        assertEquals(List.of(), store.release(first));
        assertEquals(1, store.release(second).size());
      }
    }

    @Test
    void register_sameContentOnTwoParents_twoLayersOfOneDiffId() throws IOException {
      try (Layer one = register(tar("a", "1"));
          Layer two = register(tar("b", "2"));
          Layer onOne = register(tar("c", "3"), one.chainId());
          Layer onTwo = register(tar("c", "3"), two.chainId())) {
        assertEquals(onOne.diffId(), onTwo.diffId());
        assertNotEquals(onOne.chainId(), onTwo.chainId());
        assertNotEquals(onOne.cacheId(), onTwo.cacheId());
      }
    }

    @Test
    void register_emptyTar_wellKnownDiffIdAndEmptyRoot() throws IOException {
      try (Layer layer = register(AppendixA.EMPTY1024.bytes());
          Mount mount = layer.mount()) {
        assertEquals(DiffId.EMPTY_TAR, layer.diffId());
        assertEquals(0, layer.sizeBytes());
        assertEquals(List.of(), names(mount.path()));
      }
    }

    @Test
    void register_unknownParent_refusedBeforeReading() throws IOException {
      List<Object> before = state();
      CountingSource source = new CountingSource(tar("a", "1"));
      ChainId unknown = ChainId.of(null, diffId(tar("x", "x")));
      assertThrows(
          LayerNotFoundException.class,
          () -> store.register(source, RegisterOptions.onTopOf(unknown)));
      assertEquals(0, source.opened.get());
      assertEquals(before, state());
    }

    @Test
    void register_chainOf125_acceptedAnd126thRefusedBeforeReading() throws IOException {
      byte[] tar = AppendixA.EMPTY1024.bytes();
      ChainId top = null;
      for (int i = 0; i < LayerStore.MAX_DEPTH; i++) {
        try (Layer layer = register(tar, top)) {
          top = layer.chainId();
          assertEquals(i + 1, layer.depth());
        }
      }
      ChainId full = top;
      List<Object> before = state();
      CountingSource source = new CountingSource(tar);
      MaxDepthExceededException e =
          assertThrows(
              MaxDepthExceededException.class,
              () -> store.register(source, RegisterOptions.onTopOf(full)));
      assertEquals(LayerStore.MAX_DEPTH, e.limit());
      assertEquals(0, source.opened.get());
      assertEquals(before, state());
    }

    @Test
    void register_wrongExpectedDiffId_refusedAndNothingLeft() throws IOException {
      List<Object> before = state();
      byte[] tar = tar("a", "1");
      DiffId wrong = diffId(tar("a", "2"));
      LayerVerificationException e =
          assertThrows(
              LayerVerificationException.class,
              () ->
                  store.register(
                      new ByteArrayInputStream(tar),
                      RegisterOptions.builder().expectedDiffId(wrong).build()));
      assertEquals(Optional.of(wrong.digest()), e.expected());
      assertEquals(Optional.of(diffId(tar).digest()), e.actual());
      assertEquals(before, state());
    }

    @Test
    void register_wrongExpectedChainId_refusedAndNothingLeft() throws IOException {
      List<Object> before = state();
      ChainId wrong = ChainId.of(null, diffId(tar("a", "2")));
      assertThrows(
          LayerVerificationException.class,
          () ->
              store.register(
                  LayerSource.of(tar("a", "1")),
                  RegisterOptions.builder().expectedChainId(wrong).build()));
      assertEquals(before, state());
    }

    @Test
    void register_expectedLayerPresent_sourceNeverOpened() throws IOException {
      byte[] tar = tar("a", "1");
      register(tar).close();
      CountingSource source = new CountingSource(tar);
      try (Layer layer =
          store.register(source, RegisterOptions.builder().expectedDiffId(diffId(tar)).build())) {
        assertEquals(diffId(tar), layer.diffId());
      }
      assertEquals(0, source.opened.get());
    }

    @Test
    void register_expectedLayerOfAnEarlierStore_sourceNeverOpened() throws IOException {
      byte[] tar = tar("a", "1");
      register(tar).close();
      reopen();
      CountingSource source = new CountingSource(tar);
      RegisterOptions options = RegisterOptions.builder().expectedDiffId(diffId(tar)).build();
      store.register(source, options).close();
      assertEquals(0, source.opened.get());
    }

    @Test
    void register_expectedLayerAbsent_sourceOpenedAndClosedOnce() throws IOException {
      byte[] tar = tar("a", "1");
      CountingSource source = new CountingSource(tar);
      store.register(source, RegisterOptions.builder().expectedDiffId(diffId(tar)).build()).close();
      assertEquals(1, source.opened.get());
      assertEquals(1, source.closed.get());
    }

    @Test
    void register_failingSource_sourceClosedAndNothingLeft() throws IOException {
      List<Object> before = state();
      CountingSource source = new CountingSource(AppendixA.TRUNC.bytes());
      Refusals.assertRefused(Kind.MALFORMED, () -> store.register(source, RegisterOptions.DEFAULT));
      assertEquals(1, source.closed.get());
      assertEquals(before, state());
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
      store.register(stream, RegisterOptions.DEFAULT).close();
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
              LayerStoreException.class, () -> store.register(stream, RegisterOptions.DEFAULT));
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
          Kind.MALFORMED, () -> store.register(endless, RegisterOptions.DEFAULT));
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
      try (Layer layer = store.register(slow, RegisterOptions.DEFAULT)) {
        assertEquals(diffId(tar), layer.diffId());
      }
    }

    @Test
    void register_gzip_diffIdOfUncompressedBytes() throws IOException {
      byte[] tar = tar("a", "1");
      try (Layer layer = register(gzip(tar))) {
        assertEquals(diffId(tar), layer.diffId());
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void register_aMillionEntriesAboveTheLimit_stopsThereAndLeavesNothing() throws IOException {
      store.close();
      store = builder(root).limits(Limits.builder().maxEntries(1000).build()).open();
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
              Kind.LIMIT_EXCEEDED, () -> store.register(entries, (ChainId) null));
      assertEquals(Optional.of("maxEntries"), e.limitName());
      // What was read ahead, and no more.
      assertTrue(given.get() < 10_000, given + " entries were read");
      assertEquals(before, state());
    }

    @Test
    void register_archiveOverLimit_refusedAndNothingLeft() throws IOException {
      store.close();
      store = builder(root).limits(Limits.builder().maxEntries(2).build()).open();
      List<Object> before = state();
      byte[] tar = new TarBuilder().file("a", "").file("b", "").file("c", "").end().toBytes();
      ArchiveException e = Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> register(tar));
      assertEquals(Optional.of("maxEntries"), e.limitName());
      assertEquals(before, state());
    }

    @Test
    void register_progress_endsWithDone() throws IOException {
      byte[] tar = tar("a", "1");
      List<Progress> seen = new ArrayList<>();
      store
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
      store.register(LayerSource.of(tar("a", "1")), options).close();
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
      store.close();
      List<Progress> ofStore = new ArrayList<>();
      List<Progress> ofOperation = new ArrayList<>();
      store = builder(root).progress(ofStore::add).open();
      register(tar("a", "1")).close();
      assertEquals(Progress.Phase.DONE, ofStore.get(ofStore.size() - 1).phase());
      ofStore.clear();
      RegisterOptions options = RegisterOptions.builder().progress(ofOperation::add).build();
      store.register(LayerSource.of(tar("b", "2")), options).close();
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
      try (Layer layer = store.register(LayerSource.of(tar), options)) {
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void register_descriptor_isKeptWithTheLayer() throws IOException {
      byte[] tar = tar("a", "1");
      Descriptor descriptor =
          new Descriptor(
              "application/vnd.oci.image.layer.v1.tar",
              tar.length,
              diffId(tar).digest(),
              List.of("https://example.org/<a>&b"),
              Map.of("key", "value"),
              null);
      RegisterOptions options = RegisterOptions.builder().descriptor(descriptor).build();
      ChainId chainId;
      try (Layer layer = store.register(LayerSource.of(tar), options)) {
        chainId = layer.chainId();
        assertEquals(descriptor, layer.descriptor().orElseThrow());
      }
      reopen();
      try (Layer layer = store.get(chainId);
          Layer without = register(tar("b", "2"))) {
        assertEquals(descriptor, layer.descriptor().orElseThrow());
        assertTrue(without.descriptor().isEmpty());
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
              () -> unchecked(() -> store.register(slow, RegisterOptions.DEFAULT)),
              LayerStoreContract::inThreadOfItsOwn);
      try {
        isStalled.await();
        CompletableFuture.runAsync(
                () -> unchecked(this::doEverything), LayerStoreContract::inThreadOfItsOwn)
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
      RWLayer rw = store.createRWLayer("quick", base.chainId());
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("new"), "1");
      }
      store.release(rw.commit());
      store.releaseRWLayer(rw);
      store.release(base);
      assertEquals(List.of(), store.layers());
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
      List<Layer> layers = inThreads(8, () -> store.register(source, options));
      assertEquals(1, source.opened.get());
      assertEquals(8, layers.get(0).usage().handles());
      layers.forEach(Layer::close);
    }

    @Test
    void register_sameContentFromManyThreads_oneLayerAndValidHandles() throws Exception {
      byte[] tar = tar("a", "1");
      List<Layer> layers = inThreads(8, () -> register(tar));
      assertEquals(1, store.layers().size());
      assertEquals(1, driverDirectories(root).size());
      for (Layer layer : layers) {
        assertArrayEquals(tar, export(layer));
        layer.close();
      }
    }

    @Test
    void register_pathTwice_exportedExactlyAndLastWins() throws IOException {
      byte[] tar =
          new TarBuilder()
              .file("a", "first")
              .file("d/x", "below")
              .file("./a", "second")
              .file("d", "now a file")
              .end()
              .toBytes();
      try (Layer layer = register(tar);
          Mount mount = layer.mount()) {
        assertArrayEquals(tar, export(layer));
        assertEquals("second", Files.readString(mount.path().resolve("a")));
        assertEquals("now a file", Files.readString(mount.path().resolve("d")));
      }
    }

    @Test
    void register_fileOverwrittenThroughLink_exportedExactly() throws IOException {
      byte[] tar =
          new TarBuilder()
              .directory("d/")
              .file("d/f", "one")
              .symlink("l", "d")
              .file("l/f", "two")
              .symlink("l", "e")
              .file("e/f", "three")
              .end()
              .toBytes();
      try (Layer layer = register(tar);
          Mount mount = layer.mount()) {
        assertArrayEquals(tar, export(layer));
        assertEquals("two", Files.readString(mount.path().resolve("d/f")));
      }
    }
  }

  /** What becomes of devices. */
  @Nested
  protected class Devices {

    private byte[] withDevices() {
      return new TarBuilder()
          .file("a", "1")
          .directory("dev/")
          .header(TarHeaderBlock.named("dev/null").type('3').device(1, 3))
          .hardLink("dev/link", "dev/null")
          .hardLink("dev/again", "dev/link")
          .header(TarHeaderBlock.named("dev/sda").type('4').device(8, 0))
          .header(TarHeaderBlock.named("dev/zero").type('3').device(0, 0))
          .file("z", "2")
          .end()
          .toBytes();
    }

    private void reopenWith(DevicePolicy policy) throws IOException {
      store.close();
      store = builder(root).devices(policy).open();
    }

    @Test
    void register_devicesSkipped_notInTheTreeAndExportedExactly() throws IOException {
      reopenWith(DevicePolicy.SKIP);
      byte[] tar = withDevices();
      try (Layer layer = register(tar);
          Mount mount = layer.mount()) {
        assertEquals(List.of("a=1", "dev/", "z=2"), tree(mount.path()));
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void register_deviceSkippedThenAFileOfItsName_linksToTheFileAreMade() throws IOException {
      reopenWith(DevicePolicy.SKIP);
      byte[] tar =
          new TarBuilder()
              .header(TarHeaderBlock.named("d").type('3').device(1, 3))
              .file("d", "1")
              .hardLink("e", "d")
              .end()
              .toBytes();
      try (Layer layer = register(tar);
          Mount mount = layer.mount()) {
        assertEquals(List.of("d=1", "e=1"), tree(mount.path()));
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void register_deviceRefused_typedErrorAndNothingLeft() throws IOException {
      reopenWith(DevicePolicy.REFUSE);
      List<Object> before = state();
      ArchiveException e =
          Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> register(withDevices()));
      assertEquals(Optional.of("dev/null"), e.entryName());
      assertEquals(OptionalLong.of(2), e.entryIndex());
      assertEquals(before, state());
    }

    @ParameterizedTest
    @EnumSource(DevicePolicy.class)
    void register_whiteoutOfDeviceType_deletesUnderEveryPolicy(DevicePolicy policy)
        throws IOException {
      reopenWith(policy);
      byte[] deletion =
          new TarBuilder()
              .header(TarHeaderBlock.named("etc/.wh.a").type('3').device(0, 0))
              .end()
              .toBytes();
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          Layer top = register(deletion, base.chainId());
          Mount mount = top.mount()) {
        assertEquals(List.of("b"), names(mount.path().resolve("etc")));
        assertArrayEquals(deletion, export(top));
      }
    }

    @Test
    void applyDiff_devicesSkipped_theRestIsThere() throws IOException {
      reopenWith(DevicePolicy.SKIP);
      try (RWLayer rw = store.createRWLayer("rw")) {
        rw.applyDiff(new ByteArrayInputStream(withDevices()));
        assertEquals(List.of("A /a", "A /dev", "A /z"), changes(rw));
      }
    }
  }

  /** Looking layers up. */
  @Nested
  protected class Get {

    @Test
    void get_unknown_notFound() {
      assertThrows(
          LayerNotFoundException.class, () -> store.get(ChainId.of(null, DiffId.EMPTY_TAR)));
    }

    @Test
    void resolve_uniquePrefix_found() throws IOException {
      try (Layer layer = register(tar("a", "1"))) {
        String hex = layer.chainId().digest().hex();
        assertEquals(layer.chainId(), store.resolve(hex.substring(0, 12)));
        assertEquals(layer.chainId(), store.resolve("sha256:" + hex.substring(0, 5)));
      }
    }

    @Test
    void resolve_ambiguousPrefix_errorNamesCandidates() throws IOException {
      Set<Character> firstDigits = new TreeSet<>();
      ChainId ambiguous = null;
      for (int i = 0; ambiguous == null; i++) {
        try (Layer layer = register(tar("a", Integer.toString(i)))) {
          if (!firstDigits.add(layer.chainId().digest().hex().charAt(0))) {
            ambiguous = layer.chainId();
          }
        }
      }
      String prefix = ambiguous.digest().hex().substring(0, 1);
      AmbiguousIdException e =
          assertThrows(AmbiguousIdException.class, () -> store.resolve(prefix));
      assertTrue(e.candidates().contains(ambiguous.toString()), e.candidates().toString());
    }

    @Test
    void resolve_absentPrefix_notFound() {
      assertThrows(LayerNotFoundException.class, () -> store.resolve("abc"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sha256:", "xyz", "ABC", "../x"})
    void resolve_noPrefixOfAnId_illegalArgument(String text) {
      assertThrows(IllegalArgumentException.class, () -> store.resolve(text));
    }

    @Test
    void layers_several_areSortedByChainId() throws IOException {
      List<ChainId> registered = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        try (Layer layer = register(tar("a", Integer.toString(i)))) {
          registered.add(layer.chainId());
        }
      }
      Collections.sort(registered);
      assertEquals(registered, store.layers().stream().map(LayerInfo::chainId).toList());
    }

    @Test
    void get_spentHandle_stillTellsIdsAndSizes() throws IOException {
      byte[] tar = tar("a", "12");
      Layer layer = register(tar);
      store.release(layer);
      assertEquals(diffId(tar), layer.diffId());
      assertEquals(ChainId.of(null, diffId(tar)), layer.chainId());
      assertEquals(2, layer.sizeBytes());
      assertEquals(2, layer.diffSizeBytes());
      assertEquals(1, layer.depth());
      assertThrows(IllegalStateException.class, layer::metadata);
      assertThrows(IllegalStateException.class, layer::mount);
      assertThrows(IllegalStateException.class, () -> layer.tarStreamFrom(null));
    }

    @Test
    void layers_afterReopen_equal() throws IOException {
      try (Layer base = register(tar("a", "1"));
          Layer top = register(tar("b", "2"), base.chainId())) {
        assertEquals(2, top.depth());
      }
      List<LayerInfo> before = store.layers();
      assertEquals(2, before.size());
      assertEquals(before, reopen().layers());
    }
  }

  /** References and deletion. */
  @Nested
  protected class Release {

    @Test
    void release_parentWhileAChildComesIn_keepsItForTheChild() throws IOException {
      Layer parent = register(tar("a", "1"));
      LayerSource child =
          () -> {
            // Another thread, because the one that opens the source may hold locks.
            assertEquals(
                List.of(),
                CompletableFuture.supplyAsync(
                        () -> releaseNow(parent), LayerStoreContract::inThreadOfItsOwn)
                    .join());
            return new ByteArrayInputStream(tar("b", "2"));
          };

      Layer layer = store.register(child, RegisterOptions.onTopOf(parent.chainId()));

      assertArrayEquals(tar("b", "2"), export(layer));
      assertEquals(2, store.release(layer).size());
    }

    private List<LayerMetadata> releaseNow(Layer layer) {
      try {
        return store.release(layer);
      } catch (LayerStoreException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Test
    void release_leaf_deletesUnreferencedAncestorsChildFirst() throws IOException {
      Layer base = register(tar("a", "1"));
      Layer middle = register(tar("b", "22"), base.chainId());
      Layer top = register(tar("c", "333"), middle.chainId());
      base.close();
      middle.close();
      List<LayerMetadata> deleted = store.release(top);
      assertEquals(
          List.of(
              new LayerMetadata(top.chainId(), top.diffId(), 6, 3),
              new LayerMetadata(middle.chainId(), middle.diffId(), 3, 2),
              new LayerMetadata(base.chainId(), base.diffId(), 1, 1)),
          deleted);
      assertEquals(List.of(), store.layers());
      assertEquals(Set.of(), driverDirectories(root));
    }

    @Test
    void release_layerWithChild_keptAndChildNamed() throws IOException {
      Layer base = register(tar("a", "1"));
      try (Layer top = register(tar("b", "2"), base.chainId())) {
        assertEquals(List.of(top.chainId()), base.usage().children());
        assertEquals(List.of(), store.release(base));
        assertEquals(2, store.layers().size());
      }
    }

    @Test
    void release_bottomUp_lastReleaseDeletesAll() throws IOException {
      Layer base = register(tar("a", "1"));
      Layer top = register(tar("b", "2"), base.chainId());
      assertEquals(List.of(), store.release(base));
      assertEquals(2, store.release(top).size());
    }

    @Test
    void release_layerWithRWLayer_kept() throws IOException {
      Layer base = register(tar("a", "1"));
      try (RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        assertEquals(List.of("rw"), base.usage().rwLayers());
        assertEquals(List.of(), store.release(base));
        assertEquals(1, store.releaseRWLayer(rw).size());
      }
    }

    @Test
    void release_spentHandle_notRetained() throws IOException {
      Layer first = register(tar("a", "1"));
      try (Layer second = store.get(first.chainId())) {
        assertEquals(List.of(), store.release(first));
        assertThrows(LayerNotRetainedException.class, () -> store.release(first));
        assertEquals(1, second.usage().handles());
      }
    }

    @Test
    void close_lastHandle_deletesNothing() throws IOException {
      Layer layer = register(tar("a", "1"));
      layer.close();
      layer.close();
      assertEquals(1, store.layers().size());
      assertThrows(IllegalStateException.class, layer::tarStream);
      assertThrows(LayerNotRetainedException.class, () -> store.release(layer));
    }

    @Test
    void release_thenRegisterSameContent_newIndependentLayer() throws IOException {
      byte[] tar = tar("a", "1");
      Layer first = register(tar);
      String oldCacheId = first.cacheId();
      store.release(first);
      try (Layer second = register(tar)) {
        assertNotEquals(oldCacheId, second.cacheId());
        assertArrayEquals(tar, export(second));
      }
    }

    @Test
    void release_mountedLayer_keptUntilUnmounted() throws IOException {
      Layer layer = register(tar("a", "1"));
      ChainId chainId = layer.chainId();
      try (Mount mount = layer.mount()) {
        assertEquals(List.of(), store.release(layer));
        assertEquals("1", Files.readString(mount.path().resolve("a")));
      }
      assertEquals(1, store.release(store.get(chainId)).size());
    }

    @Test
    void release_registerAndReleaseFromManyThreads_consistent() throws Exception {
      byte[] base = tar("a", "1");
      byte[] top = tar("b", "2");
      inThreads(
          4,
          () -> {
            for (int i = 0; i < 10; i++) {
              Layer below = register(base);
              Layer above = register(top, below.chainId());
              assertArrayEquals(top, export(above));
              store.release(below);
              store.release(above);
            }
            return true;
          });
      assertEquals(List.of(), store.layers());
      assertEquals(Set.of(), driverDirectories(root));
    }
  }

  /** Reading layers. */
  @Nested
  protected class Read {

    @Test
    void tarStream_afterReopen_exactBytes() throws IOException {
      byte[] tar = AppendixA.TWO_BASE.bytes();
      ChainId chainId;
      try (Layer layer = register(tar)) {
        chainId = layer.chainId();
      }
      reopen();
      try (Layer layer = store.get(chainId)) {
        assertArrayEquals(tar, export(layer));
      }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void tarStream_compressed_sameBytesTwiceAndExactInside(Compression compression)
        throws IOException {
      byte[] tar = tar("long", "0123456789".repeat(30_000));
      TarOptions options = TarOptions.builder().compression(compression).build();
      try (Layer layer = register(tar)) {
        byte[] exported = export(layer, options);
        assertArrayEquals(exported, export(layer, options));
        assertEquals(compression != Compression.NONE, exported.length < tar.length / 10);
        try (Layer again = register(exported)) {
          assertEquals(diffId(tar), again.diffId());
        }
      }
    }

    @Test
    void tarStream_gzip_isWhatOthersRead() throws IOException {
      byte[] tar = AppendixA.TWO_BASE.bytes();
      try (Layer layer = register(tar);
          InputStream plain =
              new GZIPInputStream(
                  layer.tarStream(TarOptions.builder().compression(Compression.GZIP).build()))) {
        assertArrayEquals(tar, plain.readAllBytes());
      }
    }

    @Test
    void tarStream_latestTime_illegalArgumentBecauseBytesAreExact() throws IOException {
      try (Layer layer = register(tar("a", "1"))) {
        TarOptions options = TarOptions.builder().latestTime(LATEST).build();
        assertThrows(IllegalArgumentException.class, () -> layer.tarStream(options));
      }
    }

    @Test
    void tarStreamFrom_latestTimeAndCompressed_noEntryIsLater() throws IOException {
      TarOptions options =
          TarOptions.builder().latestTime(LATEST).compression(Compression.GZIP).build();
      try (Layer layer = register(AppendixA.TWO_BASE.bytes());
          InputStream difference = layer.tarStreamFrom(null, options);
          Layer squashed = register(difference.readAllBytes());
          Mount mount = squashed.mount()) {
        assertEquals(LATEST, modified(mount, "etc/a"));
        assertEquals(LATEST, modified(mount, "etc"));
      }
    }

    @Test
    void tarStreamFrom_grandparent_reproducesTheTree() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          Layer middle = register(tar("m", "middle"), base.chainId());
          Layer top = register(AppendixA.TWO_TOP.bytes(), middle.chainId())) {
        byte[] difference;
        try (InputStream tar = top.tarStreamFrom(base.chainId())) {
          difference = tar.readAllBytes();
        }
        try (Layer squashed = register(difference, base.chainId());
            Mount expected = top.mount();
            Mount actual = squashed.mount()) {
          assertEquals(tree(expected.path()), tree(actual.path()));
        }
      }
    }

    @Test
    void tarStreamFrom_nothing_wholeTree() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          Layer top = register(AppendixA.TWO_TOP.bytes(), base.chainId())) {
        byte[] everything;
        try (InputStream tar = top.tarStreamFrom(null)) {
          everything = tar.readAllBytes();
        }
        try (Layer squashed = register(everything);
            Mount expected = top.mount();
            Mount actual = squashed.mount()) {
          assertEquals(tree(expected.path()), tree(actual.path()));
        }
      }
    }

    @Test
    void tarStreamFrom_nonAncestor_refusedAsByDocker() throws IOException {
      try (Layer base = register(tar("a", "1"));
          Layer other = register(tar("b", "2"))) {
        IllegalArgumentException e =
            assertThrows(IllegalArgumentException.class, () -> base.tarStreamFrom(other.chainId()));
        assertEquals(
            "layer ID '"
                + other.chainId()
                + "' is not a parent of the specified layer: cannot provide diff to non-parent",
            e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> base.tarStreamFrom(base.chainId()));
      }
    }

    @Test
    void mount_twoLayers_mergedTree() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          Layer top = register(AppendixA.TWO_TOP.bytes(), base.chainId());
          Mount mount = top.mount()) {
        assertEquals(
            List.of("dirx=now file", "etc/", "etc/b=B2", "filey/", "op/", "op/new=N"),
            tree(mount.path()));
      }
    }
  }

  /** Read-write layers. */
  @Nested
  protected class ReadWrite {

    @Test
    void createRWLayer_changeInMount_seenInChangesSizeAndTar() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("etc/new"), "four");
          Files.delete(mount.path().resolve("etc/a"));
        }
        assertEquals(List.of("C /etc", "D /etc/a", "A /etc/new"), changes(rw));
        assertEquals(4, rw.sizeBytes());
        store.releaseRWLayer(rw);
      }
    }

    @Test
    void createRWLayer_unchanged_emptyTarAndNoChanges() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId());
          InputStream tar = rw.tarStream()) {
        assertEquals(List.of(), changes(rw));
        assertEquals(0, rw.sizeBytes());
        assertArrayEquals(new byte[1024], tar.readAllBytes());
      }
    }

    @Test
    void createRWLayer_onNothing_everythingIsAdded() throws IOException {
      try (RWLayer rw = store.createRWLayer("rw")) {
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("a"), "1");
        }
        assertTrue(rw.parent().isEmpty());
        assertEquals(List.of("A /a"), changes(rw));
        try (Layer layer = rw.commit()) {
          assertTrue(layer.parent().isEmpty());
        }
      }
    }

    @Test
    void createRWLayer_nameTaken_conflict() throws IOException {
      try (RWLayer rw = store.createRWLayer("rw")) {
        assertEquals("rw", rw.name());
        NameConflictException e =
            assertThrows(NameConflictException.class, () -> store.createRWLayer("rw"));
        assertEquals("rw", e.name());
      }
    }

    @Test
    void createRWLayer_nameOf10KiB_illegalArgument() {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> store.createRWLayer("x".repeat(10 << 10)));
      assertTrue(e.getMessage().length() < 1000, "the message has the whole name");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "a/b", ".x", "a b", "\u00e9"})
    void createRWLayer_invalidName_illegalArgument(String name) {
      assertThrows(IllegalArgumentException.class, () -> store.createRWLayer(name));
    }

    @Test
    void createRWLayer_unknownParent_notFoundAndNothingLeft() throws IOException {
      List<Object> before = state();
      assertThrows(
          LayerNotFoundException.class,
          () -> store.createRWLayer("rw", ChainId.of(null, DiffId.EMPTY_TAR)));
      assertEquals(before, state());
    }

    @Test
    void createRWLayer_withInitializer_neitherInChangesNorInSize() throws IOException {
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(path -> Files.writeString(path.resolve("hosts"), "localhost"))
              .build();
      try (Layer base = register(tar("a", "1"));
          RWLayer rw =
              store.createRWLayer("rw", options.toBuilder().parent(base.chainId()).build());
          Mount mount = rw.mount()) {
        assertEquals("localhost", Files.readString(mount.path().resolve("hosts")));
        assertEquals(List.of(), changes(rw));
        assertEquals(0, rw.sizeBytes());
        assertEquals(rw.mountId() + "-init", store.rwLayers().get(0).initId());
      }
    }

    @Test
    void createRWLayer_failingInitializer_nothingLeftAndNameFree() throws IOException {
      try (Layer base = register(tar("a", "1"))) {
        List<Object> before = state();
        RWLayerOptions options =
            RWLayerOptions.builder()
                .initializer(
                    path -> {
                      throw new IOException("no");
                    })
                .build();
        assertThrows(
            LayerStoreException.class,
            () -> store.createRWLayer("rw", options.toBuilder().parent(base.chainId()).build()));
        assertEquals(before, state());
        store.createRWLayer("rw", base.chainId()).close();
      }
    }

    @Test
    void createRWLayer_initializerThatThrowsUnchecked_nothingLeft() throws IOException {
      List<Object> before = state();
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(
                  path -> {
                    throw new IllegalArgumentException("no");
                  })
              .build();
      assertThrows(IllegalArgumentException.class, () -> store.createRWLayer("rw", options));
      assertEquals(before, state());
    }

    @Test
    void createRWLayer_unknownStorageOption_refusedAndNothingLeft() throws IOException {
      List<Object> before = state();
      RWLayerOptions options = RWLayerOptions.builder().storageOption("colour", "red").build();
      assertThrows(LayerStoreException.class, () -> store.createRWLayer("rw", options));
      assertEquals(before, state());
    }

    @Test
    void createRWLayer_sizeOption_refusedAndNothingLeft() throws IOException {
      List<Object> before = state();
      RWLayerOptions options = RWLayerOptions.builder().storageOption("size", "1g").build();
      assertThrows(LayerStoreException.class, () -> store.createRWLayer("rw", options));
      assertEquals(before, state());
    }

    @Test
    void rwLayers_several_areSortedByName() throws IOException {
      for (String name : List.of("b", "a.1", "A", "a")) {
        store.createRWLayer(name).close();
      }
      assertEquals(
          List.of("A", "a", "a.1", "b"), store.rwLayers().stream().map(RWLayerInfo::name).toList());
    }

    @Test
    void close_mounted_leavesTheMount() throws IOException {
      RWLayer rw = store.createRWLayer("rw");
      try (Mount mount = rw.mount()) {
        rw.close();
        Files.writeString(mount.path().resolve("a"), "1");
        assertEquals(1, store.rwLayers().get(0).mounts());
      }
      try (RWLayer again = store.getRWLayer("rw")) {
        assertEquals(List.of("A /a"), changes(again));
      }
    }

    @Test
    void tarStream_fileCutWhileItIsRead_isAConcurrentChange() throws IOException {
      try (RWLayer rw = store.createRWLayer("rw");
          Mount mount = rw.mount()) {
        Path file = mount.path().resolve("file");
        Files.write(file, new byte[32 << 20]);
        try (InputStream tar = rw.tarStream()) {
          assertEquals(512, tar.readNBytes(512).length);
          Files.write(file, new byte[1]);
          assertThrows(
              ConcurrentChangeException.class,
              () -> tar.transferTo(OutputStream.nullOutputStream()));
        }
      }
    }

    @Test
    void getRWLayer_unknown_notFound() {
      assertThrows(RWLayerNotFoundException.class, () -> store.getRWLayer("rw"));
      assertThrows(RWLayerNotFoundException.class, () -> store.mountId("rw"));
    }

    @Test
    void getRWLayer_afterReopen_sameFilesAndParentHeld() throws IOException {
      ChainId parent;
      String mountId;
      try (Layer base = register(tar("a", "1"));
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        parent = base.chainId();
        mountId = rw.mountId();
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("b"), "2");
        }
      }
      reopen();
      assertEquals(mountId, store.mountId("rw"));
      try (RWLayer rw = store.getRWLayer("rw")) {
        assertEquals(List.of("A /b"), changes(rw));
        assertEquals(parent, rw.parent().orElseThrow());
        assertEquals(List.of(), store.release(store.get(parent)));
        assertEquals(1, store.releaseRWLayer(rw).size());
      }
    }

    @Test
    void mount_closedLazily_countsAsClosed() throws IOException {
      RWLayer rw = store.createRWLayer("rw");
      Mount first = rw.mount();
      Mount second = rw.mount();
      first.closeLazily();
      first.close();
      assertTrue(Files.exists(second.path()));
      assertThrows(MountBusyException.class, () -> store.releaseRWLayer(rw));
      second.closeLazily();
      store.releaseRWLayer(rw);
    }

    @Test
    void mount_twice_thereUntilTheSecondClose() throws IOException {
      try (RWLayer rw = store.createRWLayer("rw")) {
        Mount first = rw.mount();
        Mount second = rw.mount();
        assertEquals(first.path(), second.path());
        assertEquals(2, store.rwLayers().get(0).mounts());
        first.close();
        first.close();
        Files.writeString(second.path().resolve("a"), "1");
        second.close();
        assertEquals(0, store.rwLayers().get(0).mounts());
      }
    }

    @Test
    void releaseRWLayer_mounted_refusedAndHandleStaysGood() throws IOException {
      RWLayer rw = store.createRWLayer("rw");
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("a"), "1");
        MountBusyException e =
            assertThrows(MountBusyException.class, () -> store.releaseRWLayer(rw));
        assertEquals("rw", e.name());
      }
      assertEquals(List.of("A /a"), changes(rw));
      store.releaseRWLayer(rw);
      assertEquals(List.of(), store.rwLayers());
    }

    @Test
    void releaseRWLayer_spentHandle_notRetained() throws IOException {
      RWLayer rw = store.createRWLayer("rw");
      store.releaseRWLayer(rw);
      assertThrows(LayerNotRetainedException.class, () -> store.releaseRWLayer(rw));
      store.createRWLayer("rw").close();
      assertThrows(LayerNotRetainedException.class, () -> store.releaseRWLayer(rw));
      assertEquals(1, store.rwLayers().size());
    }

    @Test
    void commit_fileMovedInTheMount_bothLayersAreRight() throws IOException {
      try (Layer base = register(tar("old", "content"));
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        try (Mount mount = rw.mount()) {
          Files.move(mount.path().resolve("old"), mount.path().resolve("new"));
        }
        try (Layer moved = rw.commit();
            Mount below = base.mount();
            Mount above = moved.mount()) {
          assertEquals(List.of("old=content"), tree(below.path()));
          assertEquals(List.of("new=content"), tree(above.path()));
        }
      }
    }

    @Test
    void createRWLayer_onTheDeepestChain_showsItsFilesAndCannotBeCommitted() throws IOException {
      Layer top = register(tar("deepest", "0"));
      for (int i = 1; i < LayerStore.MAX_DEPTH; i++) {
        top.close();
        top = register(tar("f" + i, "x"), top.chainId());
      }
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(path -> Files.writeString(path.resolve("init"), "1"))
              .build();
      try (RWLayer rw =
              store.createRWLayer("rw", options.toBuilder().parent(top.chainId()).build());
          Mount mount = rw.mount()) {
        assertEquals("0", Files.readString(mount.path().resolve("deepest")));
        assertEquals(LayerStore.MAX_DEPTH + 1, tree(mount.path()).size());
        assertEquals(List.of(), changes(rw));
        List<Object> before = state();
        MaxDepthExceededException e = assertThrows(MaxDepthExceededException.class, rw::commit);
        assertEquals(LayerStore.MAX_DEPTH, e.limit());
        assertEquals(before, state());
      }
      top.close();
    }

    @Test
    void releaseRWLayer_withOtherHandle_deletesNothing() throws IOException {
      RWLayer first = store.createRWLayer("rw");
      RWLayer second = store.getRWLayer("rw");
      assertEquals(List.of(), store.releaseRWLayer(first));
      assertEquals(1, store.rwLayers().size());
      store.releaseRWLayer(second);
      assertEquals(List.of(), store.rwLayers());
      assertThrows(LayerNotRetainedException.class, () -> store.releaseRWLayer(second));
    }

    @Test
    void close_lastHandle_deletesNothing() throws IOException {
      RWLayer rw = store.createRWLayer("rw");
      rw.close();
      rw.close();
      assertThrows(IllegalStateException.class, rw::mount);
      store.releaseRWLayer(store.getRWLayer("rw"));
    }

    @Test
    void commit_changes_newLayerThatReproducesTheTree() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId());
          Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("etc/new"), "four");
        Files.delete(mount.path().resolve("etc/a"));
        Files.delete(mount.path().resolve("dirx/f"));
        Files.delete(mount.path().resolve("dirx"));
        Files.writeString(mount.path().resolve("dirx"), "file now");
        Files.delete(mount.path().resolve("filey"));
        Files.createDirectory(mount.path().resolve("filey"));
        Files.writeString(mount.path().resolve("filey/in"), "dir now");
        try (Layer top = rw.commit();
            Mount committed = top.mount()) {
          assertEquals(base.chainId(), top.parent().orElseThrow());
          assertEquals(tree(mount.path()), tree(committed.path()));
          assertNotEquals(rw.mountId(), top.cacheId());
          assertArrayEquals(export(top), export(top));
        }
        Files.writeString(mount.path().resolve("still"), "writable");
      }
    }

    @Test
    void commit_directoryReplacedByEmptyOne_lowerContentStaysHidden() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId());
          Mount mount = rw.mount()) {
        Files.delete(mount.path().resolve("dirx/f"));
        Files.delete(mount.path().resolve("dirx"));
        Files.createDirectory(mount.path().resolve("dirx"));
        try (Layer top = rw.commit();
            Mount committed = top.mount()) {
          assertEquals(List.of(), names(committed.path().resolve("dirx")));
        }
      }
    }

    /** A read-write layer with the same changes as every other one, made at another time. */
    private RWLayer changedAt(String name, ChainId parent, Instant time) throws IOException {
      RWLayer rw = store.createRWLayer(name, parent);
      try (Mount mount = rw.mount()) {
        Path etc = mount.path().resolve("etc");
        Files.delete(etc.resolve("a"));
        Files.writeString(etc.resolve("old"), "old");
        Files.writeString(etc.resolve("new"), "new");
        Files.setLastModifiedTime(etc.resolve("old"), FileTime.from(EARLY));
        Files.setLastModifiedTime(etc.resolve("new"), FileTime.from(time));
        Files.setLastModifiedTime(etc, FileTime.from(time));
      }
      return rw;
    }

    @Test
    void commit_sameChangesAtOtherTimesWithLatestTime_oneLayer() throws IOException {
      CommitOptions options = CommitOptions.builder().latestTime(LATEST).build();
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer first = changedAt("first", base.chainId(), LATEST.plusSeconds(1));
          RWLayer second = changedAt("second", base.chainId(), LATEST.plusSeconds(99));
          Layer one = first.commit(options);
          Layer two = second.commit(options);
          Layer unlimited = second.commit()) {
        assertEquals(one.chainId(), two.chainId());
        assertNotEquals(one.chainId(), unlimited.chainId());
      }
    }

    @Test
    void commit_latestTime_lowersLaterTimesAndRaisesNone() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = changedAt("rw", base.chainId(), LATEST.plusSeconds(1));
          Layer top = rw.commit(CommitOptions.builder().latestTime(LATEST).build());
          Mount mount = top.mount()) {
        assertEquals(LATEST, modified(mount, "etc/new"));
        assertEquals(LATEST, modified(mount, "etc"));
        assertEquals(EARLY, modified(mount, "etc/old"));
      }
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void tarStream_latestTime_isTheLayerThatCommitMakes(Compression compression)
        throws IOException {
      TarOptions options = TarOptions.builder().latestTime(LATEST).compression(compression).build();
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer first = changedAt("first", base.chainId(), LATEST.plusSeconds(1));
          RWLayer second = changedAt("second", base.chainId(), LATEST.plusSeconds(99));
          Layer top = first.commit(CommitOptions.builder().latestTime(LATEST).build())) {
        byte[] exported = export(first, options);
        assertArrayEquals(exported, export(second, options));
        try (Layer again = register(exported, base.chainId())) {
          assertEquals(top.chainId(), again.chainId());
        }
      }
    }

    @Test
    void tarStream_gzip_isWhatOthersRead() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = changedAt("rw", base.chainId(), EARLY);
          InputStream plain =
              new GZIPInputStream(
                  rw.tarStream(TarOptions.builder().compression(Compression.GZIP).build()))) {
        assertArrayEquals(export(rw, TarOptions.DEFAULT), plain.readAllBytes());
      }
    }

    @Test
    void commit_andRelease_rwLayerIsGone() throws IOException {
      try (Layer base = register(tar("a", "1"))) {
        RWLayer rw = store.createRWLayer("rw", base.chainId());
        try (Layer top = rw.commit(CommitOptions.builder().releaseAfterwards(true).build())) {
          assertEquals(base.chainId(), top.parent().orElseThrow());
        }
        assertEquals(List.of(), store.rwLayers());
      }
    }

    @Test
    void commit_ofWhatExists_handleOnTheExistingLayer() throws IOException {
      try (Layer base = register(tar("a", "1"));
          RWLayer rw = store.createRWLayer("rw", base.chainId());
          Layer first = rw.commit();
          Layer second = rw.commit()) {
        assertEquals(first.chainId(), second.chainId());
        assertEquals(DiffId.EMPTY_TAR, first.diffId());
      }
    }

    @Test
    void applyDiff_layerArchive_whiteoutsIncluded() throws IOException {
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        long size = rw.applyDiff(new ByteArrayInputStream(gzip(AppendixA.TWO_TOP.bytes())));
        assertEquals(11, size);
        try (Mount mount = rw.mount()) {
          assertEquals(
              List.of("dirx=now file", "etc/", "etc/b=B2", "filey/", "op/", "op/new=N"),
              tree(mount.path()));
        }
      }
    }

    @Test
    void applyDiff_overChanges_replacesAndDeletesThem() throws IOException {
      byte[] tar =
          new TarBuilder()
              .file("etc/b", "new")
              .file("etc/.wh.mine", "")
              .file("made/kept", "K")
              .file(".wh.gone", "")
              .directory("op/")
              .file("op/before", "1")
              .file("op/.wh..wh..opq", "")
              .file("op/after", "2")
              .end()
              .toBytes();
      try (Layer base = register(AppendixA.TWO_BASE.bytes());
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        try (Mount mount = rw.mount()) {
          Files.writeString(mount.path().resolve("etc/b"), "a longer text than the new one");
          Files.writeString(mount.path().resolve("etc/mine"), "M");
          Files.writeString(mount.path().resolve("op/mine"), "M");
          Files.createDirectories(mount.path().resolve("gone/deep"));
          Files.writeString(mount.path().resolve("gone/deep/mine"), "M");
        }
        rw.applyDiff(new ByteArrayInputStream(tar));
        try (Mount mount = rw.mount()) {
          assertEquals(
              List.of(
                  "dirx/",
                  "dirx/f=F",
                  "etc/",
                  "etc/a=A",
                  "etc/b=new",
                  "filey=Y",
                  "made/",
                  "made/kept=K",
                  "op/",
                  "op/after=2",
                  "op/before=1"),
              tree(mount.path()));
        }
      }
    }

    @Test
    void applyDiff_stream_readToItsEndAndNotClosed() throws IOException {
      AtomicInteger closed = new AtomicInteger();
      InputStream stream =
          new ByteArrayInputStream(AppendixA.GARBAGE.bytes()) {
            @Override
            public void close() {
              closed.incrementAndGet();
            }
          };
      try (RWLayer rw = store.createRWLayer("rw")) {
        rw.applyDiff(stream);
        assertEquals(0, closed.get());
        assertEquals(-1, stream.read());
        assertEquals(List.of("A /a.txt"), changes(rw));
      }
    }

    @Test
    void applyDiff_refusedArchive_typedErrorAndTheLayerGoesOn() throws IOException {
      byte[] bad = new TarBuilder().file("a", "1").file("../b", "2").end().toBytes();
      try (RWLayer rw = store.createRWLayer("rw")) {
        Refusals.assertRefused(Kind.BREAKOUT, () -> rw.applyDiff(new ByteArrayInputStream(bad)));
        rw.applyDiff(new ByteArrayInputStream(tar("c", "3")));
        try (Mount mount = rw.mount()) {
          assertEquals("3", Files.readString(mount.path().resolve("c")));
        }
      }
    }

    @Test
    void applyDiff_thenCommit_ownersOfTheArchiveSurvive() throws IOException {
      assumeTrue(keepsOwners(), "all files belong to the user who runs the tests");
      byte[] tar =
          new TarBuilder()
              .file(TarHeaderBlock.named("owned").uid(1234).gid(5678).mode(04755), "x")
              .end()
              .toBytes();
      try (RWLayer rw = store.createRWLayer("rw")) {
        rw.applyDiff(new ByteArrayInputStream(tar));
        try (Layer layer = rw.commit()) {
          String header = new String(export(layer), 0, 512, UTF_8);
          assertEquals("0004755\0" + "0002322\0" + "0013056\0", header.substring(100, 124));
        }
      }
    }

    @Test
    void metadata_ofLayers_namesDirectories() throws IOException {
      try (Layer base = register(tar("a", "1"));
          RWLayer rw = store.createRWLayer("rw", base.chainId())) {
        assertFalse(base.metadata().isEmpty());
        assertFalse(rw.metadata().isEmpty());
      }
    }

    @Test
    void mount_fromManyThreads_countedExactly() throws Exception {
      try (RWLayer rw = store.createRWLayer("rw")) {
        inThreads(
            8,
            () -> {
              for (int i = 0; i < 20; i++) {
                try (Mount mount = rw.mount()) {
                  assertTrue(Files.isDirectory(mount.path()));
                }
              }
              return true;
            });
        assertEquals(0, store.rwLayers().get(0).mounts());
      }
    }
  }

  /** Read-write layers for once. */
  @Nested
  protected class Temporary {

    @Test
    void createTemporaryRWLayer_twice_isTwoLayers() throws IOException {
      try (Layer base = register(tar("a", "1"));
          RWLayer first = store.createTemporaryRWLayer(base.chainId());
          RWLayer second = store.createTemporaryRWLayer(base.chainId())) {
        try (Mount mount = first.mount()) {
          mount.file("new").writeString("1");
        }

        assertEquals(List.of("A /new"), changes(first));
        assertEquals(List.of(), changes(second));
        assertEquals(List.of(first.name(), second.name()).stream().sorted().toList(), rwNames());
      }
    }

    @Test
    void close_lastHandle_deletesItAndNothingElse() throws IOException {
      try (Layer base = register(tar("a", "1"))) {
        List<Object> before = state();
        RWLayerOptions options =
            RWLayerOptions.builder().initializer(root -> root.file("i").writeString("1")).build();

        store.createTemporaryRWLayer(options.toBuilder().parent(base.chainId()).build()).close();

        assertEquals(before, state());
      }
    }

    @Test
    void close_anotherHandle_staysUntilThatIsClosed() throws IOException {
      RWLayer first = store.createTemporaryRWLayer();
      RWLayer second = store.getRWLayer(first.name());

      first.close();
      first.close();
      assertEquals(List.of(second.name()), rwNames());
      second.close();

      assertEquals(List.of(), rwNames());
    }

    @Test
    void close_mounted_staysUntilTheMountIsClosed() throws IOException {
      RWLayer layer = store.createTemporaryRWLayer();
      Mount mount = layer.mount();

      layer.close();
      mount.file("new").writeString("1");
      assertEquals("1", mount.file("new").readString());
      mount.close();

      assertEquals(List.of(), rwNames());
      assertEquals(Set.of(), driverDirectories(root));
    }

    @Test
    void close_committing_leavesTheNewLayer() throws IOException {
      Layer committed;
      try (RWLayer layer = store.createTemporaryRWLayer()) {
        try (Mount mount = layer.mount()) {
          mount.file("new").writeString("1");
        }
        committed = layer.commit(CommitOptions.builder().releaseAfterwards(true).build());
      }

      assertEquals(List.of(), rwNames());
      assertEquals(1, committed.depth());
      committed.close();
    }

    @Test
    void releaseRWLayer_temporary_deletesIt() throws IOException {
      RWLayer layer = store.createTemporaryRWLayer();

      store.releaseRWLayer(layer);

      assertEquals(List.of(), rwNames());
      assertEquals(Set.of(), driverDirectories(root));
    }

    @Test
    void releaseRWLayer_temporaryAndMounted_isRefused() throws IOException {
      RWLayer layer = store.createTemporaryRWLayer();
      try (Mount mount = layer.mount()) {
        assertThrows(MountBusyException.class, () -> store.releaseRWLayer(layer));
        mount.file("new").writeString("1");
      }
      assertEquals(List.of("A /new"), changes(layer));
      layer.close();
    }

    @Test
    void release_parentOfATemporary_isHeldByIt() throws IOException {
      Layer base = register(tar("a", "1"));
      RWLayer layer = store.createTemporaryRWLayer(base.chainId());

      assertEquals(List.of(layer.name()), base.usage().rwLayers());
      assertEquals(List.of(), store.release(base));
      layer.close();

      assertEquals(1, store.layers().size());
    }

    @Test
    void cleanup_temporaryInUse_staysAsItIs() throws IOException {
      try (RWLayer layer = store.createTemporaryRWLayer();
          Mount mount = layer.mount()) {
        mount.file("new").writeString("1");

        assertEquals(List.of(), store.cleanup().findings());

        assertEquals("1", mount.file("new").readString());
      }
    }

    @Test
    void mount_persistent_isRefused() throws IOException {
      try (RWLayer layer = store.createTemporaryRWLayer()) {
        assertThrows(IllegalArgumentException.class, () -> layer.mount(MountOptions.persistent()));
      }
    }

    @Test
    void close_storeWithTemporaryInUse_deletesIt() throws IOException {
      try (Layer base = register(tar("a", "1"))) {
        List<Object> before = state();
        RWLayer layer = store.createTemporaryRWLayer(base.chainId());
        List<Mount> mounts = List.of(layer.mount(), layer.mount());

        reopen();

        assertThrows(IllegalStateException.class, () -> mounts.get(0).file("a").readString());

        layer.close();
        assertEquals(List.of(), store.recoveryReport().findings());
        assertEquals(before.subList(1, before.size()), state().subList(1, before.size()));
      }
    }

    @Test
    void createTemporaryRWLayer_missingParent_refusedAndNothingLeft() throws IOException {
      List<Object> before = state();
      assertThrows(
          LayerNotFoundException.class,
          () -> store.createTemporaryRWLayer(ChainId.of(null, DiffId.EMPTY_TAR)));
      assertEquals(before, state());
    }

    private List<String> rwNames() {
      return store.rwLayers().stream().map(RWLayerInfo::name).toList();
    }
  }

  /** Opening and closing. */
  @Nested
  protected class OpenAndClose {

    @Test
    void open_twice_locked() {
      StoreLockedException e = assertThrows(StoreLockedException.class, () -> builder(root).open());
      assertEquals(root, e.root());
    }

    @Test
    void open_unknownDriverOption_refused() throws IOException {
      Path other = root.resolveSibling("other");
      LayerStoreException e =
          assertThrows(
              LayerStoreException.class, () -> builder(other).driverOption("no.such", "x").open());
      assertTrue(e.getMessage().contains("no.such"), e.getMessage());
      builder(other).open().close();
    }

    @Test
    void open_refusedInANewDirectory_leavesNotEvenTheDirectories() throws IOException {
      Path above = root.resolveSibling("above");
      assertThrows(
          LayerStoreException.class,
          () -> builder(above.resolve("other")).driverOption("no.such", "x").open());
      assertFalse(Files.exists(above));
    }

    @Test
    void open_refusedInAnEmptyDirectory_leavesItEmpty() throws IOException {
      Path other = Files.createDirectory(root.resolveSibling("other"));
      assertThrows(
          LayerStoreException.class, () -> builder(other).driverOption("no.such", "x").open());
      assertEquals(List.of(), names(other));
    }

    @Test
    void open_refusedBesideOtherFiles_leavesThemAlone() throws IOException {
      Path other = Files.createDirectory(root.resolveSibling("other"));
      Files.writeString(other.resolve("mine"), "x");
      assertThrows(
          LayerStoreException.class,
          () -> builder(other).create(StoreCreation.ANYWHERE).driverOption("no.such", "x").open());
      assertEquals(List.of("mine"), names(other));
    }

    @Test
    void open_neverCreate_leavesAnEmptyDirectoryEmpty() throws IOException {
      Path other = Files.createDirectory(root.resolveSibling("other"));
      StoreNotFoundException e =
          assertThrows(
              StoreNotFoundException.class,
              () -> builder(other).create(StoreCreation.NEVER).open());
      assertEquals(other, e.root());
      assertEquals(List.of(), names(other));
    }

    @Test
    void open_neverCreate_opensWhatThereIs() throws IOException {
      store.close();
      store = builder(root).create(StoreCreation.NEVER).open();
      try (Layer layer = register(tar("a", "1"))) {
        assertEquals(1, layer.depth());
        assertEquals(1, store.layers().size());
      }
    }

    @Test
    void open_readOnlyOfAnEmptyDirectory_showsNothingAndLeavesItEmpty() throws IOException {
      Path other = Files.createDirectory(root.resolveSibling("other"));
      try (LayerStore reader = builder(other).readOnly(true).open()) {
        assertEquals(List.of(), reader.layers());
      }
      assertEquals(List.of(), names(other));
    }

    @Test
    void close_createdIfUsedAndNotUsed_leavesNotEvenTheDirectories() throws IOException {
      Path above = root.resolveSibling("above");
      try (LayerStore other =
          builder(above.resolve("other")).create(StoreCreation.IF_USED).open()) {
        byte[] bad = new TarBuilder().file("a", "1").file("../b", "2").end().toBytes();
        Refusals.assertRefused(
            Kind.BREAKOUT, () -> other.register(LayerSource.of(bad), RegisterOptions.DEFAULT));
      }
      assertFalse(Files.exists(above));
    }

    @Test
    void close_createdIfUsedWithALayerOfEmptyDirectories_keepsAll() throws IOException {
      Path other = root.resolveSibling("other");
      byte[] tar = new TarBuilder().directory("a").directory("a/b").end().toBytes();
      ChainId chainId;
      try (LayerStore first = builder(other).create(StoreCreation.IF_USED).open();
          Layer layer = first.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
        chainId = layer.chainId();
      }
      try (LayerStore again = builder(other).create(StoreCreation.IF_USED).open();
          RWLayer rw = again.createRWLayer("rw", chainId);
          Mount mount = rw.mount()) {
        assertTrue(Files.isDirectory(mount.path().resolve("a/b")));
      }
    }

    @Test
    void close_createdIfUsedWithAReadWriteLayer_keepsIt() throws IOException {
      Path other = root.resolveSibling("other");
      try (LayerStore first = builder(other).create(StoreCreation.IF_USED).open()) {
        first.createRWLayer("rw").close();
      }
      try (LayerStore again = builder(other).create(StoreCreation.NEVER).open()) {
        assertEquals("rw", again.rwLayers().get(0).name());
      }
    }

    @Test
    void close_ifUsedOfAnEmptyStoreOfBefore_keepsIt() throws IOException {
      Path other = root.resolveSibling("other");
      builder(other).open().close();
      List<String> before = names(other);
      builder(other).create(StoreCreation.IF_USED).open().close();
      assertEquals(before, names(other));
    }

    @Test
    void open_otherMetadataPath_layersAreThereAndNotInDockersPlace() throws IOException {
      Path other = root.resolveSibling("other");
      StoreOptions.Builder elsewhere = builder(other).metadataPathTemplate("meta/%s/db");
      byte[] tar = tar("a", "1");
      ChainId chainId;
      try (LayerStore first = elsewhere.open();
          Layer layer = first.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
        chainId = layer.chainId();
      }
      Path database = other.resolve("meta").resolve(store.driverName()).resolve("db");
      assertEquals(List.of(chainId.digest().hex()), names(database.resolve("sha256")));
      assertFalse(Files.exists(other.resolve("image")));
      try (LayerStore second = elsewhere.open();
          Layer layer = second.get(chainId)) {
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void open_readOnlyWhileWritten_seesWhatIsThere() throws IOException {
      try (Layer layer = register(tar("a", "1"));
          LayerStore reader = builder(root).readOnly(true).open()) {
        assertEquals(1, reader.layers().size());
        try (Layer later = register(tar("b", "2"));
            Layer read = reader.get(later.chainId())) {
          assertArrayEquals(tar("b", "2"), export(read));
          assertTrue(reader.isReadOnly());
        }
        assertEquals(2, reader.layers().size());
        assertEquals(1, layer.usage().handles());
      }
    }

    @Test
    void open_readOnly_changesRefused() throws IOException {
      try (Layer layer = register(tar("a", "1"));
          LayerStore reader = builder(root).readOnly(true).open();
          Layer read = reader.get(layer.chainId())) {
        assertThrows(
            ReadOnlyStoreException.class,
            () -> reader.register(LayerSource.of(tar("b", "2")), RegisterOptions.DEFAULT));
        assertThrows(ReadOnlyStoreException.class, () -> reader.createRWLayer("rw"));
        assertThrows(ReadOnlyStoreException.class, () -> reader.release(read));
        assertThrows(ReadOnlyStoreException.class, reader::cleanup);
      }
    }

    @Test
    void close_store_everyMethodIllegalState() throws IOException {
      Layer layer = register(tar("a", "1"));
      RWLayer rw = store.createRWLayer("rw");
      store.close();
      store.close();
      assertThrows(IllegalStateException.class, store::layers);
      assertThrows(IllegalStateException.class, () -> register(tar("b", "2")));
      assertThrows(IllegalStateException.class, layer::tarStream);
      assertThrows(IllegalStateException.class, rw::mount);
      layer.close();
      rw.close();
    }

    @Test
    void close_withOpenStreamAndMount_endsThem() throws IOException {
      Layer layer = register(tar("a", "1"));
      InputStream tar = layer.tarStream();
      RWLayer rw = store.createRWLayer("rw", layer.chainId());
      Mount mount = rw.mount();
      store.close();
      assertThrows(IOException.class, tar::readAllBytes);
      mount.close();
    }

    @Test
    void close_fromInsideACall_refused() throws IOException {
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(path -> assertThrows(IllegalStateException.class, () -> store.close()))
              .build();
      store.createRWLayer("rw", options).close();
    }

    @Test
    void close_store_leavesNoThread() throws Exception {
      store.close();
      LibraryThreads threads = LibraryThreads.now();
      store = builder(root).open();
      register(tar("a", "1")).close();
      store.close();
      assertEquals(List.of(), threads.begunSince());
    }

    @Test
    void executor_thatNeverRunsTasks_operationsStillFinish() throws IOException {
      store.close();
      store = builder(root).executor(task -> {}).open();
      byte[] tar = tar("a", "1".repeat(3_000_000));
      try (Layer layer = register(tar)) {
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void executor_thatRunsInTheCaller_operationsStillFinish() throws IOException {
      store.close();
      store = builder(root).executor(Runnable::run).open();
      byte[] tar = tar("a", "1".repeat(3_000_000));
      try (Layer layer = register(tar)) {
        assertArrayEquals(tar, export(layer));
      }
    }

    @Test
    void driverChoice_named_saysSo() throws LayerStoreException {
      assertEquals(store.driverName(), store.driverChoice().driver());
      assertFalse(store.driverChoice().reason().isEmpty());
      assertFalse(store.driverStatus().facts().isEmpty());
    }
  }

  // Helpers

  /** The threads of the common pool are too few on a small machine for one of them to wait. */
  private static void inThreadOfItsOwn(Runnable task) {
    new Thread(task, "test").start();
  }

  private static void awaitQuietly(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** For tasks that cannot throw checked exceptions. */
  private static <T> T unchecked(Callable<T> work) {
    try {
      return work.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static <T> List<T> inThreads(int count, Callable<T> work) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(count);
    try {
      CountDownLatch start = new CountDownLatch(1);
      List<Future<T>> futures = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        futures.add(
            pool.submit(
                () -> {
                  start.await();
                  return work.call();
                }));
      }
      start.countDown();
      List<T> results = new ArrayList<>();
      for (Future<T> future : futures) {
        results.add(future.get(2, TimeUnit.MINUTES));
      }
      return results;
    } finally {
      pool.shutdownNow();
    }
  }

  /** The files below {@code directory} as lines: {@code name/} or {@code name=content}. */
  private static List<String> tree(Path directory) throws IOException {
    List<String> lines = new ArrayList<>();
    addTree(directory, "", lines);
    return lines;
  }

  private static void addTree(Path directory, String prefix, List<String> lines)
      throws IOException {
    for (String name : names(directory)) {
      Path path = directory.resolve(name);
      if (Files.isDirectory(path)) {
        lines.add(prefix + name + "/");
        addTree(path, prefix + name + "/", lines);
      } else {
        lines.add(prefix + name + "=" + Files.readString(path));
      }
    }
  }
}
