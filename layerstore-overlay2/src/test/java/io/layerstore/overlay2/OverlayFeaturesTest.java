package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.DriverStatus;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

final class OverlayFeaturesTest {

  @Test
  void toStatus_nothingTried_claimsNothing() {
    Map<String, String> facts =
        new OverlayFeatures(null, true)
            .toStatus("").facts().stream()
                .collect(Collectors.toMap(DriverStatus.Fact::name, DriverStatus.Fact::value));

    assertEquals("not tried", facts.get("Backing Filesystem"));
    assertEquals("not tried", facts.get("Supports d_type"));
    assertEquals("not tried", facts.get("Using metacopy"));
    assertEquals("not tried", facts.get("Native Overlay Diff"));
  }
}
