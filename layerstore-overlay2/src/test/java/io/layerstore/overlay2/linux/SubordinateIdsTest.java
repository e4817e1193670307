package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.IdMapping;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.testing.RecordingWriteContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SubordinateIdsTest {

  private static final Path SELF = Path.of("/proc/self");

  @TempDir Path directory;

  private List<IdMapping.Range> ranges(String text) throws IOException {
    Path file = Files.writeString(directory.resolve("subuid"), text);
    return SubordinateIds.ranges(file, "anna", 1000, 1000);
  }

  @Test
  void ranges_ofTheUser_followTheOwnId() throws IOException {
    assertEquals(
        IdMapping.parseRanges("0:1000:1,1:200000:65536,65537:900000:10"),
        ranges("bert:100000:65536\nanna:200000:65536\n1000:900000:10\n"));
  }

  @Test
  void ranges_none_saysWhatToAdd() {
    DriverNotSupportedException e =
        assertThrows(DriverNotSupportedException.class, () -> ranges("bert:100000:65536\n"));
    assertTrue(e.reason().contains("anna:100000:65536"), e::reason);
  }

  @Test
  void ranges_invalidLine_isNamed() {
    IOException e = assertThrows(IOException.class, () -> ranges("anna:x:65536\n"));
    assertTrue(e.getMessage().contains("anna:x:65536"), e::getMessage);
  }

  /** As from two tools that each gave the user the same ids. */
  @Test
  void namespace_rangesThatOverlap_areNotSupported() throws IOException {
    Files.writeString(directory.resolve("subuid"), "anna:200000:65536\nanna:200000:65536\n");
    Files.writeString(directory.resolve("subgid"), "anna:200000:65536\n");
    DriverNotSupportedException e =
        assertThrows(
            DriverNotSupportedException.class,
            () -> SubordinateIds.namespace(directory, "anna", 1000, 1000));
    assertTrue(e.reason().contains("overlap"), e::reason);
  }

  /** Ids that no system grants. */
  private static UserNamespace notGranted() throws IOException {
    assumeTrue(!Helpers.isRoot(), "root has every id");
    Helpers.namespace();
    long uid = Integer.toUnsignedLong((Integer) Files.getAttribute(SELF, "unix:uid"));
    long gid = Integer.toUnsignedLong((Integer) Files.getAttribute(SELF, "unix:gid"));
    return UserNamespace.ofRanges(
        new IdMapping(
            List.of(new IdMapping.Range(0, uid, 1), new IdMapping.Range(1, 4_000_000_000L, 9)),
            List.of(new IdMapping.Range(0, gid, 1), new IdMapping.Range(1, 4_000_000_000L, 9))));
  }

  @Test
  void namespace_preferredIdsThatAreNotGranted_isTheUsersOwnAndSaysWhy() throws IOException {
    NativeLinuxCalls calls = NativeLinuxCalls.preferring(Helpers.binary(), notGranted());
    assertTrue(calls.likelyNamespace().hasRanges());
    assertFalse(calls.namespace().hasRanges());
    assertEquals(calls.namespace(), calls.likelyNamespace());
    String shortcoming = calls.namespace().shortcoming();
    assertTrue(shortcoming.contains("newuidmap"), shortcoming);
    assertTrue(calls.probe(directory).has(KernelFeatures.D_TYPE));
  }

  @Test
  void probe_preferredIdsThatAreNotGranted_settlesTheNamespace() throws IOException {
    NativeLinuxCalls calls = NativeLinuxCalls.preferring(Helpers.binary(), notGranted());
    calls.probe(directory);
    assertFalse(calls.likelyNamespace().hasRanges());
  }

  @Test
  void probe_requiredIdsThatAreNotGranted_fails() throws IOException {
    LinuxCalls calls = new NativeLinuxCalls(Helpers.binary(), notGranted());
    LayerStoreException e = assertThrows(LayerStoreException.class, () -> calls.probe(directory));
    assertTrue(e.getMessage().contains("newuidmap"), e::getMessage);
  }

  @Test
  void namespace_withRanges_keepsOwnersAndMounts() throws IOException {
    assumeTrue(!Helpers.isRoot(), "for ordinary users");
    Helpers.namespace();
    UserNamespace namespace;
    try {
      namespace = SubordinateIds.namespace();
    } catch (DriverNotSupportedException e) {
      assumeTrue(false, e.reason());
      return;
    }
    assumeTrue(Helpers.run("newuidmap", "--help") != -1, "newuidmap is not installed");
    LinuxCalls calls = new NativeLinuxCalls(Helpers.binary(), namespace);
    Helpers.makeLayer(directory, "base", Helpers.link(1), false);
    Helpers.makeLayer(directory, "top", Helpers.link(2), true);
    Attributes attributes = new Attributes(0700, 7, 9, Instant.EPOCH, Instant.EPOCH, List.of());
    try (TreeWriter writer =
        calls.openWriter(directory, "base", WriteSettings.DEFAULT, new RecordingWriteContext())) {
      writer.write(TreeEntry.directory(LayerPath.of("d"), attributes), null);
      writer.finish(0);
    }
    Path made = directory.resolve("base/diff/d");
    int expected = (int) namespace.ranges().uidToHost(7).getAsLong();
    assertEquals(expected, Files.getAttribute(made, "unix:uid", LinkOption.NOFOLLOW_LINKS));
    try (TreeScan scan = calls.openDiff(directory, "base")) {
      TreeNode node = scan.find(LayerPath.of("d"), TreeScan.XattrChoice.NONE).orElseThrow();
      assertEquals(7, node.uid());
      assertEquals(9, node.gid());
    }
    try (Mounts mounts = calls.openMounts(directory, Helpers.settings(calls, directory))) {
      mounts.mount(OverlayMount.readWrite("top", List.of(Helpers.link(1))));
      assertEquals(List.of("d"), Helpers.names(mounts.merged("top")));
    }
    calls.remove(directory, "base");
    calls.remove(directory, "top");
    assertEquals(List.of("l"), Helpers.names(directory));
  }
}
