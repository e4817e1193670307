package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.spi.Attributes;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.RWLayerRecord;
import io.layerstore.spi.TreeEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that callers make: what they accept, and what follows from them. */
final class OptionsTest {

  private static final DiffId DIFF_ID = DiffId.EMPTY_TAR;
  private static final ChainId CHAIN_ID = ChainId.of(null, DIFF_ID);

  /** Options of a registration. */
  @Nested
  class Register {

    @Test
    void expectedChainId_fromDiffIdAndParent_follows() {
      RegisterOptions options =
          RegisterOptions.builder().parent(CHAIN_ID).expectedDiffId(DIFF_ID).build();
      assertEquals(ChainId.of(CHAIN_ID, DIFF_ID), options.expectedChainId().orElseThrow());
      assertTrue(RegisterOptions.DEFAULT.expectedChainId().isEmpty());
    }

    @Test
    void build_contradictingExpectations_illegalArgument() {
      RegisterOptions.Builder builder =
          RegisterOptions.builder()
              .parent(CHAIN_ID)
              .expectedDiffId(DIFF_ID)
              .expectedChainId(CHAIN_ID);
      assertThrows(IllegalArgumentException.class, builder::build);
    }

    @Test
    void toBuilder_keepsEverything() {
      Descriptor descriptor = Descriptor.of("x/y", 1, DIFF_ID.digest());
      Progress.Listener listener = progress -> {};
      RegisterOptions copy =
          RegisterOptions.builder()
              .parent(CHAIN_ID)
              .descriptor(descriptor)
              .expectedDiffId(DIFF_ID)
              .progress(listener)
              .build()
              .toBuilder()
              .build();
      assertEquals(CHAIN_ID, copy.parent().orElseThrow());
      assertEquals(descriptor, copy.descriptor().orElseThrow());
      assertEquals(DIFF_ID, copy.expectedDiffId().orElseThrow());
      assertSame(listener, copy.progress().orElseThrow());
    }
  }

  /** Options of a read-write layer. */
  @Nested
  class ReadWrite {

    @Test
    void toBuilder_keepsEverything() {
      RWLayerOptions.Initializer initializer = path -> {};
      RWLayerOptions copy =
          RWLayerOptions.builder()
              .mountLabel("label")
              .initializer(initializer)
              .storageOption("size", "1g")
              .build()
              .toBuilder()
              .build();
      assertEquals("label", copy.mountLabel().orElseThrow());
      assertSame(initializer, copy.initializer().orElseThrow());
      assertEquals(Map.of("size", "1g"), copy.storageOptions());
    }

    @Test
    void build_builderUsedAgain_leavesWhatWasBuilt() {
      RWLayerOptions.Builder builder = RWLayerOptions.builder().storageOption("a", "1");
      RWLayerOptions built = builder.build();
      builder.storageOption("b", "2");
      assertEquals(Map.of("a", "1"), built.storageOptions());
      assertThrows(UnsupportedOperationException.class, () -> built.storageOptions().put("c", "3"));
    }
  }

  /** Options of a mount. */
  @Nested
  class Mounts {

    @Test
    void toBuilder_keepsTheRest() {
      MountOptions labelled = MountOptions.persistent().toBuilder().mountLabel("label").build();
      assertEquals("label", labelled.mountLabel().orElseThrow());
      assertTrue(labelled.isPersistent());
      assertFalse(MountOptions.DEFAULT.isPersistent());
    }
  }

  /** Options of a commit. */
  @Nested
  class Commit {

    @Test
    void toBuilder_keepsTheRest() {
      Progress.Listener listener = progress -> {};
      CommitOptions options =
          CommitOptions.builder().latestTime(Instant.EPOCH).progress(listener).build();
      CommitOptions releasing = options.toBuilder().releaseAfterwards(true).build();
      assertTrue(releasing.releaseAfterwards());
      assertEquals(Instant.EPOCH, releasing.latestTime().orElseThrow());
      assertSame(listener, releasing.progress().orElseThrow());
    }
  }

  /** Options of an archive. */
  @Nested
  class Tar {

    @Test
    void toBuilder_keepsTheRest() {
      TarOptions compressed =
          TarOptions.builder().latestTime(Instant.EPOCH).compression(Compression.ZSTD).build();
      TarOptions plain = compressed.toBuilder().compression(Compression.NONE).build();
      assertEquals(Instant.EPOCH, plain.latestTime().orElseThrow());
      assertEquals(Compression.NONE, plain.compression());
      assertTrue(compressed.toBuilder().latestTime(null).build().latestTime().isEmpty());
    }
  }

  /** Options of a prune. */
  @Nested
  class Prune {

    @Test
    void toBuilder_keepsTheRest() {
      PruneOptions old =
          PruneOptions.EVERYTHING_UNUSED.toBuilder().createdBefore(Instant.EPOCH).build();
      assertTrue(old.allImages() && old.layers());
      assertEquals(Instant.EPOCH, old.createdBefore().orElseThrow());
      assertFalse(PruneOptions.DEFAULT.allImages() || PruneOptions.DEFAULT.layers());
    }
  }

  /** Options of a store. */
  @Nested
  class Store {

    private StoreOptions withTemplate(String template) {
      return StoreOptions.builder(Path.of("x")).metadataPathTemplate(template).build();
    }

    @Test
    void metadataPath_template_namesTheDriver() {
      assertEquals(
          "image/vfs/layerdb",
          withTemplate(StoreOptions.DEFAULT_METADATA_PATH).metadataPath("vfs"));
      assertEquals("meta", withTemplate("meta").metadataPath("vfs"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/abs/%s", "../%s", "a/../b", "%s/%s/x%", "a/%d"})
    void metadataPathTemplate_notRelative_illegalArgument(String template) {
      assertThrows(IllegalArgumentException.class, () -> withTemplate(template));
    }
  }

  /** Limits. */
  @Nested
  class LimitValues {

    @Test
    void defaults_asDocumented() {
      assertEquals(256L << 30, Limits.DEFAULT.maxUnpackedBytes());
      assertEquals(5_000_000, Limits.DEFAULT.maxEntries());
      assertEquals(4095, Limits.DEFAULT.maxPathBytes());
      assertEquals(1 << 20, Limits.DEFAULT.maxHeaderBytes());
      assertEquals(Long.MAX_VALUE, Limits.DEFAULT.maxCompressionRatio());
    }

    @Test
    void toBuilder_oneLimit_othersStay() {
      Limits limits =
          Limits.builder()
              .maxUnpackedBytes(1)
              .maxEntries(2)
              .maxPathBytes(3)
              .maxPathDepth(4)
              .maxHeaderBytes(5)
              .maxXattrs(6)
              .maxXattrBytes(7)
              .maxCompressionRatio(8)
              .build();
      Limits copy = limits.toBuilder().maxEntries(20).build();
      assertEquals(
          List.of(1L, 20L, 3L, 4L, 5L, 6L, 7L, 8L),
          List.of(
              copy.maxUnpackedBytes(),
              copy.maxEntries(),
              (long) copy.maxPathBytes(),
              (long) copy.maxPathDepth(),
              (long) copy.maxHeaderBytes(),
              (long) copy.maxXattrs(),
              (long) copy.maxXattrBytes(),
              copy.maxCompressionRatio()));
    }

    @Test
    void build_notPositive_illegalArgument() {
      assertThrows(IllegalArgumentException.class, () -> Limits.builder().maxEntries(0).build());
    }
  }

  /** Id mappings. */
  @Nested
  class Ids {

    private final IdMapping mapping =
        new IdMapping(IdMapping.parseRanges("0:100000:1000,2000:5000:1"), List.of());

    @Test
    void toHost_inRange_shifted() {
      assertEquals(OptionalLong.of(100_000), mapping.uidToHost(0));
      assertEquals(OptionalLong.of(100_999), mapping.uidToHost(999));
      assertEquals(OptionalLong.of(5000), mapping.uidToHost(2000));
      assertEquals(OptionalLong.of(7), mapping.gidToHost(7));
    }

    @Test
    void toHost_outOfRange_empty() {
      assertEquals(OptionalLong.empty(), mapping.uidToHost(1000));
      assertEquals(OptionalLong.empty(), mapping.uidToContainer(0));
    }

    @Test
    void toContainer_inverse() {
      assertEquals(OptionalLong.of(999), mapping.uidToContainer(100_999));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "1:2",
          "a:b:c",
          "0:0:0",
          "-1:0:1",
          "0:0:4294967296",
          "0:5:10,5:100:1",
          "0:5:10,50:9:2"
        })
    void parseRanges_invalidOrOverlapping_illegalArgument(String text) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new IdMapping(IdMapping.parseRanges(text), List.of()));
    }
  }

  /** Ids and records of the driver interface. */
  @Nested
  class Spi {

    @RepeatedTest(20)
    void random_id_64HexDigitsAndNotTwelveDecimalOnes() {
      String id = DriverIds.random();
      assertTrue(id.matches("[0-9a-f]{64}"), id);
      assertTrue(!id.substring(0, 12).matches("[0-9]{12}"), id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "../x", "-a", "_a", "a\0", "a b"})
    void requireValid_notOneSafeComponent_illegalArgument(String id) {
      assertThrows(IllegalArgumentException.class, () -> DriverIds.requireValid(id));
    }

    @Test
    void isValid_buildKitsIds_accepted() {
      assertTrue(DriverIds.isValid("k2xj8v0q3n5m7p9r1t4w6y8za"));
    }

    @Test
    void isMountId_forms() {
      String id = "a".repeat(64);
      assertTrue(DriverIds.isMountId(id) && DriverIds.isMountId(id + "-init"));
      assertTrue(!DriverIds.isMountId(id + "-init-init") && !DriverIds.isMountId(id + "a"));
      assertTrue(!DriverIds.isMountId(id.substring(1)) && !DriverIds.isMountId("A".repeat(64)));
    }

    @Test
    void layerRecord_chainIdThatDoesNotFollow_illegalArgument() {
      assertThrows(
          IllegalArgumentException.class,
          () -> new LayerRecord(CHAIN_ID, DIFF_ID, CHAIN_ID, "a", 0, null));
      assertThrows(
          IllegalArgumentException.class,
          () -> new LayerRecord(CHAIN_ID, DIFF_ID, null, "../a", 0, null));
      assertThrows(
          IllegalArgumentException.class,
          () -> new LayerRecord(CHAIN_ID, DIFF_ID, null, "a", -1, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "..", "a/b", "a\nb", "-a"})
    void requireValidName_invalid_illegalArgument(String name) {
      assertThrows(IllegalArgumentException.class, () -> RWLayerRecord.requireValidName(name));
    }

    @Test
    void requireValidName_129Characters_illegalArgument() {
      assertEquals("a".repeat(128), RWLayerRecord.requireValidName("a".repeat(128)));
      assertThrows(
          IllegalArgumentException.class, () -> RWLayerRecord.requireValidName("a".repeat(129)));
    }

    @Test
    void treeEntry_partsThatDoNotFit_illegalArgument() {
      Attributes attributes = Attributes.of(0644, Instant.EPOCH);
      LayerPath path = LayerPath.of("a");
      assertThrows(
          IllegalArgumentException.class,
          () -> new TreeEntry(path, EntryType.DIRECTORY, attributes, 1, null, null, null));
      assertThrows(
          IllegalArgumentException.class,
          () -> new TreeEntry(path, EntryType.SYMLINK, attributes, 0, null, null, null));
      assertThrows(
          IllegalArgumentException.class,
          () -> TreeEntry.symlink(LayerPath.ROOT, attributes, ByteString.utf8("x")));
    }

    @Test
    void attributes_outOfRange_illegalArgument() {
      assertThrows(IllegalArgumentException.class, () -> Attributes.of(0100644, Instant.EPOCH));
      Attributes valid = Attributes.of(0644, Instant.EPOCH);
      assertThrows(IllegalArgumentException.class, () -> valid.withOwner(0xffff_ffffL, 0));
      assertEquals(Attributes.MAX_ID, valid.withOwner(Attributes.MAX_ID, 0).uid());
    }
  }

  /** Archives in memory. */
  @Test
  void layerSource_ofBytes_opensAtTheBeginningEachTime() throws IOException {
    LayerSource source = LayerSource.of(new byte[] {1, 2, 3});
    assertEquals(OptionalLong.of(3), source.sizeBytes());
    assertEquals(1, source.open().read());
    assertEquals(1, source.open().read());
  }

  @Test
  void change_toString_asDockerPrintsIt() {
    assertEquals("C /etc/x", new Change(Change.Kind.MODIFIED, LayerPath.of("etc/x")).toString());
    assertEquals("A /a", new Change(Change.Kind.ADDED, LayerPath.of("a")).toString());
    assertEquals("D /a", new Change(Change.Kind.DELETED, LayerPath.of("a")).toString());
  }
}
