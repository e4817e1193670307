package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.DevicePolicy;
import io.layerstore.Layer;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Devices in an archive, under each policy. */
abstract class DevicePolicyTests extends StoreTests {

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
    store().close();
    use(builder(root()).devices(policy).open());
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
    try (RWLayer rw = store().createRWLayer("rw")) {
      rw.applyDiff(new ByteArrayInputStream(withDevices()));
      assertEquals(List.of("A /a", "A /dev", "A /z"), changes(rw));
    }
  }
}
