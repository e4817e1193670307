package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every metadata store must do: the sentences of {@link MetadataStore} and {@link
 * MetadataTransaction} as tests, in the order of the interface. Knows no files.
 *
 * <p>A metadata store proves itself with a subclass that says how it is opened, and how its facts
 * are damaged:
 *
 * <pre>{@code
 * final class MyMetadataStoreTest extends MetadataStoreContract {
 *   private final Database database = ...;
 *
 *   @Override protected MetadataStore open(boolean readOnly) { return new MyMetadataStore(database, readOnly); }
 *   @Override protected boolean damageLayer(ChainId chainId) { ... return true; }
 *   @Override protected boolean damageRWLayer(String name) { ... return true; }
 * }
 * }</pre>
 */
public abstract class MetadataStoreContract {
  private static final DiffId DIFF = DiffId.EMPTY_TAR;
  private static final DiffId OTHER_DIFF = new DiffId(Digest.sha256Of("other".getBytes(UTF_8)));
  private static final ChainId BASE = ChainId.of((ChainId) null, DIFF);
  private static final ChainId CHILD = ChainId.of(BASE, OTHER_DIFF);
  private static final byte[] TAR_SPLIT = "{\"type\":2,\"payload\":\"AAAA\"}\n".getBytes(UTF_8);

  private final List<MetadataStore> opened = new ArrayList<>();
  private MetadataStore store;

  /**
   * Opens the metadata store of this test, which is empty at first. Within a test it is opened
   * several times: each time like a process of its own, which finds what the others left, whether
   * they closed theirs or died.
   */
  protected abstract MetadataStore open(boolean readOnly) throws IOException;

  /**
   * Makes something of a layer malformed, but neither its cache ID nor its parent. False if nothing
   * in this store can become so.
   */
  protected abstract boolean damageLayer(ChainId chainId) throws IOException;

  /**
   * Makes the mount ID of a read-write layer malformed, and not its parent. False if nothing in
   * this store can become so.
   */
  protected abstract boolean damageRWLayer(String name) throws IOException;

  @BeforeEach
  final void openStore() throws IOException {
    store = nextProcess();
  }

  @AfterEach
  final void closeStores() throws IOException {
    for (MetadataStore each : opened) {
      each.close();
    }
  }

  // Steps -----------------------------------------------------------------------------------------

  private MetadataStore nextProcess() throws IOException {
    MetadataStore next = open(false);
    opened.add(next);
    return next;
  }

  private MetadataStore readOnly() throws IOException {
    MetadataStore next = open(true);
    opened.add(next);
    return next;
  }

  private static LayerRecord record(ChainId parent, DiffId diffId, String cacheId) {
    return new LayerRecord(ChainId.of(parent, diffId), diffId, parent, cacheId, 42, null);
  }

  private static void writeTarSplit(MetadataTransaction transaction, byte[] content)
      throws IOException {
    try (OutputStream out = transaction.writeTarSplit()) {
      out.write(content);
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
      writeTarSplit(transaction, TAR_SPLIT);
      transaction.commit(record);
    }
  }

  /** Replaces the lower layer, with a transaction that began with {@code begun}. */
  private Leftover replace(String begun, String cacheId, boolean dropsOldFiles) throws IOException {
    try (MetadataTransaction transaction = store.begin(begun)) {
      writeTarSplit(transaction, "new".getBytes(UTF_8));
      return transaction.replace(record(null, DIFF, cacheId), dropsOldFiles);
    }
  }

  private static RWLayerRecord rwRecord(String name) {
    String mountId = DriverIds.random();
    return new RWLayerRecord(name, mountId, mountId + "-init", BASE);
  }

  private RWLayerRecord createRWLayer(String name) throws IOException {
    RWLayerRecord record = rwRecord(name);
    store.commitRWLayer(store.beginRWLayer(record));
    return record;
  }

  private void damage(ChainId chainId) throws IOException {
    assumeTrue(damageLayer(chainId), "no fact about a layer can become malformed here");
  }

  private void damage(String name) throws IOException {
    assumeTrue(damageRWLayer(name), "no fact about a read-write layer can become malformed here");
  }

  private byte[] tarSplit(ChainId chainId) throws IOException {
    try (InputStream in = new GZIPInputStream(store.tarSplit(chainId))) {
      return in.readAllBytes();
    }
  }

  private static List<String> cacheIds(List<Leftover> leftovers) {
    return leftovers.stream().map(Leftover::cacheId).toList();
  }

  private void assertNothingUnfinished(MetadataStore seenBy) throws IOException {
    assertEquals(List.of(), seenBy.unfinishedTransactions());
    assertEquals(List.of(), seenBy.unfinishedRemovals());
    assertEquals(List.of(), seenBy.unfinishedRWLayers());
  }

  // Open and close --------------------------------------------------------------------------------

  @Test
  void open_new_isEmpty() throws IOException {
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.rwLayers());
    assertNothingUnfinished(store);
  }

  @Test
  void open_again_findsWhatWasCommitted() throws IOException {
    String cacheId = commit(null, DIFF);
    RWLayerRecord rwLayer = createRWLayer("c1");
    store.close();

    MetadataStore next = nextProcess();

    assertEquals(record(null, DIFF, cacheId), next.layer(BASE));
    assertEquals(rwLayer, next.rwLayer("c1"));
    assertNothingUnfinished(next);
  }

  @Test
  void close_twice_doesNothing() throws IOException {
    store.close();
    store.close();
  }

  @Test
  void anyCall_afterClose_isRefused() throws IOException {
    store.close();
    List<Executable> calls =
        List.of(
            store::layers,
            () -> store.layer(BASE),
            () -> store.cacheId(BASE),
            () -> store.tarSplit(BASE),
            () -> store.parentOf(BASE),
            store::rwLayers,
            () -> store.rwLayer("c1"),
            store::unfinishedTransactions,
            store::unfinishedRemovals,
            store::unfinishedRWLayers,
            () -> store.begin(DriverIds.random()),
            () -> store.beginRemoval(BASE),
            () -> store.beginRWLayer(rwRecord("c1")),
            () -> store.beginRWLayerRemoval("c1"));
    for (Executable call : calls) {
      assertThrows(IllegalStateException.class, call);
    }
  }

  @Test
  void anyChange_readOnly_isRefusedAndChangesNothing() throws IOException {
    commit(null, DIFF);
    createRWLayer("c1");
    MetadataStore readOnly = readOnly();
    List<Executable> changes =
        List.of(
            () -> readOnly.begin(DriverIds.random()),
            () -> readOnly.beginRemoval(BASE),
            () -> readOnly.beginRWLayer(rwRecord("c2")),
            () -> readOnly.beginRWLayerRemoval("c1"));

    for (Executable change : changes) {
      assertThrows(ReadOnlyStoreException.class, change);
    }

    assertEquals(List.of(BASE), readOnly.layers());
    assertEquals(List.of("c1"), readOnly.rwLayers());
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void layer_removedByAnotherAfterListing_isNotFound() throws IOException {
    commit(null, DIFF);
    MetadataStore readOnly = readOnly();
    ChainId listed = readOnly.layers().get(0);
    store.discard(store.beginRemoval(BASE));
    assertThrows(LayerNotFoundException.class, () -> readOnly.layer(listed));
  }

  // Begin and commit ------------------------------------------------------------------------------

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../x", "a/b", "a\n"})
  void begin_unsafeCacheId_isRefused(String cacheId) {
    assertThrows(IllegalArgumentException.class, () -> store.begin(cacheId));
  }

  @Test
  void begin_processGone_cacheIdIsFoundByTheNext() throws IOException {
    String cacheId = DriverIds.random();
    store.begin(cacheId);

    MetadataStore next = nextProcess();

    List<Leftover> leftovers = next.unfinishedTransactions();
    assertEquals(List.of(cacheId), cacheIds(leftovers));
    assertNull(leftovers.get(0).chainId());
    next.discard(leftovers.get(0));
    assertEquals(List.of(), next.unfinishedTransactions());
  }

  @Test
  void unfinishedTransactions_inHand_areNotListed() throws IOException {
    MetadataTransaction transaction = store.begin(DriverIds.random());
    assertEquals(List.of(), store.unfinishedTransactions());
    transaction.close();
  }

  @Test
  void close_uncommitted_leavesNothing() throws IOException {
    Path scratch;
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      writeTarSplit(transaction, TAR_SPLIT);
      scratch = transaction.scratchFile("spill");
      Files.writeString(scratch, "x");
    }
    assertEquals(List.of(), store.layers());
    assertFalse(Files.exists(scratch));
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void close_transactionTwice_doesNothing() throws IOException {
    MetadataTransaction transaction = store.begin(DriverIds.random());
    transaction.close();
    transaction.close();
    assertThrows(IllegalStateException.class, transaction::writeTarSplit);
  }

  @Test
  void postpone_transaction_isUnfinishedFromNowOn() throws IOException {
    String cacheId = DriverIds.random();
    MetadataTransaction transaction = store.begin(cacheId);
    transaction.postpone();
    transaction.postpone();
    transaction.close();
    assertEquals(List.of(cacheId), cacheIds(store.unfinishedTransactions()));
  }

  @Test
  void commit_record_isReadBack() throws IOException {
    Descriptor descriptor =
        new Descriptor("m", 5, DIFF.digest(), List.of("u"), Map.of("k", "v"), Optional.empty());
    LayerRecord base = new LayerRecord(BASE, DIFF, null, DriverIds.random(), 42, descriptor);
    LayerRecord child = record(BASE, OTHER_DIFF, DriverIds.random());
    commit(base);
    commit(child);
    assertEquals(base, store.layer(BASE));
    assertEquals(child, store.layer(CHILD));
    assertEquals(child.cacheId(), store.cacheId(CHILD));
    assertEquals(child, nextProcess().layer(CHILD));
  }

  @Test
  void commit_record_isVisibleToNobodyBefore() throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      writeTarSplit(transaction, TAR_SPLIT);
      assertEquals(List.of(), store.layers());
      assertThrows(LayerNotFoundException.class, () -> readOnly().layer(BASE));
      transaction.commit(record(null, DIFF, cacheId));
    }
    assertEquals(List.of(BASE), readOnly().layers());
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void commit_otherCacheId_isTheOneThatCounts() throws IOException {
    String other = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      writeTarSplit(transaction, TAR_SPLIT);
      transaction.commit(record(null, DIFF, other));
    }
    assertEquals(other, store.layer(BASE).cacheId());
  }

  @Test
  void commit_existingLayer_failsAndKeepsIt() throws IOException {
    String first = commit(null, DIFF);
    assertThrows(StoreCorruptedException.class, () -> commit(null, DIFF));
    assertEquals(first, store.layer(BASE).cacheId());
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void commit_withoutTarSplit_isRefused() throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      assertThrows(
          IllegalStateException.class, () -> transaction.commit(record(null, DIFF, cacheId)));
    }
    assertEquals(List.of(), store.layers());
  }

  @Test
  void commit_tarSplitNotClosed_failsAndShowsNothing() throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId);
        OutputStream out = transaction.writeTarSplit()) {
      out.write('x');
      assertThrows(
          LayerStoreException.class, () -> transaction.commit(record(null, DIFF, cacheId)));
    }
    assertEquals(List.of(), store.layers());
  }

  @Test
  void commit_again_isRefusedAndTheLayerStays() throws IOException {
    String cacheId = DriverIds.random();
    MetadataTransaction transaction = store.begin(cacheId);
    writeTarSplit(transaction, TAR_SPLIT);
    transaction.commit(record(null, DIFF, cacheId));
    transaction.close();
    assertThrows(
        IllegalStateException.class, () -> transaction.commit(record(null, DIFF, cacheId)));
    assertEquals(List.of(BASE), store.layers());
  }

  @Test
  void commit_differentLayersAtOnce_allAreThere() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Callable<String>> commits = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      DiffId diffId = new DiffId(Digest.sha256Of(new byte[] {(byte) i}));
      commits.add(() -> commit(null, diffId));
    }
    try {
      for (Future<String> commit : threads.invokeAll(commits)) {
        assertNotNull(commit.get());
      }
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    } finally {
      threads.shutdownNow();
    }
    assertEquals(16, store.layers().size());
    assertNothingUnfinished(nextProcess());
  }

  // Tar-split and scratch files -------------------------------------------------------------------

  @Test
  void tarSplit_committed_isWhatWasWritten() throws IOException {
    commit(null, DIFF);
    assertArrayEquals(TAR_SPLIT, tarSplit(BASE));
  }

  @Test
  void tarSplit_unknownLayer_isNotFound() {
    assertThrows(LayerNotFoundException.class, () -> store.tarSplit(BASE));
  }

  @Test
  void readTarSplit_beforeCommit_isWhatWasWritten() throws IOException {
    byte[] content = new byte[300_000];
    new Random(7).nextBytes(content);
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      try (OutputStream out = transaction.writeTarSplit()) {
        out.write(content, 0, 10);
        out.write(content, 10, 299_989);
        out.write(content[299_999]);
      }
      try (InputStream in = transaction.readTarSplit()) {
        assertArrayEquals(content, in.readAllBytes());
      }
    }
  }

  @Test
  void writeTarSplit_again_replacesTheFirstAtClose() throws IOException {
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      writeTarSplit(transaction, TAR_SPLIT);
      try (InputStream first = transaction.readTarSplit();
          OutputStream second = transaction.writeTarSplit()) {
        second.write('2');
        assertArrayEquals(TAR_SPLIT, first.readAllBytes());
      }
      try (InputStream in = transaction.readTarSplit()) {
        assertArrayEquals(new byte[] {'2'}, in.readAllBytes());
      }
    }
  }

  @Test
  void scratchFile_ofOneName_isOneFileAndGoneAfterTheCommit() throws IOException {
    Path file;
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      writeTarSplit(transaction, TAR_SPLIT);
      file = transaction.scratchFile("spill");
      Files.writeString(file, "x");
      assertEquals(file, transaction.scratchFile("spill"));
      transaction.commit(record(null, DIFF, DriverIds.random()));
    }
    assertFalse(Files.exists(file));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "a/b", "../../x"})
  void scratchFile_unsafeName_isRefused(String name) throws IOException {
    try (MetadataTransaction transaction = store.begin(DriverIds.random())) {
      assertThrows(IllegalArgumentException.class, () -> transaction.scratchFile(name));
    }
  }

  // Replace ---------------------------------------------------------------------------------------

  @Test
  void replace_damagedLayer_isHealed() throws IOException {
    commit(null, DIFF);
    damage(BASE);
    String cacheId = DriverIds.random();
    assertNull(replace(cacheId, cacheId, false));
    assertEquals(record(null, DIFF, cacheId), store.layer(BASE));
    assertArrayEquals("new".getBytes(UTF_8), tarSplit(BASE));
  }

  @Test
  void replace_oldFilesDropped_areUnfinishedUntilDiscarded() throws IOException {
    String old = commit(null, DIFF);
    String cacheId = DriverIds.random();
    Leftover note = replace(cacheId, cacheId, true);
    assertEquals(old, note.cacheId());
    assertEquals(List.of(), store.unfinishedTransactions());
    assertEquals(List.of(old), cacheIds(nextProcess().unfinishedTransactions()));
    store.discard(note);
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void postpone_oldFilesOfAReplacedLayer_areUnfinishedFromNowOn() throws IOException {
    String old = commit(null, DIFF);
    String cacheId = DriverIds.random();
    store.postpone(replace(cacheId, cacheId, true));
    assertEquals(List.of(old), cacheIds(store.unfinishedTransactions()));
  }

  @Test
  void replace_oldFilesKept_newOnesAreNamedUntilTheTransactionEnds() throws IOException {
    String old = commit(null, DIFF);
    String begun = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(begun)) {
      writeTarSplit(transaction, TAR_SPLIT);
      assertNull(transaction.replace(record(null, DIFF, old), true));
      assertEquals(old, store.layer(BASE).cacheId());
      assertEquals(List.of(begun), cacheIds(nextProcess().unfinishedTransactions()));
    }
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void replace_thirdCacheId_isTaken() throws IOException {
    String old = commit(null, DIFF);
    String third = DriverIds.random();
    assertEquals(old, replace(DriverIds.random(), third, true).cacheId());
    assertEquals(third, store.layer(BASE).cacheId());
  }

  @Test
  void replace_unknownLayer_isNotFoundAndTheTransactionGoesOn() throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      writeTarSplit(transaction, TAR_SPLIT);
      LayerRecord record = record(null, DIFF, cacheId);
      assertThrows(LayerNotFoundException.class, () -> transaction.replace(record, true));
      transaction.commit(record);
    }
    assertEquals(cacheId, store.layer(BASE).cacheId());
  }

  @Test
  void commit_afterReplace_isRefused() throws IOException {
    commit(null, DIFF);
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      writeTarSplit(transaction, TAR_SPLIT);
      LayerRecord record = record(null, DIFF, cacheId);
      transaction.replace(record, false);
      assertThrows(IllegalStateException.class, () -> transaction.commit(record));
    }
  }

  // Layers ----------------------------------------------------------------------------------------

  @Test
  void layers_several_areSorted() throws IOException {
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    commit(null, OTHER_DIFF);
    List<ChainId> sorted =
        new ArrayList<>(List.of(BASE, CHILD, ChainId.of((ChainId) null, OTHER_DIFF)));
    sorted.sort(null);
    assertEquals(sorted, store.layers());
  }

  @Test
  void layer_unknown_isNotFound() {
    assertThrows(LayerNotFoundException.class, () -> store.layer(BASE));
    assertThrows(LayerNotFoundException.class, () -> store.cacheId(BASE));
  }

  @Test
  void layer_damaged_isListedAndCorrupted() throws IOException {
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    damage(CHILD);
    assertTrue(store.layers().contains(CHILD));
    assertThrows(StoreCorruptedException.class, () -> store.layer(CHILD));
    assertEquals(BASE, store.layer(BASE).chainId());
  }

  @Test
  void parentOf_damaged_isToldIfAtAll() throws IOException {
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    damage(CHILD);
    ChainId parent = store.parentOf(CHILD);
    assertTrue(parent == null || parent.equals(BASE), () -> "parent: " + parent);
    assertNull(store.parentOf(BASE));
  }

  // Removal ---------------------------------------------------------------------------------------

  @Test
  void beginRemoval_layer_isHiddenAndNamed() throws IOException {
    String cacheId = commit(null, DIFF);
    Leftover leftover = store.beginRemoval(BASE);
    assertEquals(BASE, leftover.chainId());
    assertEquals(cacheId, leftover.cacheId());
    assertEquals(List.of(), store.layers());
    assertThrows(LayerNotFoundException.class, () -> store.layer(BASE));
    assertEquals(List.of(leftover), store.unfinishedRemovals());
    assertEquals(List.of(leftover), nextProcess().unfinishedRemovals());
  }

  @Test
  void beginRemoval_damaged_isHidden() throws IOException {
    commit(null, DIFF);
    damage(BASE);
    store.discard(store.beginRemoval(BASE));
    assertEquals(List.of(), store.layers());
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void beginRemoval_unknown_isNotFound() {
    assertThrows(LayerNotFoundException.class, () -> store.beginRemoval(BASE));
  }

  @Test
  void commit_whileTheOldOneIsOnItsWayOut_isAnotherLayer() throws IOException {
    String old = commit(null, DIFF);
    Leftover removed = store.beginRemoval(BASE);
    String second = commit(null, DIFF);
    assertEquals(old, removed.cacheId());
    store.discard(removed);
    assertEquals(second, store.layer(BASE).cacheId());
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void unfinishedRemovals_filesThatAVisibleLayerStandsOn_areNotHandedOut() throws IOException {
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    Leftover base = store.beginRemoval(BASE);
    assertEquals(List.of(new Leftover(base.key(), BASE, null)), nextProcess().unfinishedRemovals());
  }

  @Test
  void unfinishedRemovals_filesThatAReadWriteLayerStandsOn_areNotHandedOut() throws IOException {
    commit(null, DIFF);
    createRWLayer("c1");
    Leftover base = store.beginRemoval(BASE);
    assertEquals(List.of(new Leftover(base.key(), BASE, null)), nextProcess().unfinishedRemovals());
  }

  @Test
  void unfinishedRemovals_layerRegisteredAgainSince_hasItsOldFilesHandedOut() throws IOException {
    String old = commit(null, DIFF);
    Leftover orphan = store.beginRemoval(BASE);
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    assertEquals(
        List.of(new Leftover(orphan.key(), BASE, old)), nextProcess().unfinishedRemovals());
  }

  @Test
  void discard_again_isHarmless() throws IOException {
    commit(null, DIFF);
    Leftover leftover = store.beginRemoval(BASE);
    store.discard(leftover);
    store.discard(leftover);
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void discard_oneOfTwo_leavesTheOther() throws IOException {
    commit(null, DIFF);
    commit(BASE, OTHER_DIFF);
    store.discard(store.beginRemoval(CHILD));
    assertEquals(List.of(BASE), store.layers());
  }

  // Read-write layers -----------------------------------------------------------------------------

  @Test
  void commitRWLayer_record_isReadBack() throws IOException {
    RWLayerRecord whole = createRWLayer("c2");
    RWLayerRecord bare = new RWLayerRecord("c1", DriverIds.random(), null, null);
    store.commitRWLayer(store.beginRWLayer(bare));
    assertEquals(List.of("c1", "c2"), store.rwLayers());
    assertEquals(whole, store.rwLayer("c2"));
    assertEquals(bare, nextProcess().rwLayer("c1"));
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void commitRWLayer_nameTaken_failsAndKeepsBoth() throws IOException {
    RWLayerRecord first = createRWLayer("c1");
    RWLayerRecord second = rwRecord("c1");
    UnfinishedRWLayer begun = store.beginRWLayer(second);
    NameConflictException e =
        assertThrows(NameConflictException.class, () -> store.commitRWLayer(begun));
    assertEquals("c1", e.name());
    assertEquals(first, store.rwLayer("c1"));
    assertEquals(List.of(begun), nextProcess().unfinishedRWLayers());
    store.discardRWLayer(begun);
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void commitRWLayer_notBegun_isRefused() {
    UnfinishedRWLayer unknown = new UnfinishedRWLayer("mount-set-1", List.of());
    assertThrows(IllegalArgumentException.class, () -> store.commitRWLayer(unknown));
  }

  @Test
  void beginRWLayer_uncommitted_isInvisible() throws IOException {
    RWLayerRecord record = rwRecord("c1");
    UnfinishedRWLayer begun = store.beginRWLayer(record);
    assertEquals(List.of(record.mountId(), record.mountId() + "-init"), begun.driverIds());
    assertEquals(List.of(), store.rwLayers());
    assertThrows(RWLayerNotFoundException.class, () -> store.rwLayer("c1"));
    assertEquals(List.of(), store.unfinishedRWLayers());
    store.discardRWLayer(begun);
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void beginRWLayer_processGone_driverIdsAreFoundByTheNext() throws IOException {
    UnfinishedRWLayer begun = store.beginRWLayer(rwRecord("c1"));
    MetadataStore next = nextProcess();
    assertEquals(List.of(begun), next.unfinishedRWLayers());
    next.discardRWLayer(begun);
    assertEquals(List.of(), next.unfinishedRWLayers());
  }

  @Test
  void postponeRWLayer_begun_isUnfinishedFromNowOn() throws IOException {
    UnfinishedRWLayer begun = store.beginRWLayer(rwRecord("c1"));
    store.postponeRWLayer(begun);
    assertEquals(List.of(begun), store.unfinishedRWLayers());
    store.discardRWLayer(begun);
    assertEquals(List.of(), store.unfinishedRWLayers());
  }

  @Test
  void beginRWLayerRemoval_rwLayer_isHiddenAndNamed() throws IOException {
    RWLayerRecord record = createRWLayer("c1");
    UnfinishedRWLayer removal = store.beginRWLayerRemoval("c1");
    assertEquals(List.of(record.mountId(), record.mountId() + "-init"), removal.driverIds());
    assertEquals(List.of(), store.rwLayers());
    assertEquals(List.of(), store.unfinishedRWLayers());
    assertEquals(List.of(removal), nextProcess().unfinishedRWLayers());
    store.discardRWLayer(removal);
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void beginRWLayerRemoval_thenCommitted_isBack() throws IOException {
    RWLayerRecord record = createRWLayer("c1");
    store.commitRWLayer(store.beginRWLayerRemoval("c1"));
    assertEquals(record, store.rwLayer("c1"));
    assertNothingUnfinished(nextProcess());
  }

  @Test
  void beginRWLayerRemoval_nameFree_mayBeTakenAtOnce() throws IOException {
    createRWLayer("c1");
    UnfinishedRWLayer removal = store.beginRWLayerRemoval("c1");
    RWLayerRecord second = createRWLayer("c1");
    assertThrows(NameConflictException.class, () -> store.commitRWLayer(removal));
    store.discardRWLayer(removal);
    assertEquals(second, store.rwLayer("c1"));
  }

  @Test
  void rwLayer_unknown_isNotFound() {
    assertThrows(RWLayerNotFoundException.class, () -> store.rwLayer("c1"));
    assertThrows(RWLayerNotFoundException.class, () -> store.beginRWLayerRemoval("c1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", ".", "a/b", "-x", "a\0", "\u00e4"})
  void rwLayer_invalidName_isRefused(String name) {
    assertThrows(IllegalArgumentException.class, () -> store.rwLayer(name));
    assertThrows(IllegalArgumentException.class, () -> store.beginRWLayerRemoval(name));
  }

  @Test
  void rwLayer_nameOf10KiB_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> store.rwLayer("a".repeat(10 << 10)));
  }

  @Test
  void rwLayer_damaged_isListedAndCorruptedAndKeepsItsParent() throws IOException {
    commit(null, DIFF);
    createRWLayer("c1");
    damage("c1");
    assertEquals(List.of("c1"), store.rwLayers());
    assertThrows(StoreCorruptedException.class, () -> store.rwLayer("c1"));
    ChainId parent = store.parentOfRWLayer("c1");
    assertTrue(parent == null || parent.equals(BASE), () -> "parent: " + parent);
  }

  @Test
  void beginRWLayerRemoval_damaged_handsOutNoMalformedId() throws IOException {
    RWLayerRecord record = createRWLayer("c1");
    damage("c1");
    UnfinishedRWLayer removal = store.beginRWLayerRemoval("c1");
    assertTrue(
        List.of(record.mountId(), record.mountId() + "-init").containsAll(removal.driverIds()),
        removal::toString);
    store.discardRWLayer(removal);
    assertEquals(List.of(), store.rwLayers());
    assertNothingUnfinished(nextProcess());
  }
}
