package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DriverStatus;
import io.layerstore.LayerStore;
import io.layerstore.overlay2.linux.HelperBinary;
import io.layerstore.testing.TarBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
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
    Path log = directory.resolve("log");
    Path program = directory.resolve("counting");
    Path helper = HelperBinary.locate(directory.resolve("store"));
    Files.writeString(
        program, "#!/bin/sh\necho \"$1\" >> '%s'\nexec '%s' \"$@\"\n".formatted(log, helper));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    String before = System.setProperty(HelperBinary.PROPERTY, program.toString());
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
      assertEquals(1, Files.readAllLines(log).stream().filter("probe"::equals).count());
    } finally {
      restore(before);
    }
  }

  private static void restore(@Nullable String before) {
    if (before == null) {
      System.clearProperty(HelperBinary.PROPERTY);
    } else {
      System.setProperty(HelperBinary.PROPERTY, before);
    }
  }
}
