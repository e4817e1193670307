package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DriverStatus;
import io.layerstore.LayerStore;
import io.layerstore.testing.TarBuilder;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How often a store asks the kernel what it can, and what becomes of the answers. */
final class ProbeOnceTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;

  /** Probing leaves a mount namespace, a directory and some mounts to clean up: once is enough. */
  @Test
  void open_newStore_asksTheKernelOnceAndKeepsTheEvidence() throws Exception {
    Overlay2Testing.assumeSupported(directory);
    Path events = directory.resolve("events.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("io.layerstore.Helper");
      recording.start();
      openAndAsk();
      recording.stop();
      recording.dump(events);
    }
    assertEquals(
        1,
        RecordingFile.readAllEvents(events).stream()
            .filter(event -> event.getEventType().getName().equals("io.layerstore.Helper"))
            .filter(event -> event.getString("mode").equals("PROBE"))
            .count());
  }

  private void openAndAsk() throws Exception {
    try (LayerStore store = LayerStore.open(directory.resolve("store"))) {
      assertEquals("overlay2", store.driverName());
      store.register(new TarBuilder().file("f", "x").end().toStream(), NO_PARENT).close();
      List<String> evidence =
          store.driverStatus().facts().stream()
              .filter(fact -> fact.name().equals("Probe"))
              .map(DriverStatus.Fact::value)
              .toList();
      assertTrue(evidence.size() > 10, evidence::toString);
      assertTrue(
          evidence.contains("overlay mount: yes (mount of two lower layers and an upper one: ok)"));
    }
  }
}
