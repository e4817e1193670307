package io.layerstore.testing;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.StoreOptions;
import io.layerstore.TarOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** A group of tests of {@link LayerStoreContract} that stands in a file of its own. */
abstract class StoreTests {

  /** Before all times in the archives of the tests, and in whole seconds, as archives have them. */
  static final Instant LATEST = Instant.ofEpochSecond(1_000_000_000);

  static final Instant EARLY = Instant.ofEpochSecond(500_000_000);

  /** What the running test works with. */
  abstract LayerStoreContract contract();

  final LayerStore store() {
    return contract().store();
  }

  final Path root() {
    return contract().root();
  }

  final StoreOptions.Builder builder(Path root) {
    return contract().builder(root);
  }

  final LayerStore reopen() throws IOException {
    return contract().reopen();
  }

  /** See {@link LayerStoreContract#use}. */
  final void use(LayerStore other) {
    contract().use(other);
  }

  final Set<String> driverDirectories(Path root) throws IOException {
    return contract().driverDirectories(root);
  }

  final boolean keepsOwners() {
    return contract().keepsOwners();
  }

  final Path layerDb() {
    return contract().layerDb();
  }

  /** See {@link LayerStoreContract#state}. */
  final List<Object> state() throws IOException {
    return contract().state();
  }

  final Layer register(byte[] tar, ChainId parent) throws LayerStoreException {
    return store().register(new ByteArrayInputStream(tar), parent);
  }

  final Layer register(byte[] tar) throws LayerStoreException {
    return register(tar, null);
  }

  static List<String> names(Path directory) throws IOException {
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

  static byte[] tar(String name, String content) {
    return new TarBuilder().file(name, content).end().toBytes();
  }

  static DiffId diffId(byte[] tar) {
    return new DiffId(Digest.sha256Of(tar));
  }

  static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  static byte[] export(Layer layer, TarOptions options) throws IOException {
    try (InputStream tar = layer.tarStream(options)) {
      return tar.readAllBytes();
    }
  }

  static byte[] export(RWLayer layer, TarOptions options) throws IOException {
    try (InputStream tar = layer.tarStream(options)) {
      return tar.readAllBytes();
    }
  }

  static Instant modified(Mount mount, String path) throws IOException {
    return Files.getLastModifiedTime(mount.path().resolve(path)).toInstant();
  }

  static List<String> changes(RWLayer layer) throws IOException {
    try (Stream<Change> changes = layer.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  /** A source that counts how often it was opened and closed. */
  static final class CountingSource implements LayerSource {
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

  /** The threads of the common pool are too few on a small machine for one of them to wait. */
  static void inThreadOfItsOwn(Runnable task) {
    new Thread(task, "test").start();
  }

  static void awaitQuietly(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  /** For tasks that cannot throw checked exceptions. */
  static <T> T unchecked(Callable<T> work) {
    try {
      return work.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static <T> List<T> inThreads(int count, Callable<T> work) throws Exception {
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
  static List<String> tree(Path directory) throws IOException {
    List<String> lines = new ArrayList<>();
    addTree(directory, "", lines);
    return lines;
  }

  static void addTree(Path directory, String prefix, List<String> lines) throws IOException {
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
