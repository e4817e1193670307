package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Crc64;
import io.layerstore.core.tarsplit.EntryWriter;
import io.layerstore.spi.DriverIds;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Stores whose metadata or files were tampered with, or that a crash left half-way: opening never
 * fails for one bad layer, nothing is removed that could still be good, and registering the content
 * again heals it.
 */
abstract class DamagedStoreContract {

  private static final byte[] BASE = AppendixA.TWO_BASE.bytes();
  private static final byte[] TOP = AppendixA.TWO_TOP.bytes();
  private static final byte[] OTHER = new TarBuilder().file("other", "1").end().toBytes();

  private Path place;
  private Path root;
  private Path layerDb;

  private ChainId base;
  private ChainId top;
  private ChainId other;

  /** An empty directory that the store and the files outside it are made in. */
  abstract Path newDirectory() throws IOException;

  @BeforeEach
  void makeStore() throws IOException {
    place = newDirectory();
    root = place.resolve("store");
    layerDb = root.resolve("image/vfs/layerdb");
    try (LayerStore store = open();
        Layer bottom = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        Layer above =
            store.register(LayerSource.of(TOP), RegisterOptions.onTopOf(bottom.chainId()));
        Layer beside = store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT);
        RWLayer rw = store.createRWLayer("rw", above.chainId())) {
      base = bottom.chainId();
      top = above.chainId();
      other = beside.chainId();
      assertEquals("rw", rw.name());
    }
  }

  private LayerStore open() throws IOException {
    return open(root);
  }

  private static LayerStore open(Path root) throws IOException {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE).open();
  }

  private Path directory(ChainId chainId) {
    return layerDb.resolve("sha256").resolve(chainId.digest().hex());
  }

  private String cacheId(ChainId chainId) throws IOException {
    return Files.readString(directory(chainId).resolve("cache-id"));
  }

  private Path files(String cacheId) {
    return root.resolve("vfs/dir").resolve(cacheId);
  }

  private static Set<ChainId> ids(LayerStore store) {
    Set<ChainId> ids = new TreeSet<>();
    for (LayerInfo layer : store.layers()) {
      ids.add(layer.chainId());
    }
    return ids;
  }

  private static byte[] export(Layer layer) throws IOException {
    try (InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }

  private Set<String> names(Path path) throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    return names;
  }

  /** Metadata that cannot be trusted. */
  @Nested
  class Metadata {

    @ParameterizedTest
    @CsvSource({
      "cache-id, ../../x",
      "cache-id, ''",
      "cache-id, a/b",
      "diff, sha256:zz",
      "diff, ''",
      "size, -1",
      "size, text",
      "size, 99999999999999999999999",
      "parent, ''",
      "parent, sha256:../x",
      "descriptor.json, '{'"
    })
    void open_damagedFile_layerAndChildrenReportedOthersLoad(String file, String content)
        throws IOException {
      Files.writeString(directory(base).resolve(file), content);
      Set<String> before = names(root.resolve("vfs/dir"));
      try (LayerStore store = open()) {
        assertEquals(Set.of(other), ids(store));
        Set<String> damaged = new TreeSet<>();
        store.recoveryReport().of(Kind.DAMAGED_LAYER).forEach(finding -> damaged.add(finding.id()));
        assertEquals(Set.of(base.toString(), top.toString()), damaged);
        assertEquals(
            List.of("rw"),
            store.recoveryReport().of(Kind.DAMAGED_RW_LAYER).stream().map(Finding::id).toList());
        assertThrows(RWLayerNotFoundException.class, () -> store.getRWLayer("rw"));
        assertEquals(before, names(root.resolve("vfs/dir")));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache-id", "diff", "size", "parent", "descriptor.json"})
    void open_hugeFile_layerReportedAndNothingRemoved(String file) throws IOException {
      Files.write(directory(base).resolve(file), new byte[10 << 20]);
      assertBaseIsDamagedAndOthersLoad();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache-id", "diff", "size", "parent", "descriptor.json"})
    void open_linkInPlaceOfAFile_layerReportedAndNothingRemoved(String file) throws IOException {
      Path original = directory(base).resolve(file);
      Path elsewhere = place.resolve("elsewhere");
      Files.copy(directory(top).resolve("parent"), elsewhere);
      if (Files.exists(original)) {
        Files.move(original, elsewhere, StandardCopyOption.REPLACE_EXISTING);
      }
      Files.createSymbolicLink(original, elsewhere);
      assertBaseIsDamagedAndOthersLoad();
      assertTrue(Files.exists(elsewhere));
    }

    private void assertBaseIsDamagedAndOthersLoad() throws IOException {
      Set<String> before = names(root.resolve("vfs/dir"));
      try (LayerStore store = open()) {
        assertEquals(Set.of(other), ids(store));
        assertEquals(2, store.recoveryReport().of(Kind.DAMAGED_LAYER).size());
      }
      assertEquals(before, names(root.resolve("vfs/dir")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"mount-id", "init-id", "parent"})
    void open_hugeFileOfARWLayer_reportedAndNothingRemoved(String file) throws IOException {
      Path mount = layerDb.resolve("mounts/rw");
      Files.write(mount.resolve(file), new byte[10 << 20]);
      Set<String> before = names(root.resolve("vfs/dir"));
      try (LayerStore store = open()) {
        assertEquals(List.of(), store.rwLayers());
        assertEquals(
            List.of("rw"),
            store.recoveryReport().of(Kind.DAMAGED_RW_LAYER).stream().map(Finding::id).toList());
      }
      assertEquals(before, names(root.resolve("vfs/dir")));
    }

    @Test
    void tarStream_hugeTarSplitOfZeros_corruptedInBoundedMemory() throws IOException {
      Files.write(directory(other).resolve("tar-split.json.gz"), new byte[10 << 20]);
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertThrows(StoreCorruptedException.class, () -> export(layer));
      }
    }

    @Test
    void open_diffChanged_chainIdDoesNotFollowSoLayerIsDamaged() throws IOException {
      Files.writeString(
          directory(base).resolve("diff"), Files.readString(directory(other).resolve("diff")));
      try (LayerStore store = open()) {
        assertEquals(Set.of(other), ids(store));
      }
    }

    @Test
    void open_parentsThatPointAtEachOther_reportedWithoutLooping() throws IOException {
      Files.writeString(directory(base).resolve("parent"), top.toString());
      try (LayerStore store = open()) {
        assertEquals(Set.of(other), ids(store));
      }
    }

    @Test
    void open_newlineAfterSize_layerIsDamagedAfterDiffItIsNot() throws IOException {
      Files.writeString(
          directory(other).resolve("diff"),
          Files.readString(directory(other).resolve("diff")) + "\n");
      try (LayerStore store = open()) {
        assertEquals(3, ids(store).size());
      }
      Files.writeString(directory(other).resolve("size"), "1\n");
      try (LayerStore store = open()) {
        assertEquals(2, ids(store).size());
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cache-id", "size", "diff", "tar-split.json.gz"})
    void register_sameContentAgain_healsLayerAndBringsChildrenBack(String file) throws IOException {
      Files.writeString(directory(base).resolve(file), "");
      try (LayerStore store = open();
          Layer healed = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT)) {
        assertArrayEquals(BASE, export(healed));
        assertAllThere(store);
      }
      try (LayerStore store = open()) {
        assertAllThere(store);
        assertTrue(store.recoveryReport().of(Kind.DAMAGED_LAYER).isEmpty());
      }
    }

    private void assertAllThere(LayerStore store) throws IOException {
      try (Layer child = store.get(top);
          RWLayer rw = store.getRWLayer("rw")) {
        assertEquals(Set.of(base, top, other), ids(store));
        assertArrayEquals(TOP, export(child));
        assertEquals(top, rw.parent().orElseThrow());
        assertEquals(List.of("rw"), child.usage().rwLayers());
        assertEquals(0, rw.changes().count());
      }
    }

    @Test
    void register_middleOfChainHealed_bringsTheRestBack() throws IOException {
      Files.writeString(directory(top).resolve("size"), "");
      try (LayerStore store = open()) {
        assertEquals(Set.of(base, other), ids(store));
        try (Layer healed = store.register(LayerSource.of(TOP), RegisterOptions.onTopOf(base))) {
          assertArrayEquals(TOP, export(healed));
          assertAllThere(store);
        }
      }
    }

    @Test
    void register_healedLayer_canBeReleasedWithWhatStoodOnIt() throws IOException {
      Files.writeString(directory(base).resolve("size"), "");
      try (LayerStore store = open()) {
        store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT).close();
        store.releaseRWLayer(store.getRWLayer("rw"));
        store.release(store.get(other));
        assertEquals(Set.of(), ids(store));
      }
    }

    @Test
    void release_layerBelowADamagedOne_isKept() throws IOException {
      Files.writeString(directory(top).resolve("size"), "");
      try (LayerStore store = open()) {
        assertEquals(List.of(), store.release(store.get(base)));
        assertEquals(Set.of(base, other), ids(store));
      }
    }

    @Test
    void release_layerBelowADamagedRWLayer_isKept() throws IOException {
      Files.writeString(layerDb.resolve("mounts/rw/mount-id"), "");
      try (LayerStore store = open()) {
        assertEquals(List.of(), store.release(store.get(top)));
        assertEquals(Set.of(base, top, other), ids(store));
        assertEquals(List.of("rw"), store.get(top).usage().rwLayers());
      }
    }

    @Test
    void open_rwLayerWithoutParentFile_loadsWithAllItsFilesAsInDocker() throws IOException {
      Files.delete(layerDb.resolve("mounts/rw/parent"));
      try (LayerStore store = open();
          RWLayer rw = store.getRWLayer("rw")) {
        assertTrue(rw.parent().isEmpty());
        store.release(store.get(top));
        assertEquals(Set.of(other), ids(store));
        try (Mount mount = rw.mount()) {
          assertFalse(names(mount.path()).isEmpty());
        }
        try (Layer all = rw.commit()) {
          assertTrue(all.parent().isEmpty());
        }
      }
    }

    @Test
    void register_expectedLayerWithTruncatedTarSplit_isReadAndHealed() throws IOException {
      Path tarSplit = directory(other).resolve("tar-split.json.gz");
      byte[] bytes = Files.readAllBytes(tarSplit);
      Files.write(tarSplit, java.util.Arrays.copyOf(bytes, bytes.length - 9));
      try (LayerStore store = open();
          Layer healed =
              store.register(
                  LayerSource.of(OTHER),
                  RegisterOptions.builder().expectedChainId(other).build())) {
        assertArrayEquals(OTHER, export(healed));
      }
    }

    @Test
    void open_oddDirectories_ignoredAndLeft() throws IOException {
      Path layers = layerDb.resolve("sha256");
      Files.createDirectory(layers.resolve("A".repeat(64)));
      Files.createDirectory(layers.resolve("short"));
      Files.writeString(layers.resolve("b".repeat(64)), "a file");
      Files.createSymbolicLink(layers.resolve("c".repeat(64)), directory(other));
      Set<String> before = names(layers);
      try (LayerStore store = open()) {
        assertEquals(3, ids(store).size());
        assertEquals(before, names(layers));
      }
    }

    @Test
    void open_badMountId_rwLayerReportedAndLeft() throws IOException {
      Path mountId = layerDb.resolve("mounts/rw/mount-id");
      Files.writeString(mountId, "../../x");
      try (LayerStore store = open()) {
        assertEquals(List.of(), store.rwLayers());
        assertEquals(1, store.recoveryReport().of(Kind.DAMAGED_RW_LAYER).size());
      }
      assertTrue(Files.exists(mountId));
    }
  }

  /** Files that were changed behind the store's back. */
  @Nested
  class LayerFiles {

    @Test
    void tarStream_extraFileInLayer_sameBytes() throws IOException {
      Files.writeString(files(cacheId(other)).resolve("extra"), "x");
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertArrayEquals(OTHER, export(layer));
      }
    }

    @Test
    void tarStream_changedByte_verificationErrorNamesTheFile() throws IOException {
      Files.writeString(files(cacheId(other)).resolve("other"), "2");
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        LayerVerificationException e =
            assertThrows(LayerVerificationException.class, () -> export(layer));
        assertTrue(
            e.getMessage().contains("file integrity checksum failed for \"other\""),
            e.getMessage());
      }
    }

    @Test
    void register_afterExportFailed_heals() throws IOException {
      Files.writeString(files(cacheId(other)).resolve("other"), "2");
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        String oldCacheId = layer.cacheId();
        assertThrows(LayerVerificationException.class, () -> export(layer));
        try (Layer healed = store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT)) {
          assertArrayEquals(OTHER, export(healed));
          assertArrayEquals(OTHER, export(layer));
          assertNotEquals(oldCacheId, healed.cacheId());
        }
        assertFalse(Files.exists(files(oldCacheId)));
      }
    }

    @Test
    void register_layerWithoutFiles_heals() throws IOException {
      Files.delete(files(cacheId(other)).resolve("other"));
      Files.delete(files(cacheId(other)));
      try (LayerStore store = open();
          Layer healed = store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT)) {
        assertArrayEquals(OTHER, export(healed));
      }
    }

    @Test
    void tarStream_swappedTarSplits_verificationError() throws IOException {
      Files.copy(
          directory(base).resolve("tar-split.json.gz"),
          directory(other).resolve("tar-split.json.gz"),
          StandardCopyOption.REPLACE_EXISTING);
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertThrows(LayerStoreException.class, () -> export(layer));
      }
    }

    @Test
    void tarStream_missingTarSplit_corruptedAndStillListed() throws IOException {
      Files.delete(directory(other).resolve("tar-split.json.gz"));
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertThrows(StoreCorruptedException.class, () -> export(layer));
      }
    }

    @Test
    void tarStreamFrom_missingTarSplit_stillGivesTheDifference() throws IOException {
      Files.delete(directory(other).resolve("tar-split.json.gz"));
      try (LayerStore store = open();
          Layer layer = store.get(other);
          InputStream difference = layer.tarStreamFrom(null)) {
        String entries = new String(difference.readAllBytes(), StandardCharsets.ISO_8859_1);
        assertTrue(entries.startsWith("other\0"), entries);
      }
    }

    @Test
    void tarStream_fileReplacedByLinkToOutside_nothingFromOutsideIsGivenOut() throws IOException {
      Files.writeString(place.resolve("secret"), "1");
      Path file = files(cacheId(other)).resolve("other");
      Files.delete(file);
      Files.createSymbolicLink(file, place.resolve("secret"));
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertThrows(LayerVerificationException.class, () -> export(layer));
      }
    }
  }

  /** Documents that tell how to put a layer's archive together, and tell lies. */
  @Nested
  class TarSplit {

    private static final String SECRET = "belongs to the host";

    @BeforeEach
    void makeSecret() throws IOException {
      Files.writeString(place.resolve("secret"), SECRET);
      Files.createSymbolicLink(files(cacheId(other)).resolve("out"), place);
      Files.createSymbolicLink(files(cacheId(other)).resolve("link"), place.resolve("secret"));
    }

    private void write(Document document) throws IOException {
      try (OutputStream file =
              Files.newOutputStream(directory(other).resolve("tar-split.json.gz"));
          OutputStream gzip = new GZIPOutputStream(file)) {
        document.writeTo(gzip);
      }
    }

    private void writeFileEntry(String name, String content) throws IOException {
      write(
          target -> {
            EntryWriter entries = new EntryWriter(target);
            entries.file(ByteString.utf8(name), content.length(), crc(content));
            entries.flush();
          });
    }

    private static long crc(String content) {
      Crc64 crc = new Crc64();
      crc.update(content.getBytes(StandardCharsets.US_ASCII), 0, content.length());
      return crc.getValue();
    }

    /** Reads as much as is given out, which must end with a typed error. */
    private String givenOut(Class<? extends LayerStoreException> failure) throws IOException {
      ByteArrayOutputStream given = new ByteArrayOutputStream();
      try (LayerStore store = open();
          Layer layer = store.get(other);
          InputStream tar = layer.tarStream()) {
        assertThrows(
            failure,
            () -> {
              for (int b = tar.read(); b >= 0; b = tar.read()) {
                given.write(b);
              }
            });
      }
      return given.toString(StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../secret", "../../../../secret", "/../secret", "a/../../secret"})
    void tarStream_nameAboveTheLayer_corruptedAndNothingGivenOut(String name) throws IOException {
      writeFileEntry(name, SECRET);
      assertEquals("", givenOut(StoreCorruptedException.class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"out/secret", "link", "./out/./secret", "/link"})
    void tarStream_nameThroughALinkOut_nothingGivenOut(String name) throws IOException {
      writeFileEntry(name, SECRET);
      assertEquals("", givenOut(LayerStoreException.class));
    }

    @Test
    void tarStream_absoluteNameOfAFileOutside_nothingGivenOut() throws IOException {
      writeFileEntry(place.resolve("secret").toString(), SECRET);
      assertEquals("", givenOut(LayerStoreException.class));
    }

    @Test
    void tarStream_otherSizeThanTheFile_nothingGivenOut() throws IOException {
      writeFileEntry("other", "12");
      assertEquals("", givenOut(LayerVerificationException.class));
    }

    @Test
    void tarStream_otherChecksumThanTheFile_nothingGivenOut() throws IOException {
      writeFileEntry("other", "2");
      assertEquals("", givenOut(LayerVerificationException.class));
    }

    @Test
    void tarStream_fileTwice_corrupted() throws IOException {
      write(
          target -> {
            EntryWriter entries = new EntryWriter(target);
            entries.file(ByteString.utf8("other"), 1, crc("1"));
            entries.file(ByteString.utf8("./other"), 1, crc("1"));
            entries.flush();
          });
      assertEquals("", givenOut(StoreCorruptedException.class));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":3,\"payload\":\"\",\"position\":0}",
          "{\"type\":1,\"name\":\"other\",\"size\":-1,\"payload\":null,\"position\":0}",
          "{\"type\":2,\"payload\":\"AAAA",
          "[]",
          "no JSON"
        })
    void tarStream_documentOfAnotherForm_corrupted(String document) throws IOException {
      write(target -> target.write(document.getBytes(StandardCharsets.UTF_8)));
      assertEquals("", givenOut(StoreCorruptedException.class));
    }

    @Test
    void tarStream_bombOfOneLine_corrupted() throws IOException {
      byte[] letters = new byte[1 << 20];
      java.util.Arrays.fill(letters, (byte) 'A');
      write(
          target -> {
            target.write("{\"type\":2,\"payload\":\"".getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < 64; i++) {
              target.write(letters);
            }
          });
      assertEquals("", givenOut(StoreCorruptedException.class));
    }
  }

  /** Writes a tar-split document. */
  @FunctionalInterface
  private interface Document {
    void writeTo(OutputStream target) throws IOException;
  }

  /** What a crash left. */
  @Nested
  class Leftovers {

    @Test
    void open_unfinishedRegister_removedWithItsFiles() throws IOException {
      String cacheId = DriverIds.random();
      Path writeSet = Files.createDirectories(layerDb.resolve("tmp/write-set-123"));
      Files.writeString(writeSet.resolve("cache-id"), cacheId);
      Files.createDirectory(files(cacheId));
      try (LayerStore store = open()) {
        assertEquals(1, store.recoveryReport().of(Kind.UNFINISHED_REGISTER).size());
        assertFalse(Files.exists(files(cacheId)));
        assertEquals(Set.of(), names(layerDb.resolve("tmp")));
      }
    }

    @Test
    void open_unfinishedRegisterNamingALiveLayer_filesStay() throws IOException {
      Path writeSet = Files.createDirectories(layerDb.resolve("tmp/write-set-123"));
      Files.writeString(writeSet.resolve("cache-id"), cacheId(other));
      try (LayerStore store = open();
          Layer layer = store.get(other)) {
        assertArrayEquals(OTHER, export(layer));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-removing", "-0123-removing"})
    void open_unfinishedDeletion_finished(String suffix) throws IOException {
      String cacheId = cacheId(other);
      Files.move(directory(other), directory(other).resolveSibling(other.digest().hex() + suffix));
      try (LayerStore store = open()) {
        assertEquals(1, store.recoveryReport().of(Kind.UNFINISHED_DELETION).size());
        assertEquals(Set.of(base, top), ids(store));
        assertFalse(Files.exists(files(cacheId)));
        assertEquals(2, names(layerDb.resolve("sha256")).size());
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../../x"})
    void open_deletionWithBadCacheId_nothingElseIsRemoved(String content) throws IOException {
      String cacheId = cacheId(other);
      Path removing = directory(other).resolveSibling(other.digest().hex() + "-removing");
      Files.move(directory(other), removing);
      Files.writeString(removing.resolve("cache-id"), content);
      try (LayerStore store = open()) {
        assertEquals(Set.of(base, top), ids(store));
        assertTrue(Files.exists(files(cacheId)));
      }
    }

    @Test
    void open_unknownDirectoryInTheDriver_left() throws IOException {
      Path unknown = Files.createDirectory(files("k2xj8v0q3n5m7p9r1t4w6y8za"));
      try (LayerStore store = open()) {
        assertEquals(3, ids(store).size());
      }
      assertTrue(Files.exists(unknown));
    }

    @Test
    void open_readOnly_mendsNothing() throws IOException {
      Path writeSet = Files.createDirectories(layerDb.resolve("tmp/write-set-123"));
      Files.writeString(writeSet.resolve("cache-id"), DriverIds.random());
      try (LayerStore store = LayerStore.builder(root).driver("vfs").readOnly(true).open()) {
        assertEquals(3, ids(store).size());
      }
      assertTrue(Files.exists(writeSet));
    }
  }

  /** The root itself. */
  @Nested
  class Root {

    @Test
    void open_rootWritableByOthers_refused() throws IOException {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxrwx"));
      LayerStoreException e = assertThrows(LayerStoreException.class, () -> open());
      assertTrue(e.getMessage().contains("can be written by other users"), e.getMessage());
    }

    @Test
    void open_linkToRootWritableByOthers_refused() throws IOException {
      Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxrwx"));
      Path link = Files.createSymbolicLink(place.resolve("link"), root);
      assertThrows(LayerStoreException.class, () -> open(link));
    }

    @Test
    void open_readOnlyWithoutStore_refusedAndNothingMade() {
      Path missing = place.resolve("missing");
      assertThrows(
          LayerStoreException.class,
          () -> LayerStore.builder(missing).driver("vfs").readOnly(true).open());
      assertFalse(Files.exists(missing));
    }

    @Test
    void open_rootIsAFile_refused() throws IOException {
      Path file = Files.writeString(place.resolve("file"), "x");
      assertThrows(LayerStoreException.class, () -> open(file));
    }
  }
}
