package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import io.layerstore.testing.MetadataStoreContract;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the file metadata store promises, on whatever file system a subclass brings. */
abstract class FileMetadataStoreContract extends MetadataStoreContract {

  static final DiffId DIFF = DiffId.EMPTY_TAR;
  static final DiffId OTHER_DIFF = new DiffId(Digest.sha256Of("other".getBytes(UTF_8)));
  static final ChainId BASE = ChainId.of((ChainId) null, DIFF);
  static final ChainId CHILD = ChainId.of(BASE, OTHER_DIFF);
  static final String TAR_SPLIT = "{\"type\":2,\"payload\":\"AAAA\",\"position\":0}\n";

  private Path directory;
  private FileMetadataStore store;

  /** An empty directory on the file system under test. */
  abstract Path newDirectory() throws IOException;

  @Override
  protected final MetadataStore open(boolean readOnly) throws IOException {
    if (directory == null) {
      directory = newDirectory().resolve("image/vfs/layerdb");
    }
    return FileMetadataStore.open(directory, Durability.NONE, readOnly);
  }

  @Override
  protected final boolean damageLayer(ChainId chainId) throws IOException {
    Files.writeString(layerFile(chainId, "size"), "damaged");
    return true;
  }

  @Override
  protected final boolean damageRWLayer(String name) throws IOException {
    Files.writeString(mountFile(name, "mount-id"), "damaged");
    return true;
  }

  @BeforeEach
  void openIt() throws IOException {
    store = reopened();
  }

  // Steps -----------------------------------------------------------------------------------------

  private static LayerRecord record(ChainId parent, DiffId diffId, String cacheId) {
    return new LayerRecord(ChainId.of(parent, diffId), diffId, parent, cacheId, 42, null);
  }

  private static void writeTarSplit(MetadataTransaction transaction) throws IOException {
    try (OutputStream out = transaction.writeTarSplit()) {
      out.write(TAR_SPLIT.getBytes(UTF_8));
    }
  }

  /** Commits a layer and returns its cache ID. */
  private String commit(ChainId parent, DiffId diffId) throws IOException {
    String cacheId = DriverIds.random();
    commit(record(parent, diffId, cacheId));
    return cacheId;
  }

  private void commit(LayerRecord record) throws IOException {
    try (MetadataTransaction transaction = store.begin(record.cacheId())) {
      writeTarSplit(transaction);
      transaction.commit(record);
    }
  }

  private RWLayerRecord createMount(String name) throws IOException {
    String mountId = DriverIds.random();
    RWLayerRecord mount = new RWLayerRecord(name, mountId, mountId + "-init", BASE);
    store.commitRWLayer(store.beginRWLayer(mount));
    return mount;
  }

  /** The same database, as the next process sees it. */
  private FileMetadataStore reopened() throws IOException {
    return FileMetadataStore.open(directory, Durability.NONE, false);
  }

  private FileMetadataStore readOnly() throws IOException {
    return FileMetadataStore.open(directory, Durability.NONE, true);
  }

  private Path layerFile(ChainId chainId, String name) {
    return directory.resolve("sha256").resolve(chainId.digest().hex()).resolve(name);
  }

  private Path mountFile(String mount, String name) {
    return directory.resolve("mounts").resolve(mount).resolve(name);
  }

  private Path onlyEntryOfTmp() throws IOException {
    List<String> names = names(directory.resolve("tmp"));
    assertEquals(1, names.size(), () -> "in tmp: " + names);
    return directory.resolve("tmp").resolve(names.get(0));
  }

  private void makeLeftover(String path, String cacheId) throws IOException {
    Path leftover = directory.resolve(path);
    Files.createDirectories(leftover);
    if (cacheId != null) {
      Files.writeString(leftover.resolve("cache-id"), cacheId);
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path, NOFOLLOW_LINKS));
  }

  private static void assertCorrupted(String file, Executable call) {
    StoreCorruptedException e = assertThrows(StoreCorruptedException.class, call);
    assertTrue(e.file().endsWith(file), () -> e.file() + " does not end with " + file);
  }

  // Tests -----------------------------------------------------------------------------------------

  @Nested
  final class Open {

    @Test
    void open_missing_createsItWithMode0700() throws IOException {
      assertEquals("rwx------", mode(directory));
      assertEquals("rwx------", mode(directory.getParent()));
      assertEquals("rwx------", mode(directory.getParent().getParent()));
    }

    @Test
    void open_existing_keepsItsMode() throws IOException {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
      reopened();
      assertEquals("rwx--x--x", mode(directory));
    }

    @Test
    void open_symbolicLinkInItsPlace_isMovedAsideAndReported() throws IOException {
      Path elsewhere = newDirectory();
      Path link = directory.resolveSibling("link");
      Files.createSymbolicLink(link, elsewhere);
      FileMetadataStore opened = FileMetadataStore.open(link, Durability.NONE, false);
      assertEquals(elsewhere, Files.readSymbolicLink(directory.resolveSibling("link.damaged-1")));
      assertEquals(1, opened.recoveryReport().of(RecoveryReport.Kind.DAMAGED_LAYER).size());
      assertEquals(List.of(), names(elsewhere));
    }

    @Test
    void open_readOnlyMissing_findsNothingAndWritesNothing() throws IOException {
      Path missing = newDirectory().resolve("layerdb");
      FileMetadataStore empty = FileMetadataStore.open(missing, Durability.FULL, true);
      assertEquals(List.of(), empty.layers());
      assertEquals(List.of(), empty.rwLayers());
      assertEquals(List.of(), empty.unfinishedRemovals());
      assertEquals(List.of(), empty.unfinishedTransactions());
      assertEquals(List.of(), empty.unfinishedRWLayers());
      assertTrue(empty.recoveryReport().isClean());
      assertFalse(Files.exists(missing));
    }

    @Test
    void open_leftovers_areKept() throws IOException {
      String removing = BASE.digest().hex() + "-removing";
      makeLeftover("sha256/" + removing, DriverIds.random());
      makeLeftover("tmp/write-set-12", DriverIds.random());
      reopened();
      assertEquals(List.of(removing), names(directory.resolve("sha256")));
      assertEquals(List.of("write-set-12"), names(directory.resolve("tmp")));
    }
  }

  @Nested
  final class Begin {

    @Test
    void begin_returned_cacheIdIsOnDisk() throws IOException {
      String cacheId = DriverIds.random();
      MetadataTransaction transaction = store.begin(cacheId);
      assertEquals(cacheId, Files.readString(onlyEntryOfTmp().resolve("cache-id")));
      transaction.close();
    }

    @Test
    void begin_writeSet_isNamedAsDockerDoesAndPrivate() throws IOException {
      MetadataTransaction transaction = store.begin(DriverIds.random());
      Path writeSet = onlyEntryOfTmp();
      assertTrue(writeSet.getFileName().toString().matches("write-set-[0-9]+"));
      assertEquals("rwx------", mode(writeSet));
      assertEquals("rwxr-xr-x", mode(directory.resolve("tmp")));
      transaction.close();
    }

    @Test
    void close_uncommitted_leavesNothing() throws IOException {
      try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
        writeTarSplit(transaction);
        Files.writeString(transaction.scratchFile("spill"), "x");
      }
      assertEquals(List.of(), names(directory.resolve("tmp")));
      assertEquals(List.of(), store.layers());
    }
  }

  @Nested
  final class TarSplit {

    @Test
    void writeTarSplit_closed_hasTheHeaderGoWrites() throws IOException {
      commit(null, DIFF);
      byte[] bytes = Files.readAllBytes(layerFile(BASE, "tar-split.json.gz"));
      byte[] header = {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, (byte) 0xff};
      assertArrayEquals(header, java.util.Arrays.copyOf(bytes, 10));
    }

    @Test
    void tarSplit_committed_isWhatWasWritten() throws IOException {
      commit(null, DIFF);
      try (InputStream in = new GZIPInputStream(store.tarSplit(BASE))) {
        assertEquals(TAR_SPLIT, new String(in.readAllBytes(), UTF_8));
      }
    }

    @Test
    void tarSplit_missing_isCorruption() throws IOException {
      commit(null, DIFF);
      Files.delete(layerFile(BASE, "tar-split.json.gz"));
      assertCorrupted("tar-split.json.gz", () -> store.tarSplit(BASE));
      assertEquals(42, store.layer(BASE).sizeBytes());
    }

    @Test
    void tarSplit_symbolicLink_isCorruption() throws IOException {
      commit(null, DIFF);
      Path file = layerFile(BASE, "tar-split.json.gz");
      Files.move(file, file.resolveSibling("elsewhere"));
      Files.createSymbolicLink(file, file.resolveSibling("elsewhere"));
      assertCorrupted("tar-split.json.gz", () -> store.tarSplit(BASE));
    }

    @Test
    void scratchFile_leftThere_isGoneAfterCommit() throws IOException {
      try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
        writeTarSplit(transaction);
        Path file = transaction.scratchFile("spill");
        Files.writeString(file, "x");
        assertEquals(file, transaction.scratchFile("spill"));
        String cacheId = Files.readString(file.resolveSibling("cache-id"));
        transaction.commit(record(null, DIFF, cacheId));
      }
      assertEquals(
          List.of("cache-id", "diff", "size", "tar-split.json.gz"),
          names(layerFile(BASE, "diff").getParent()));
    }
  }

  @Nested
  final class Commit {

    @Test
    void commit_base_writesExactValuesAndNoParent() throws IOException {
      String cacheId = commit(null, DIFF);
      assertEquals(DIFF.toString(), Files.readString(layerFile(BASE, "diff")));
      assertEquals("42", Files.readString(layerFile(BASE, "size")));
      assertEquals(cacheId, Files.readString(layerFile(BASE, "cache-id")));
      assertEquals(
          List.of("cache-id", "diff", "size", "tar-split.json.gz"),
          names(layerFile(BASE, "diff").getParent()));
    }

    @Test
    void commit_child_writesTheParentsChainId() throws IOException {
      commit(null, DIFF);
      commit(BASE, OTHER_DIFF);
      assertEquals(BASE.toString(), Files.readString(layerFile(CHILD, "parent")));
    }

    @Test
    void commit_modes_areThoseOfDocker() throws IOException {
      commit(null, DIFF);
      commit(BASE, OTHER_DIFF);
      assertEquals("rwx------", mode(layerFile(CHILD, "diff").getParent()));
      for (String name : List.of("diff", "size", "cache-id", "parent", "tar-split.json.gz")) {
        assertEquals("rw-r--r--", mode(layerFile(CHILD, name)), name);
      }
      assertEquals("rwxr-xr-x", mode(directory.resolve("sha256")));
    }

    @Test
    void commit_descriptor_isReadBack() throws IOException {
      Descriptor descriptor =
          new Descriptor("m", 5, DIFF.digest(), List.of("u"), Map.of("k", "v"), Optional.empty());
      LayerRecord record = new LayerRecord(BASE, DIFF, null, DriverIds.random(), 42, descriptor);
      commit(record);
      assertEquals(record, store.layer(BASE));
      assertEquals("rw-r--r--", mode(layerFile(BASE, "descriptor.json")));
    }

    @Test
    void commit_otherCacheId_isTheOneThatCounts() throws IOException {
      String other = DriverIds.random();
      try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
        writeTarSplit(transaction);
        transaction.commit(record(null, DIFF, other));
      }
      assertEquals(other, store.layer(BASE).cacheId());
      assertEquals("rw-r--r--", mode(layerFile(BASE, "cache-id")));
    }

    @Test
    void commit_existingLayer_failsAndKeepsIt() throws IOException {
      String first = commit(null, DIFF);
      assertThrows(StoreCorruptedException.class, () -> commit(null, DIFF));
      assertEquals(first, store.layer(BASE).cacheId());
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void commit_existingEmptyDirectory_failsAndKeepsIt() throws IOException {
      Path existing = layerFile(BASE, "diff").getParent();
      Files.createDirectories(existing);
      assertThrows(StoreCorruptedException.class, () -> commit(null, DIFF));
      assertEquals(List.of(), names(existing));
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void commit_existingDanglingLink_failsAndKeepsIt() throws IOException {
      Path existing = layerFile(BASE, "diff").getParent();
      Files.createDirectories(existing.getParent());
      Files.createSymbolicLink(existing, existing.resolveSibling("nowhere"));
      assertThrows(StoreCorruptedException.class, () -> commit(null, DIFF));
      assertTrue(Files.isSymbolicLink(existing));
    }

    @Test
    void commit_afterDamagedWasMovedAside_putsTheNewInItsPlace() throws IOException {
      commit(null, DIFF);
      Files.delete(layerFile(BASE, "size"));
      Leftover damaged = store.beginRemoval(BASE);
      String second = commit(null, DIFF);
      store.discard(damaged);
      assertEquals(second, store.layer(BASE).cacheId());
      assertEquals(List.of(), store.unfinishedRemovals());
    }
  }

  @Nested
  final class Replace {

    private String oldId;
    private final String newId = DriverIds.random();

    @BeforeEach
    void commitDamaged() throws IOException {
      oldId = commit(null, DIFF);
      commit(BASE, OTHER_DIFF);
      Files.writeString(layerFile(BASE, "size"), "damaged");
    }

    private Leftover replace(LayerRecord record, boolean dropsOldFiles) throws IOException {
      try (MetadataTransaction transaction = store.begin(newId)) {
        writeTarSplit(transaction);
        return transaction.replace(record, dropsOldFiles);
      }
    }

    @Test
    void replace_newFiles_layerHasThemAndNothingIsLeft() throws IOException {
      assertNull(replace(record(null, DIFF, newId), false));
      assertEquals(record(null, DIFF, newId), store.layer(BASE));
      assertEquals(List.of(), names(directory.resolve("tmp")));
      assertEquals("rwx------", mode(layerFile(BASE, "diff").getParent()));
      for (String name : List.of("diff", "size", "cache-id", "tar-split.json.gz")) {
        assertEquals("rw-r--r--", mode(layerFile(BASE, name)), name);
      }
    }

    @Test
    void replace_newFilesAndOldOnesDropped_leavesANoteOfThem() throws IOException {
      Leftover note = replace(record(null, DIFF, newId), true);
      assertEquals(oldId, note.cacheId());
      assertEquals(List.of(), store.unfinishedTransactions());
      assertEquals(
          List.of(new Leftover(note.key(), null, oldId)), reopened().unfinishedTransactions());
      store.discard(note);
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void replace_oldFiles_keepsTheCacheIdAndNamesTheNewOnesUntilClosed() throws IOException {
      try (MetadataTransaction transaction = store.begin(newId)) {
        writeTarSplit(transaction);
        assertNull(transaction.replace(record(null, DIFF, oldId), true));
        assertEquals(record(null, DIFF, oldId), store.layer(BASE));
        assertEquals(
            List.of(newId),
            reopened().unfinishedTransactions().stream().map(Leftover::cacheId).toList());
      }
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void replace_cacheIdWasDamaged_isHealed() throws IOException {
      Files.writeString(layerFile(BASE, "cache-id"), "../x");
      assertNull(replace(record(null, DIFF, newId), true));
      assertEquals(newId, store.layer(BASE).cacheId());
    }

    @Test
    void replace_everyFileIsSomethingElse_isHealed() throws IOException {
      for (String name : List.of("diff", "size", "cache-id", "parent", "tar-split.json.gz")) {
        Files.deleteIfExists(layerFile(BASE, name));
        Files.createDirectories(layerFile(BASE, name).resolve("x"));
      }
      Files.createSymbolicLink(layerFile(BASE, "descriptor.json"), directory.resolve("nowhere"));
      assertNull(replace(record(null, DIFF, newId), true));
      assertEquals(record(null, DIFF, newId), store.layer(BASE));
      assertEquals(
          List.of("cache-id", "diff", "size", "tar-split.json.gz"),
          names(layerFile(BASE, "diff").getParent()));
    }

    @Test
    void replace_emptyDirectory_isHealed() throws IOException {
      for (String name : names(layerFile(BASE, "diff").getParent())) {
        Files.delete(layerFile(BASE, name));
      }
      assertNull(replace(record(null, DIFF, newId), true));
      assertEquals(record(null, DIFF, newId), store.layer(BASE));
    }

    @Test
    void replace_symbolicLinkInItsPlace_goesAndWhatItLedToStays() throws IOException {
      Path elsewhere = directory.resolve("elsewhere");
      Files.move(layerFile(BASE, "diff").getParent(), elsewhere);
      Files.createSymbolicLink(layerFile(BASE, "diff").getParent(), elsewhere);
      assertNull(replace(record(null, DIFF, newId), true));
      assertEquals(record(null, DIFF, newId), store.layer(BASE));
      assertEquals("damaged", Files.readString(elsewhere.resolve("size")));
    }

    @Test
    void replace_child_writesItsParent() throws IOException {
      Files.delete(layerFile(CHILD, "parent"));
      assertNull(replace(record(BASE, OTHER_DIFF, newId), false));
      assertEquals(record(BASE, OTHER_DIFF, newId), store.layer(CHILD));
    }
  }

  @Nested
  final class Layers {

    @Test
    void layers_damaged_isListed() throws IOException {
      commit(null, DIFF);
      Files.delete(layerFile(BASE, "diff"));
      assertEquals(List.of(BASE), store.layers());
    }

    @Test
    void layers_everythingElse_isIgnoredAndKept() throws IOException {
      commit(null, DIFF);
      Path layers = directory.resolve("sha256");
      Files.createDirectory(layers.resolve("EF".repeat(32)));
      Files.createDirectory(layers.resolve("ef".repeat(31)));
      Files.createDirectory(layers.resolve("ef".repeat(32) + "-removing"));
      Files.createDirectory(layers.resolve("mounts"));
      Files.createDirectory(directory.resolve("sha512"));
      List<String> before = names(layers);
      assertEquals(List.of(BASE), store.layers());
      assertEquals(before, names(layers));
    }

    @Test
    void layer_fileOrLinkInItsPlace_isListedAndCorrupted() throws IOException {
      commit(null, DIFF);
      Path layers = directory.resolve("sha256");
      ChainId file = ChainId.parse("sha256:" + "ab".repeat(32));
      ChainId link = ChainId.parse("sha256:" + "cd".repeat(32));
      Files.writeString(layers.resolve(file.digest().hex()), "a file");
      Files.createSymbolicLink(
          layers.resolve(link.digest().hex()), layers.resolve(BASE.digest().hex()));
      assertTrue(store.layers().containsAll(List.of(BASE, file, link)));
      assertCorrupted("sha256/" + file.digest().hex(), () -> store.layer(file));
      assertCorrupted("sha256/" + link.digest().hex(), () -> store.layer(link));
    }

    @Test
    void layers_writeSetLeftOver_isNone() throws IOException {
      makeLeftover("tmp/write-set-123", DriverIds.random());
      assertEquals(List.of(), reopened().layers());
    }

    @Test
    void layers_fileInPlaceOfTheirDirectory_isReported() throws IOException {
      Files.writeString(directory.resolve("sha256"), "");
      assertEquals(List.of(), store.layers());
      assertEquals(
          List.of(directory.resolve("sha256").toString()),
          store.recoveryReport().of(RecoveryReport.Kind.DAMAGED_LAYER).stream()
              .map(RecoveryReport.Finding::id)
              .toList());
    }

    @Test
    void commit_fileInPlaceOfTheDirectory_isMovedAside() throws IOException {
      Files.writeString(directory.resolve("sha256"), "kept");
      commit(null, DIFF);
      assertEquals(List.of(BASE), store.layers());
      assertEquals("kept", Files.readString(directory.resolve("sha256.damaged-1")));
    }
  }

  @Nested
  final class Layer {

    @BeforeEach
    void commitTwo() throws IOException {
      commit(null, DIFF);
      commit(BASE, OTHER_DIFF);
    }

    @ParameterizedTest
    @ValueSource(strings = {"diff", "parent", "cache-id"})
    void layer_whiteSpaceAround_isTrimmed(String name) throws IOException {
      LayerRecord before = store.layer(CHILD);
      Path file = layerFile(CHILD, name);
      Files.writeString(file, " \t" + Files.readString(file) + "\r\n");
      assertEquals(before, store.layer(CHILD));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "1\n",
          " 1",
          "",
          "-1",
          "text",
          "0x10",
          "1e3",
          "1180591620717411303424",
          "9223372036854775808",
          "\u0661"
        })
    void layer_sizeMalformed_isCorruption(String size) throws IOException {
      Files.writeString(layerFile(BASE, "size"), size);
      assertCorrupted("size", () -> store.layer(BASE));
    }

    @Test
    void layer_sizeLargest_isRead() throws IOException {
      Files.writeString(layerFile(BASE, "size"), Long.toString(Long.MAX_VALUE));
      assertEquals(Long.MAX_VALUE, store.layer(BASE).sizeBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x", "..", ".", "a/b", "", " \n", "a\0b", "-x", "\u00e4", "a b"})
    void layer_cacheIdUnsafe_isCorruptionInDockersWords(String cacheId) throws IOException {
      Files.writeString(layerFile(BASE, "cache-id"), cacheId);
      StoreCorruptedException e =
          assertThrows(StoreCorruptedException.class, () -> store.layer(BASE));
      assertTrue(e.getMessage().contains("invalid cache id value"), e.getMessage());
    }

    @Test
    void layer_cacheIdOfBuildKit_isRead() throws IOException {
      Files.writeString(layerFile(BASE, "cache-id"), "k3bz5w0v1uvsyb7ywf8hpbz0p");
      assertEquals("k3bz5w0v1uvsyb7ywf8hpbz0p", store.layer(BASE).cacheId());
    }

    @Test
    void layer_cacheIdOf10MiB_isCorruption() throws IOException {
      Files.write(layerFile(BASE, "cache-id"), new byte[10 << 20]);
      assertCorrupted("cache-id", () -> store.layer(BASE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"diff", "size", "cache-id", "parent"})
    void layer_valueIsSymbolicLink_isCorruption(String name) throws IOException {
      Path file = layerFile(CHILD, name);
      Path elsewhere = directory.resolve("elsewhere");
      Files.move(file, elsewhere);
      Files.createSymbolicLink(file, elsewhere);
      assertCorrupted(name, () -> store.layer(CHILD));
    }

    @ParameterizedTest
    @ValueSource(strings = {"diff", "size", "cache-id", "parent"})
    void layer_valueIsDirectory_isCorruption(String name) throws IOException {
      Files.delete(layerFile(CHILD, name));
      Files.createDirectory(layerFile(CHILD, name));
      assertCorrupted(name, () -> store.layer(CHILD));
    }

    @ParameterizedTest
    @ValueSource(strings = {"diff", "size", "cache-id"})
    void layer_valueMissing_isCorruption(String name) throws IOException {
      Files.delete(layerFile(BASE, name));
      assertCorrupted(name, () -> store.layer(BASE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sha256:", "sha256:abc", "md5:00", "no digest"})
    void layer_diffMalformed_isCorruption(String diff) throws IOException {
      Files.writeString(layerFile(BASE, "diff"), diff);
      assertCorrupted("diff", () -> store.layer(BASE));
    }

    @Test
    void layer_diffChanged_isCorruption() throws IOException {
      Files.writeString(layerFile(BASE, "diff"), OTHER_DIFF.toString());
      assertThrows(StoreCorruptedException.class, () -> store.layer(BASE));
    }

    @Test
    void layer_parentOfAnotherChain_isCorruption() throws IOException {
      Files.writeString(layerFile(CHILD, "parent"), OTHER_DIFF.toString());
      assertThrows(StoreCorruptedException.class, () -> store.layer(CHILD));
    }

    @Test
    void layer_parentItself_isCorruption() throws IOException {
      Files.writeString(layerFile(BASE, "parent"), BASE.toString());
      assertThrows(StoreCorruptedException.class, () -> store.layer(BASE));
    }

    @Test
    void layer_parentsInACycle_areCorruption() throws IOException {
      Files.writeString(layerFile(BASE, "parent"), CHILD.toString());
      assertThrows(StoreCorruptedException.class, () -> store.layer(BASE));
    }

    @Test
    void layer_parentFileMissing_isCorruption() throws IOException {
      Files.delete(layerFile(CHILD, "parent"));
      assertThrows(StoreCorruptedException.class, () -> store.layer(CHILD));
    }

    @Test
    void layer_parentFileEmpty_isCorruption() throws IOException {
      Files.writeString(layerFile(CHILD, "parent"), "");
      assertCorrupted("parent", () -> store.layer(CHILD));
    }

    @Test
    void layer_descriptorMalformed_isCorruption() throws IOException {
      Files.writeString(layerFile(BASE, "descriptor.json"), "{");
      assertCorrupted("descriptor.json", () -> store.layer(BASE));
    }

    @Test
    void layer_descriptorMissing_isNull() throws IOException {
      assertNull(store.layer(BASE).descriptor());
    }

    @Test
    void layer_unknownFilesBesides_areIgnored() throws IOException {
      LayerRecord before = store.layer(BASE);
      Files.writeString(layerFile(BASE, "os"), "linux");
      Files.createDirectory(layerFile(BASE, "more"));
      assertEquals(before, store.layer(BASE));
    }

    @Test
    void layer_symbolicLinkToALayer_isCorruption() throws IOException {
      Path child = layerFile(CHILD, "diff").getParent();
      Files.move(child, directory.resolve("elsewhere"));
      Files.createSymbolicLink(child, directory.resolve("elsewhere"));
      assertCorrupted(CHILD.digest().hex(), () -> store.layer(CHILD));
    }

    @Test
    void layer_fileOfItsName_isCorruption() throws IOException {
      ChainId chainId = ChainId.of(CHILD, DIFF);
      Files.writeString(directory.resolve("sha256").resolve(chainId.digest().hex()), "");
      assertCorrupted(chainId.digest().hex(), () -> store.layer(chainId));
    }

    @Test
    void layer_interruptedThread_isReadAndStaysInterrupted() throws IOException {
      Thread.currentThread().interrupt();
      try {
        assertEquals(42, store.layer(BASE).sizeBytes());
      } finally {
        assertTrue(Thread.interrupted());
      }
    }
  }

  @Nested
  final class Removal {

    @Test
    void beginRemoval_layer_isHiddenUnderARandomName() throws IOException {
      String cacheId = commit(null, DIFF);
      Leftover leftover = store.beginRemoval(BASE);
      assertEquals(List.of(), store.layers());
      assertTrue(
          leftover.key().matches(BASE.digest().hex() + "-[0-9a-f]{64}-removing"), leftover.key());
      assertEquals(List.of(leftover.key()), names(directory.resolve("sha256")));
      assertEquals(BASE, leftover.chainId());
      assertEquals(cacheId, leftover.cacheId());
      assertFalse(leftover.key().contains(cacheId));
    }

    @Test
    void beginRemoval_cacheIdUnsafe_isNotReported() throws IOException {
      commit(null, DIFF);
      Files.writeString(layerFile(BASE, "cache-id"), "../../x");
      assertNull(store.beginRemoval(BASE).cacheId());
      assertEquals(List.of(), store.layers());
    }

    @Test
    void beginRemoval_symbolicLinkInItsPlace_removesTheLinkAlone() throws IOException {
      Path elsewhere = directory.resolve("elsewhere");
      commit(null, DIFF);
      Files.move(layerFile(BASE, "diff").getParent(), elsewhere);
      Files.createSymbolicLink(layerFile(BASE, "diff").getParent(), elsewhere);
      Leftover leftover = store.beginRemoval(BASE);
      assertNull(leftover.cacheId());
      store.discard(leftover);
      assertEquals(List.of(), names(directory.resolve("sha256")));
      assertTrue(Files.exists(elsewhere.resolve("diff")));
    }

    @Test
    void unfinishedRemovals_bothFormsOfDocker_areListed() throws IOException {
      String hex = BASE.digest().hex();
      String one = DriverIds.random();
      makeLeftover("sha256/" + hex + "-removing", one + "\n");
      makeLeftover(
          "sha256/" + hex + "-" + "0".repeat(64) + "-removing", "k3bz5w0v1uvsyb7ywf8hpbz0p");
      assertEquals(
          List.of(
              new Leftover(
                  hex + "-" + "0".repeat(64) + "-removing", BASE, "k3bz5w0v1uvsyb7ywf8hpbz0p"),
              new Leftover(hex + "-removing", BASE, one)),
          store.unfinishedRemovals());
    }

    @Test
    void unfinishedRemovals_variants_areIgnored() throws IOException {
      String hex = BASE.digest().hex();
      makeLeftover("sha256/" + hex + "-removed", DriverIds.random());
      makeLeftover("sha256/" + hex + "removing", DriverIds.random());
      makeLeftover("sha256/xyz-removing", DriverIds.random());
      makeLeftover("sha256/-removing", DriverIds.random());
      Files.writeString(directory.resolve("sha256/" + hex + "-1-removing"), "a file");
      Files.createSymbolicLink(
          directory.resolve("sha256/" + hex + "-2-removing"), directory.resolve("sha256"));
      assertEquals(List.of(), store.unfinishedRemovals());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../../x", "a/b"})
    void unfinishedRemovals_cacheIdUnsafe_isListedWithoutIt(String cacheId) throws IOException {
      String name = BASE.digest().hex() + "-removing";
      makeLeftover("sha256/" + name, cacheId);
      assertEquals(List.of(new Leftover(name, BASE, null)), store.unfinishedRemovals());
    }

    @Test
    void unfinishedRemovals_cacheIdMissing_isListedWithoutIt() throws IOException {
      String name = BASE.digest().hex() + "-removing";
      makeLeftover("sha256/" + name, null);
      assertEquals(List.of(new Leftover(name, BASE, null)), store.unfinishedRemovals());
    }

    @Test
    void unfinishedRemovals_cacheIdOfAVisibleLayer_isListedWithoutIt() throws IOException {
      String inUse = commit(null, DIFF);
      String name = CHILD.digest().hex() + "-removing";
      makeLeftover("sha256/" + name, inUse);
      assertEquals(List.of(new Leftover(name, CHILD, null)), store.unfinishedRemovals());
    }

    @Test
    void unfinishedRemovals_idOfAReadWriteLayer_isListedWithoutIt() throws IOException {
      String inUse = createMount("c1").mountId();
      String name = CHILD.digest().hex() + "-removing";
      makeLeftover("sha256/" + name, inUse);
      assertEquals(List.of(new Leftover(name, CHILD, null)), store.unfinishedRemovals());
    }

    @Test
    void discard_removal_deletesItAndNothingElse() throws IOException {
      commit(null, DIFF);
      commit(BASE, OTHER_DIFF);
      store.discard(store.beginRemoval(CHILD));
      assertEquals(List.of(BASE.digest().hex()), names(directory.resolve("sha256")));
    }

    @Test
    void discard_visibleLayer_isRefused() throws IOException {
      commit(null, DIFF);
      Leftover wrong = new Leftover(BASE.digest().hex(), BASE, null);
      assertThrows(IllegalArgumentException.class, () -> store.discard(wrong));
      assertThrows(
          IllegalArgumentException.class,
          () -> store.discard(new Leftover("../sha256", null, null)));
      assertEquals(List.of(BASE), store.layers());
    }
  }

  @Nested
  final class UnfinishedTransactions {

    @Test
    void unfinishedTransactions_processGone_namesTheDriverId() throws IOException {
      String cacheId = DriverIds.random();
      store.begin(cacheId);
      String name = onlyEntryOfTmp().getFileName().toString();
      FileMetadataStore next = reopened();
      assertEquals(List.of(new Leftover(name, null, cacheId)), next.unfinishedTransactions());
      next.discard(next.unfinishedTransactions().get(0));
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../x"})
    void unfinishedTransactions_cacheIdUnsafe_isListedWithoutIt(String cacheId) throws IOException {
      makeLeftover("tmp/write-set-5", cacheId);
      assertEquals(
          List.of(new Leftover("write-set-5", null, null)), store.unfinishedTransactions());
    }

    @Test
    void unfinishedTransactions_noCacheIdYet_isListedWithoutIt() throws IOException {
      makeLeftover("tmp/write-set-5", null);
      assertEquals(
          List.of(new Leftover("write-set-5", null, null)), store.unfinishedTransactions());
    }

    @Test
    void unfinishedTransactions_directoryOfBuildKit_isNotHandedOut() throws IOException {
      makeLeftover("tmp/write-set-5", "k3bz5w0v1uvsyb7ywf8hpbz0p");
      assertEquals(
          List.of(new Leftover("write-set-5", null, null)), store.unfinishedTransactions());
    }

    @Test
    void unfinishedTransactions_cacheIdOfAVisibleLayer_isNotHandedOut() throws IOException {
      makeLeftover("tmp/write-set-5", commit(null, DIFF));
      assertEquals(
          List.of(new Leftover("write-set-5", null, null)), store.unfinishedTransactions());
    }

    @Test
    void unfinishedTransactions_otherThingsInTmp_areIgnored() throws IOException {
      makeLeftover("tmp/write-set-", DriverIds.random());
      makeLeftover("tmp/write-set-1x", DriverIds.random());
      makeLeftover("tmp/other", DriverIds.random());
      Files.writeString(directory.resolve("tmp/write-set-7"), "a file");
      assertEquals(List.of(), store.unfinishedTransactions());
    }
  }

  @Nested
  final class Mounts {

    @Test
    void commitMount_files_areThoseOfDocker() throws IOException {
      RWLayerRecord mount = createMount("c1");
      assertEquals(mount.mountId(), Files.readString(mountFile("c1", "mount-id")));
      assertEquals(mount.mountId() + "-init", Files.readString(mountFile("c1", "init-id")));
      assertEquals(BASE.toString(), Files.readString(mountFile("c1", "parent")));
      assertEquals(List.of("init-id", "mount-id", "parent"), names(directory.resolve("mounts/c1")));
    }

    @Test
    void commitMount_modes_areThoseOfDocker() throws IOException {
      createMount("c1");
      assertEquals("rwxr-xr-x", mode(directory.resolve("mounts")));
      assertEquals("rwxr-xr-x", mode(directory.resolve("mounts/c1")));
      assertEquals("rw-r--r--", mode(mountFile("c1", "mount-id")));
      assertEquals("rw-r--r--", mode(mountFile("c1", "init-id")));
      assertEquals("rw-r--r--", mode(mountFile("c1", "parent")));
    }

    @Test
    void commitMount_withoutInitOrParent_hasMountIdAlone() throws IOException {
      RWLayerRecord mount = new RWLayerRecord("c1", DriverIds.random(), null, null);
      store.commitRWLayer(store.beginRWLayer(mount));
      assertEquals(List.of("mount-id"), names(directory.resolve("mounts/c1")));
      assertEquals(mount, store.rwLayer("c1"));
    }

    @Test
    void commitMount_nameTaken_failsAndKeepsBoth() throws IOException {
      RWLayerRecord first = createMount("c1");
      UnfinishedRWLayer second =
          store.beginRWLayer(new RWLayerRecord("c1", DriverIds.random(), null, null));
      NameConflictException e =
          assertThrows(NameConflictException.class, () -> store.commitRWLayer(second));
      assertEquals("c1", e.name());
      assertEquals(first, store.rwLayer("c1"));
      store.discardRWLayer(second);
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void commitMount_emptyDirectoryOfThatName_fails() throws IOException {
      Files.createDirectories(directory.resolve("mounts/c1"));
      assertThrows(NameConflictException.class, () -> createMount("c1"));
      assertEquals(List.of(), names(directory.resolve("mounts/c1")));
    }

    @Test
    void beginMount_uncommitted_isInvisible() throws IOException {
      RWLayerRecord mount = new RWLayerRecord("c1", DriverIds.random(), null, null);
      UnfinishedRWLayer begun = store.beginRWLayer(mount);
      assertEquals(List.of(mount.mountId()), begun.driverIds());
      assertEquals(List.of(), store.rwLayers());
      assertFalse(Files.exists(directory.resolve("mounts")));
      assertThrows(RWLayerNotFoundException.class, () -> store.rwLayer("c1"));
    }

    @Test
    void unfinishedMounts_inHand_isNotListed() throws IOException {
      UnfinishedRWLayer begun =
          store.beginRWLayer(new RWLayerRecord("c1", DriverIds.random(), null, null));
      assertEquals(List.of(), store.unfinishedRWLayers());
      store.discardRWLayer(begun);
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void unfinishedMounts_processGone_namesTheDriverIds() throws IOException {
      String mountId = DriverIds.random();
      UnfinishedRWLayer begun =
          store.beginRWLayer(new RWLayerRecord("c1", mountId, mountId + "-init", null));
      FileMetadataStore next = reopened();
      assertEquals(List.of(begun), next.unfinishedRWLayers());
      assertEquals(List.of(mountId, mountId + "-init"), begun.driverIds());
      next.discardRWLayer(begun);
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }

    @Test
    void unfinishedMounts_idOfAVisibleReadWriteLayer_isNotHandedOut() throws IOException {
      RWLayerRecord mount = createMount("c1");
      Path leftover = directory.resolve("tmp/mount-removing-3");
      Files.createDirectories(leftover);
      Files.writeString(leftover.resolve("mount-id"), mount.mountId());
      assertEquals(
          List.of(new UnfinishedRWLayer("mount-removing-3", List.of())),
          store.unfinishedRWLayers());
    }

    @Test
    void unfinishedMounts_idsDamaged_areNotHandedOut() throws IOException {
      Path leftover = directory.resolve("tmp/mount-set-3");
      Files.createDirectories(leftover);
      Files.writeString(leftover.resolve("mount-id"), "../x");
      assertEquals(
          List.of(new UnfinishedRWLayer("mount-set-3", List.of())), store.unfinishedRWLayers());
    }

    @Test
    void beginMountRemoval_mount_isHidden() throws IOException {
      RWLayerRecord mount = createMount("c1");
      UnfinishedRWLayer removal = store.beginRWLayerRemoval("c1");
      assertEquals(List.of(mount.mountId(), mount.mountId() + "-init"), removal.driverIds());
      assertEquals(List.of(), store.rwLayers());
      assertEquals(List.of(), store.unfinishedRWLayers());
      store.discardRWLayer(removal);
      assertEquals(List.of(), names(directory.resolve("tmp")));
      assertEquals(List.of(), names(directory.resolve("mounts")));
    }

    @Test
    void beginMountRemoval_damaged_handsOutWhatIsSound() throws IOException {
      RWLayerRecord mount = createMount("c1");
      Files.writeString(mountFile("c1", "init-id"), "../x");
      assertEquals(List.of(mount.mountId()), store.beginRWLayerRemoval("c1").driverIds());
    }

    @Test
    void discardMount_anythingElse_isRefused() throws IOException {
      createMount("c1");
      assertThrows(
          IllegalArgumentException.class,
          () -> store.discardRWLayer(new UnfinishedRWLayer("../mounts/c1", List.of())));
      assertEquals(List.of("c1"), store.rwLayers());
    }

    @Test
    void mounts_badNames_areNotListed() throws IOException {
      createMount("c2");
      createMount("c1");
      Path mounts = directory.resolve("mounts");
      Files.createDirectory(mounts.resolve("-bad"));
      assertEquals(List.of("c1", "c2"), store.rwLayers());
    }

    @Test
    void mount_fileOrLinkInItsPlace_isListedAndCorrupted() throws IOException {
      createMount("c1");
      Path mounts = directory.resolve("mounts");
      Files.writeString(mounts.resolve("file"), "");
      Files.createSymbolicLink(mounts.resolve("link"), mounts.resolve("c1"));
      assertEquals(List.of("c1", "file", "link"), store.rwLayers());
      assertCorrupted("mounts/file", () -> store.rwLayer("file"));
      assertCorrupted("mounts/link", () -> store.rwLayer("link"));
    }

    @Test
    void recoveryReport_badNameAmongMounts_isReported() throws IOException {
      createMount("c1");
      Files.createDirectory(directory.resolve("mounts").resolve("-bad"));
      assertEquals(
          List.of("-bad"),
          store.recoveryReport().of(RecoveryReport.Kind.DAMAGED_RW_LAYER).stream()
              .map(RecoveryReport.Finding::id)
              .toList());
    }

    @Test
    void mount_whiteSpaceAround_isTrimmed() throws IOException {
      RWLayerRecord mount = createMount("c1");
      for (String name : List.of("mount-id", "init-id", "parent")) {
        Files.writeString(mountFile("c1", name), Files.readString(mountFile("c1", name)) + "\n");
      }
      assertEquals(mount, store.rwLayer("c1"));
    }

    @Test
    void mount_mountIdAlone_isOneWithoutParent() throws IOException {
      RWLayerRecord mount = createMount("c1");
      Files.delete(mountFile("c1", "init-id"));
      Files.delete(mountFile("c1", "parent"));
      assertEquals(new RWLayerRecord("c1", mount.mountId(), null, null), store.rwLayer("c1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "../x", "k3bz5w0v1uvsyb7ywf8hpbz0p"})
    void mount_mountIdMalformed_isCorruptionInDockersWords(String mountId) throws IOException {
      createMount("c1");
      Files.writeString(mountFile("c1", "mount-id"), mountId);
      StoreCorruptedException e =
          assertThrows(StoreCorruptedException.class, () -> store.rwLayer("c1"));
      assertTrue(e.getMessage().contains("invalid mount id value"), e.getMessage());
      assertEquals(List.of("c1"), store.rwLayers());
    }

    @Test
    void mount_initIdMalformed_isCorruptionInDockersWords() throws IOException {
      createMount("c1");
      Files.writeString(mountFile("c1", "init-id"), "x");
      StoreCorruptedException e =
          assertThrows(StoreCorruptedException.class, () -> store.rwLayer("c1"));
      assertTrue(e.getMessage().contains("invalid init id value"), e.getMessage());
    }

    @Test
    void mount_mountIdMissing_isCorruption() throws IOException {
      createMount("c1");
      Files.delete(mountFile("c1", "mount-id"));
      assertCorrupted("mount-id", () -> store.rwLayer("c1"));
    }

    @Test
    void mount_parentMalformed_isCorruption() throws IOException {
      createMount("c1");
      Files.writeString(mountFile("c1", "parent"), "");
      assertCorrupted("parent", () -> store.rwLayer("c1"));
    }
  }

  @Nested
  final class ReadOnly {

    @Test
    void anyChange_readOnly_isRefusedAndChangesNothing() throws IOException {
      commit(null, DIFF);
      createMount("c1");
      FileMetadataStore readOnly = readOnly();
      RWLayerRecord mount = new RWLayerRecord("c2", DriverIds.random(), null, null);
      List<Executable> changes =
          List.of(
              () -> readOnly.begin(DriverIds.random()),
              () -> readOnly.beginRemoval(BASE),
              () -> readOnly.discard(new Leftover("write-set-1", null, null)),
              () -> readOnly.beginRWLayer(mount),
              () -> readOnly.commitRWLayer(new UnfinishedRWLayer("mount-set-1", List.of())),
              () -> readOnly.discardRWLayer(new UnfinishedRWLayer("mount-set-1", List.of())),
              () -> readOnly.beginRWLayerRemoval("c1"));
      for (Executable change : changes) {
        assertThrows(ReadOnlyStoreException.class, change);
      }
      assertEquals(List.of(BASE), readOnly.layers());
      assertEquals(List.of("c1"), readOnly.rwLayers());
      assertEquals(List.of(), names(directory.resolve("tmp")));
    }
  }

  @Nested
  final class Interrupts {

    @Test
    void wholeLife_interruptedThread_worksAndStaysInterrupted() throws IOException {
      FileMetadataStore durable = FileMetadataStore.open(directory, Durability.FULL, false);
      String cacheId = DriverIds.random();
      try (MetadataTransaction transaction = durable.begin(cacheId)) {
        writeTarSplit(transaction);
        Thread.currentThread().interrupt();
        transaction.commit(record(null, DIFF, cacheId));
        durable.commitRWLayer(
            durable.beginRWLayer(new RWLayerRecord("c1", DriverIds.random(), null, BASE)));
        durable.discardRWLayer(durable.beginRWLayerRemoval("c1"));
        durable.discard(durable.beginRemoval(BASE));
      } finally {
        assertTrue(Thread.interrupted());
      }
      assertEquals(List.of(), names(directory.resolve("tmp")));
      assertEquals(List.of(), names(directory.resolve("sha256")));
      assertNotEquals(List.of(), names(directory));
    }
  }
}
