package io.layerstore.testing;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/**
 * A metadata store in memory: shows that the contract asks for no files. What it keeps outlives it,
 * in {@link Memory}, as a disk does.
 */
final class MemoryMetadataStore implements MetadataStore {

  /** A layer's facts and its tar-split. */
  record Kept(LayerRecord facts, ByteString tarSplit) {}

  /** What every process sees; its monitor guards it. */
  static final class Memory {
    final Map<ChainId, Kept> layers = new TreeMap<>();
    final Map<String, RWLayerRecord> rwLayers = new TreeMap<>();
    final Map<String, Leftover> removals = new TreeMap<>();
    final Map<String, Leftover> transactions = new TreeMap<>();
    final Map<String, RWLayerRecord> unfinishedRWLayers = new TreeMap<>();
    final Set<Object> damaged = new HashSet<>();
    private int keys;

    String newKey() {
      keys++;
      return "key-" + keys;
    }
  }

  private final Memory memory;
  private final Path scratch;
  private final boolean isReadOnly;
  private final Set<String> inHand = new HashSet<>();
  private boolean isClosed;

  /** Opens what is in {@code memory}; {@code scratch} is a directory for temporary files. */
  MemoryMetadataStore(Memory memory, Path scratch, boolean isReadOnly) {
    this.memory = memory;
    this.scratch = scratch;
    this.isReadOnly = isReadOnly;
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("closed");
    }
  }

  private void requireWritable() throws LayerStoreException {
    requireOpen();
    if (isReadOnly) {
      throw new ReadOnlyStoreException(scratch);
    }
  }

  private Kept kept(ChainId chainId) throws LayerStoreException {
    Kept kept = memory.layers.get(chainId);
    if (kept == null) {
      throw new LayerNotFoundException(chainId.toString());
    }
    return kept;
  }

  @Override
  public MetadataTransaction begin(String cacheId) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      DriverIds.requireValid(cacheId);
      String key = memory.newKey();
      memory.transactions.put(key, new Leftover(key, null, cacheId));
      inHand.add(key);
      return new Transaction(key);
    }
  }

  @Override
  public List<ChainId> layers() {
    synchronized (memory) {
      requireOpen();
      return List.copyOf(memory.layers.keySet());
    }
  }

  @Override
  public LayerRecord layer(ChainId chainId) throws LayerStoreException {
    synchronized (memory) {
      requireOpen();
      LayerRecord facts = kept(chainId).facts();
      if (memory.damaged.contains(chainId)) {
        throw new StoreCorruptedException(chainId.toString(), "damaged");
      }
      return facts;
    }
  }

  @Override
  public InputStream tarSplit(ChainId chainId) throws LayerStoreException {
    synchronized (memory) {
      requireOpen();
      return new ByteArrayInputStream(kept(chainId).tarSplit().toByteArray());
    }
  }

  @Override
  public Leftover beginRemoval(ChainId chainId) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      LayerRecord facts = kept(chainId).facts();
      memory.layers.remove(chainId);
      memory.damaged.remove(chainId);
      Leftover leftover = new Leftover(memory.newKey(), chainId, facts.cacheId());
      memory.removals.put(leftover.key(), leftover);
      return leftover;
    }
  }

  @Override
  public List<Leftover> unfinishedRemovals() {
    synchronized (memory) {
      requireOpen();
      Set<ChainId> needed = new TreeSet<>();
      memory.layers.values().forEach(kept -> addIfThere(needed, kept.facts().parent()));
      memory.rwLayers.values().forEach(rwLayer -> addIfThere(needed, rwLayer.parent()));
      needed.removeAll(memory.layers.keySet());
      List<Leftover> leftovers = new ArrayList<>();
      for (Leftover leftover : memory.removals.values()) {
        boolean isNeeded = needed.contains(leftover.chainId());
        leftovers.add(isNeeded ? new Leftover(leftover.key(), leftover.chainId(), null) : leftover);
      }
      return leftovers;
    }
  }

  private static void addIfThere(Set<ChainId> needed, ChainId parent) {
    if (parent != null) {
      needed.add(parent);
    }
  }

  @Override
  public List<Leftover> unfinishedTransactions() {
    synchronized (memory) {
      requireOpen();
      return memory.transactions.values().stream()
          .filter(leftover -> !inHand.contains(leftover.key()))
          .toList();
    }
  }

  @Override
  public void discard(Leftover leftover) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      memory.removals.remove(leftover.key());
      memory.transactions.remove(leftover.key());
      inHand.remove(leftover.key());
    }
  }

  @Override
  public void postpone(Leftover leftover) {
    synchronized (memory) {
      inHand.remove(leftover.key());
    }
  }

  @Override
  public ChainId parentOf(ChainId chainId) throws LayerStoreException {
    synchronized (memory) {
      requireOpen();
      return kept(chainId).facts().parent();
    }
  }

  @Override
  public List<String> rwLayers() {
    synchronized (memory) {
      requireOpen();
      return List.copyOf(memory.rwLayers.keySet());
    }
  }

  private RWLayerRecord keptRWLayer(String name) throws LayerStoreException {
    RWLayerRecord.requireValidName(name);
    RWLayerRecord rwLayer = memory.rwLayers.get(name);
    if (rwLayer == null) {
      throw new RWLayerNotFoundException(name);
    }
    return rwLayer;
  }

  @Override
  public RWLayerRecord rwLayer(String name) throws LayerStoreException {
    synchronized (memory) {
      requireOpen();
      RWLayerRecord rwLayer = keptRWLayer(name);
      if (memory.damaged.contains(name)) {
        throw new StoreCorruptedException(name, "damaged");
      }
      return rwLayer;
    }
  }

  @Override
  public ChainId parentOfRWLayer(String name) throws LayerStoreException {
    synchronized (memory) {
      requireOpen();
      return keptRWLayer(name).parent();
    }
  }

  private UnfinishedRWLayer unfinished(String key, RWLayerRecord rwLayer) {
    List<String> ids = new ArrayList<>(List.of(rwLayer.mountId()));
    if (rwLayer.initId() != null) {
      ids.add(rwLayer.initId());
    }
    return new UnfinishedRWLayer(key, List.copyOf(ids));
  }

  @Override
  public UnfinishedRWLayer beginRWLayer(RWLayerRecord rwLayer) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      String key = memory.newKey();
      memory.unfinishedRWLayers.put(key, rwLayer);
      inHand.add(key);
      return unfinished(key, rwLayer);
    }
  }

  @Override
  public void commitRWLayer(UnfinishedRWLayer begun) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      RWLayerRecord rwLayer = memory.unfinishedRWLayers.get(begun.key());
      if (rwLayer == null) {
        throw new IllegalArgumentException("nothing was begun as " + begun.key());
      }
      if (memory.rwLayers.containsKey(rwLayer.name())) {
        throw NameConflictException.ofRWLayer(rwLayer.name());
      }
      memory.rwLayers.put(rwLayer.name(), rwLayer);
      discardRWLayer(begun);
    }
  }

  @Override
  public void discardRWLayer(UnfinishedRWLayer begun) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      memory.unfinishedRWLayers.remove(begun.key());
      inHand.remove(begun.key());
    }
  }

  @Override
  public void postponeRWLayer(UnfinishedRWLayer begun) {
    synchronized (memory) {
      inHand.remove(begun.key());
    }
  }

  @Override
  public List<UnfinishedRWLayer> unfinishedRWLayers() {
    synchronized (memory) {
      requireOpen();
      return memory.unfinishedRWLayers.entrySet().stream()
          .filter(entry -> !inHand.contains(entry.getKey()))
          .map(entry -> unfinished(entry.getKey(), entry.getValue()))
          .toList();
    }
  }

  @Override
  public UnfinishedRWLayer beginRWLayerRemoval(String name) throws LayerStoreException {
    synchronized (memory) {
      requireWritable();
      RWLayerRecord rwLayer = keptRWLayer(name);
      memory.rwLayers.remove(name);
      memory.damaged.remove(name);
      return beginRWLayer(rwLayer);
    }
  }

  @Override
  public void close() {
    isClosed = true;
  }

  /** One layer that is being made. */
  private final class Transaction implements MetadataTransaction {
    private final String key;
    private final Map<String, Path> scratchFiles = new TreeMap<>();
    private byte[] tarSplit;
    private boolean isBeingWritten;
    private boolean isReplaced;
    private boolean hasEnded;

    Transaction(String key) {
      this.key = key;
    }

    private void requireGoingOn() {
      if (hasEnded) {
        throw new IllegalStateException("ended");
      }
    }

    @Override
    public OutputStream writeTarSplit() {
      requireGoingOn();
      isBeingWritten = true;
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try {
        return new GZIPOutputStream(bytes) {
          @Override
          public void close() throws IOException {
            super.close();
            tarSplit = bytes.toByteArray();
            isBeingWritten = false;
          }
        };
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public InputStream readTarSplit() throws LayerStoreException {
      requireGoingOn();
      try {
        return new GZIPInputStream(new ByteArrayInputStream(tarSplit));
      } catch (IOException e) {
        throw new LayerStoreException("read the tar-split", e);
      }
    }

    @Override
    public Path scratchFile(String name) {
      return scratchFiles.computeIfAbsent(
          DriverIds.requireValid(name), valid -> scratch.resolve(key + "-" + valid));
    }

    private Kept finished(LayerRecord record) throws LayerStoreException {
      requireGoingOn();
      if (isReplaced) {
        throw new IllegalStateException("a layer was replaced already");
      }
      if (isBeingWritten) {
        throw new LayerStoreException("the tar-split is not closed");
      }
      if (tarSplit == null) {
        throw new IllegalStateException("there is no tar-split");
      }
      return new Kept(record, ByteString.of(tarSplit));
    }

    @Override
    public void commit(LayerRecord record) throws LayerStoreException {
      synchronized (memory) {
        Kept kept = finished(record);
        if (memory.layers.putIfAbsent(record.chainId(), kept) != null) {
          throw new StoreCorruptedException(record.chainId().toString(), "there already");
        }
        close();
      }
    }

    @Override
    public Leftover replace(LayerRecord record, boolean dropsOldFiles) throws LayerStoreException {
      synchronized (memory) {
        Kept kept = finished(record);
        String old = kept(record.chainId()).facts().cacheId();
        memory.layers.put(record.chainId(), kept);
        memory.damaged.remove(record.chainId());
        isReplaced = true;
        String begun = Objects.requireNonNull(memory.transactions.get(key)).cacheId();
        if (record.cacheId().equals(begun)) {
          memory.transactions.remove(key);
        }
        if (!dropsOldFiles || old.equals(record.cacheId())) {
          return null;
        }
        Leftover note = new Leftover(memory.newKey(), null, old);
        memory.transactions.put(note.key(), note);
        inHand.add(note.key());
        return note;
      }
    }

    @Override
    public void postpone() {
      synchronized (memory) {
        if (!hasEnded) {
          hasEnded = true;
          inHand.remove(key);
        }
      }
    }

    @Override
    public void close() throws LayerStoreException {
      synchronized (memory) {
        if (hasEnded) {
          return;
        }
        hasEnded = true;
        memory.transactions.remove(key);
        inHand.remove(key);
      }
      try {
        for (Path file : scratchFiles.values()) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        throw new LayerStoreException("remove a temporary file", e);
      }
    }
  }
}
