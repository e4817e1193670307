package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.overlay2.linux.KernelFeatures.Feature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProbeTest {

  @TempDir Path directory;

  @Test
  void probe_anywhere_leavesNothing() throws IOException {
    KernelFeatures features = Helpers.calls().probe(directory);
    assertEquals(List.of(), Helpers.names(directory));
    assertTrue(features.find(KernelFeatures.FILE_SYSTEM).isPresent());
  }

  @Test
  void probe_everyAnswer_hasEvidence() throws IOException {
    for (Feature feature : Helpers.calls().probe(directory).all()) {
      assertFalse(feature.evidence().isEmpty(), feature::toString);
    }
  }

  @Test
  void probe_overlayPossible_tellsHowLayersCanBeKept() throws IOException {
    KernelFeatures features = Helpers.calls().probe(directory);
    assumeTrue(features.has(KernelFeatures.OVERLAY), () -> String.valueOf(features.all()));
    assertTrue(features.has(KernelFeatures.D_TYPE));
    assertTrue(features.has(KernelFeatures.WHITEOUT));
    assertTrue(
        features.has(KernelFeatures.TRUSTED_XATTR) || features.has(KernelFeatures.USER_XATTR));
    assertEquals(
        Helpers.isRoot(), features.has(KernelFeatures.TRUSTED_XATTR), "only root has trusted.*");
  }

  @Test
  void probe_inMountNamespaceOfItsOwn_leavesNoMount() throws IOException {
    LinuxCalls calls = Helpers.calls();
    MountSettings settings = Helpers.settings(calls, directory);
    try (Mounts mounts = calls.openMounts(directory, settings)) {
      assertEquals(List.of(), mounts.list());
    }
  }
}
