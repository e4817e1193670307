package io.layerstore.overlay2;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A store for a test that counts what its operations ask of the machine. */
abstract class CountedStore {

  static final int FEW = 2;
  static final int MANY = 100;

  /** Its file name has a digest at the end. */
  static final String HELPER = "layerstore-helper";

  @TempDir Path directory;
  private FaultyLinux linux;
  private ClassLoader loader;
  LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    linux = FaultyLinux.inDirectory(directory);
    loader = FaultyOverlay2Provider.loader(directory);
    FaultyOverlay2Provider.use(linux);
    store = open("store", Durability.NONE);
  }

  @AfterEach
  void closeStore() throws IOException {
    FaultyOverlay2Provider.use(null);
    if (store != null) {
      store.close();
    }
  }

  LayerStore open(String name, Durability durability) throws IOException {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(loader);
    try {
      return LayerStore.builder(directory.resolve(name))
          .driver("overlay2")
          .durability(durability)
          .open();
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  // ---- counting ----

  /** Something to count. */
  @FunctionalInterface
  interface Operation {
    void run() throws IOException;
  }

  /**
   * What an operation cost.
   *
   * @param requests to the driver's helpers that are waited for: round trips, some with a start.
   *     What is written into a layer is a stream without answers
   * @param processes by the names of their programs
   * @param forces how often something was forced to the disk, but for what helpers do
   */
  record Cost(Map<String, Integer> requests, Map<String, Integer> processes, int forces) {

    /** Without the requests that go to a helper that runs, each of which is a round trip. */
    int started() {
      return processes.values().stream().mapToInt(Integer::intValue).sum();
    }
  }

  Cost costOf(Operation operation) throws IOException {
    Map<String, Integer> processes = new TreeMap<>();
    int forces = 0;
    Path file = directory.resolve("recording.jfr");
    Map<String, Integer> requests;
    try (Recording recording = new Recording()) {
      recording.enable("jdk.ProcessStart").withoutThreshold();
      recording.enable("jdk.FileForce").withoutThreshold();
      linux.takeRequests();
      recording.start();
      operation.run();
      recording.stop();
      requests = linux.takeRequests();
      requests.remove("write");
      recording.dump(file);
    }
    for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
      String type = event.getEventType().getName();
      if (type.equals("jdk.FileForce")) {
        forces++;
      } else if (type.equals("jdk.ProcessStart")) {
        String program = event.getString("command").split(" ", 2)[0];
        String name = program.substring(program.lastIndexOf('/') + 1);
        processes.merge(name.startsWith(HELPER) ? HELPER : name, 1, Integer::sum);
      }
    }
    return new Cost(requests, processes, forces);
  }

  /** The processes that the helper's server forks during an operation, by what they do. */
  Map<String, Integer> forksOf(Operation operation) throws IOException {
    Path file = directory.resolve("forks.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("io.layerstore.Helper").withoutThreshold();
      recording.start();
      operation.run();
      recording.stop();
      recording.dump(file);
    }
    Map<String, Integer> forks = new TreeMap<>();
    for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
      if (event.getEventType().getName().equals("io.layerstore.Helper")) {
        forks.merge(event.getString("mode"), 1, Integer::sum);
      }
    }
    return forks;
  }

  // ---- layers ----

  static byte[] archive(String name, int files, int size) {
    TarBuilder tar = new TarBuilder();
    for (int i = 0; i < files; i++) {
      tar.file(name + i, "x".repeat(size));
    }
    return tar.end().toBytes();
  }

  /** The topmost of so many layers. */
  ChainId chain(int layers) throws IOException {
    @Nullable ChainId top = null;
    for (int i = 0; i < layers; i++) {
      byte[] tar = archive("chain" + layers + "-" + i + "-", 1, 1);
      try (Layer layer = store.register(LayerSource.of(tar), onTopOf(top))) {
        top = layer.chainId();
      }
    }
    return java.util.Objects.requireNonNull(top);
  }

  static RegisterOptions onTopOf(@Nullable ChainId parent) {
    return parent == null ? RegisterOptions.DEFAULT : RegisterOptions.onTopOf(parent);
  }

  void register(byte[] tar, @Nullable ChainId parent) throws IOException {
    store.register(LayerSource.of(tar), onTopOf(parent)).close();
  }

  /** Starts the helper that mounts, which lives as long as the store. */
  void warmUp() throws IOException {
    store.createRWLayer("warm", chain(1)).mount().close();
  }
}
