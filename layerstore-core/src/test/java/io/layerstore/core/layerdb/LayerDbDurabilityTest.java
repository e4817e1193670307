package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What is forced to the disk, and in which order: what a power cut may take. On disk, because in
 * memory a directory cannot be forced.
 */
final class LayerDbDurabilityTest {

  private static final DiffId DIFF = DiffId.EMPTY_TAR;
  private static final ChainId BASE = ChainId.of((ChainId) null, DIFF);

  private final FaultyFileSystem fileSystem = FaultyFileSystem.over(FileSystems.getDefault());
  @TempDir private Path temporary;
  private Path directory;

  @BeforeEach
  void locate() {
    directory = temporary.resolve("layerdb");
  }

  private FileMetadataStore open(Durability durability) throws IOException {
    return FileMetadataStore.open(fileSystem.wrap(directory), durability, false);
  }

  private static void commit(FileMetadataStore store) throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      try (OutputStream out = transaction.writeTarSplit()) {
        out.write("{}\n".getBytes(UTF_8));
      }
      transaction.commit(new LayerRecord(BASE, DIFF, null, cacheId, 7, null));
    }
  }

  private int indexOf(Kind kind, Path path) {
    List<FileOperation> operations = fileSystem.operations();
    for (int i = 0; i < operations.size(); i++) {
      if (operations.get(i).kind() == kind && operations.get(i).path().equals(path)) {
        return i;
      }
    }
    throw new AssertionError("no " + kind + " of " + path + " in " + operations);
  }

  private FileOperation lastMove() {
    return fileSystem.operations().stream()
        .filter(operation -> operation.kind() == Kind.MOVE)
        .reduce((first, second) -> second)
        .orElseThrow();
  }

  /**
   * Everything written in the directory that {@code move} renames was forced after its last write,
   * and the directory after that.
   */
  private void assertForcedBefore(FileOperation move) {
    List<FileOperation> operations = fileSystem.operations();
    int moved = operations.lastIndexOf(move);
    Set<String> unforced = new HashSet<>();
    boolean directoryForced = false;
    for (FileOperation operation : operations.subList(0, moved)) {
      boolean inside = operation.path().startsWith(move.path());
      if (inside && operation.kind() == Kind.WRITE) {
        unforced.add(operation.name());
      } else if (inside && operation.kind() == Kind.FORCE) {
        unforced.remove(operation.name());
      } else if (operation.path().equals(move.path())) {
        directoryForced = operation.kind() == Kind.FORCE_DIRECTORY;
      } else if (inside) {
        directoryForced = false;
      }
    }
    assertEquals(Set.of(), unforced);
    assertTrue(directoryForced, () -> move.path() + " was not forced last: " + operations);
  }

  /** The directory that got the new name was forced after {@code move}. */
  private void assertForcedAfter(FileOperation move) {
    List<FileOperation> operations = fileSystem.operations();
    FileOperation force = new FileOperation(Kind.FORCE_DIRECTORY, move.target().getParent(), null);
    assertTrue(operations.lastIndexOf(force) > operations.lastIndexOf(move));
  }

  @Test
  void begin_full_cacheIdIsForcedWithTheNamesThatLeadToIt() throws IOException {
    open(Durability.FULL).begin(DriverIds.random());
    Path cacheId =
        fileSystem.operations().stream()
            .filter(operation -> operation.kind() == Kind.FORCE)
            .map(FileOperation::path)
            .findFirst()
            .orElseThrow();
    assertEquals("cache-id", cacheId.getFileName().toString());
    int file = indexOf(Kind.FORCE, cacheId);
    int writeSet = indexOf(Kind.FORCE_DIRECTORY, cacheId.getParent());
    int tmp = indexOf(Kind.FORCE_DIRECTORY, directory.resolve("tmp"));
    assertTrue(file < writeSet && writeSet < tmp);
    assertTrue(indexOf(Kind.FORCE_DIRECTORY, directory) < writeSet);
  }

  @ParameterizedTest
  @EnumSource(
      value = Durability.class,
      names = {"FULL", "METADATA"})
  void commit_durable_everythingIsForcedThenRenamedThenItsName(Durability durability)
      throws IOException {
    commit(open(durability));
    FileOperation move = lastMove();
    assertEquals(directory.resolve("sha256").resolve(BASE.digest().hex()), move.target());
    assertForcedBefore(move);
    assertForcedAfter(move);
  }

  /** What is forced between the end of the tar-split and the rename. */
  private Set<String> forcedByCommitOf(LayerRecord prepared, LayerRecord record)
      throws IOException {
    try (MetadataTransaction transaction = open(Durability.FULL).begin(record.cacheId())) {
      transaction.deferForcing();
      fileSystem.forgetOperations();
      try (OutputStream out = transaction.writeTarSplit()) {
        out.write("{}\n".getBytes(UTF_8));
      }
      transaction.prepare(prepared);
      transaction.commit(record);
    }
    List<FileOperation> operations = fileSystem.operations();
    Set<String> forced = new TreeSet<>();
    for (FileOperation operation : operations.subList(0, operations.lastIndexOf(lastMove()))) {
      if ((operation.kind() == Kind.FORCE || operation.kind() == Kind.FORCE_DIRECTORY)
          && operation.path().startsWith(lastMove().path())) {
        forced.add(operation.path().equals(lastMove().path()) ? "" : operation.name());
      }
    }
    return forced;
  }

  @Test
  void commit_preparedForOneForcing_onlyTheNewNameIsForced() throws IOException {
    LayerRecord record = new LayerRecord(BASE, DIFF, null, DriverIds.random(), 7, null);
    assertEquals(Set.of(), forcedByCommitOf(record, record));
    assertForcedAfter(lastMove());
  }

  @Test
  void commit_anotherWasPrepared_everythingIsForced() throws IOException {
    LayerRecord record = new LayerRecord(BASE, DIFF, null, DriverIds.random(), 7, null);
    LayerRecord other = new LayerRecord(BASE, DIFF, null, record.cacheId(), 8, null);
    assertEquals(Set.of("", "diff", "size", "tar-split.json.gz"), forcedByCommitOf(other, record));
    assertForcedAfter(lastMove());
  }

  @Test
  void commitMount_full_everythingIsForcedThenRenamedThenItsName() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    String mountId = DriverIds.random();
    UnfinishedRWLayer begun =
        store.beginRWLayer(new RWLayerRecord("c1", mountId, mountId + "-init", BASE));
    store.commitRWLayer(begun);
    FileOperation move = lastMove();
    assertEquals(directory.resolve("mounts/c1"), move.target());
    assertForcedBefore(move);
    assertForcedAfter(move);
  }

  @Test
  void commitMount_files_areWrittenInDockersOrder() throws IOException {
    FileMetadataStore store = open(Durability.NONE);
    String mountId = DriverIds.random();
    store.beginRWLayer(new RWLayerRecord("c1", mountId, mountId + "-init", BASE));
    assertEquals(
        List.of("mount-id", "init-id", "parent"),
        fileSystem.operations().stream()
            .filter(operation -> operation.kind() == Kind.CREATE_FILE)
            .map(FileOperation::name)
            .toList());
  }

  @Test
  void beginRemoval_full_newNameIsForced() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    commit(store);
    fileSystem.forgetOperations();
    store.beginRemoval(BASE);
    assertForcedAfter(lastMove());
  }

  @Test
  void beginMountRemoval_full_bothDirectoriesAreForced() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    store.commitRWLayer(
        store.beginRWLayer(new RWLayerRecord("c1", DriverIds.random(), null, null)));
    fileSystem.forgetOperations();
    store.beginRWLayerRemoval("c1");
    assertForcedAfter(lastMove());
    assertTrue(
        indexOf(Kind.FORCE_DIRECTORY, directory.resolve("mounts")) > 0,
        "the name that went was not forced");
  }

  @Test
  void anyChange_none_forcesNothing() throws IOException {
    FileMetadataStore store = open(Durability.NONE);
    commit(store);
    store.commitRWLayer(
        store.beginRWLayer(new RWLayerRecord("c1", DriverIds.random(), null, BASE)));
    store.discardRWLayer(store.beginRWLayerRemoval("c1"));
    store.discard(store.beginRemoval(BASE));
    assertTrue(
        fileSystem.operations().stream()
            .noneMatch(
                operation ->
                    operation.kind() == Kind.FORCE || operation.kind() == Kind.FORCE_DIRECTORY));
  }

  @Test
  void beginRemoval_forcingFails_layerIsBack() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    commit(store);
    fileSystem.failWhen(operation -> operation.kind() == Kind.FORCE_DIRECTORY);
    assertThrows(LayerStoreException.class, () -> store.beginRemoval(BASE));
    assertEquals(List.of(BASE), store.layers());
    assertEquals(List.of(), store.unfinishedRemovals());
  }

  @Test
  void commit_forcingTheNameFails_layerIsNotThere() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    fileSystem.failWhen(
        operation -> operation.kind() == Kind.FORCE_DIRECTORY && operation.name().equals("sha256"));
    assertThrows(LayerStoreException.class, () -> commit(store));
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.unfinishedTransactions());
  }

  @Test
  void wholeLife_anyDurability_leavesNothingOpen() throws IOException {
    FileMetadataStore store = open(Durability.FULL);
    commit(store);
    store.layer(BASE);
    store.tarSplit(BASE).close();
    store.discard(store.beginRemoval(BASE));
    store.unfinishedRWLayers();
    store.close();
    assertEquals(List.of(), fileSystem.openResources());
  }
}
