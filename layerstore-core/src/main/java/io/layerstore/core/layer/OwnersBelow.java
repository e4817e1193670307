package io.layerstore.core.layer;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.tar.EntryMapper;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.core.tarsplit.EntryReader;
import io.layerstore.core.tarsplit.HeadersStream;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A difference in which what exists below keeps the owner that the layers below record for it.
 *
 * <p>For drivers whose files may belong to somebody in place of their owner: an ordinary user gives
 * no file away, so that a file whose content was changed, and every directory on the way to it,
 * would go out as root's. An owner is taken from the record if the file exists below and has there,
 * on the disk, the owner that it has now: whoever changed it did not change that.
 *
 * <p>The record is read when it is first needed. It takes memory only for entries that do not
 * belong to root. Used by one thread at a time.
 */
public final class OwnersBelow implements TreeReader {

  private static final Logger log = LoggerFactory.getLogger(OwnersBelow.class);

  private final StoreContext store;
  private final TreeReader difference;
  private final RoLayer below;
  private final @Nullable String treeId;
  private @Nullable Map<LayerPath, Owner> recorded;
  private @Nullable LayerTree tree;

  private record Owner(long uid, long gid) {}

  private OwnersBelow(
      StoreContext store, TreeReader difference, RoLayer below, @Nullable String treeId) {
    this.store = store;
    this.difference = difference;
    this.below = below;
    this.treeId = treeId;
  }

  /**
   * The difference between the read-write layer and the layers below it.
   *
   * @param difference the same with the owners on the disk, closed with this
   */
  public static TreeReader of(StoreContext store, MountedLayer layer, TreeReader difference) {
    RoLayer parent = layer.parent();
    return parent == null || !store.driver().hasStandInOwners()
        ? difference
        : new OwnersBelow(store, difference, parent, layer.driverParent());
  }

  /**
   * The difference between a layer and one below it, with the owners that the layer and those below
   * it record.
   *
   * @param difference the same with the owners on the disk, closed with this
   */
  public static TreeReader of(StoreContext store, RoLayer layer, TreeReader difference) {
    return store.driver().hasStandInOwners()
        ? new OwnersBelow(store, difference, layer, null)
        : difference;
  }

  @Override
  public @Nullable TreeEntry next() throws LayerStoreException {
    TreeEntry entry = difference.next();
    if (entry == null || entry.type() == EntryType.WHITEOUT) {
      return entry;
    }
    LayerPath path = entry.linkTarget() == null ? entry.path() : entry.linkTarget();
    Owner owner = recorded().get(path);
    if (owner == null || isOwner(owner, entry) || !hasOwnerOfBelow(path, entry)) {
      return entry;
    }
    return entry.withAttributes(entry.attributes().withOwner(owner.uid, owner.gid));
  }

  private static boolean isOwner(Owner owner, TreeEntry entry) {
    return owner.uid == entry.attributes().uid() && owner.gid == entry.attributes().gid();
  }

  private boolean hasOwnerOfBelow(LayerPath path, TreeEntry entry) throws LayerStoreException {
    if (treeId == null) {
      return true;
    }
    if (tree == null) {
      tree = store.driver().tree(treeId);
    }
    TreeEntry old = tree.find(path).map(LayerTree.Node::entry).orElse(null);
    return old != null
        && isDirectory(old) == isDirectory(entry)
        && old.attributes().uid() == entry.attributes().uid()
        && old.attributes().gid() == entry.attributes().gid();
  }

  private static boolean isDirectory(TreeEntry entry) {
    return entry.type() == EntryType.DIRECTORY || entry.type() == EntryType.OPAQUE;
  }

  @Override
  public InputStream content() throws LayerStoreException {
    return difference.content();
  }

  @Override
  public void close() throws LayerStoreException {
    try (difference) {
      if (tree != null) {
        tree.close();
      }
    }
  }

  /**
   * Who does not belong to root, of all that the layers record; upper layers have the last word.
   */
  private Map<LayerPath, Owner> recorded() throws LayerStoreException {
    Map<LayerPath, Owner> known = recorded;
    if (known == null) {
      known = new HashMap<>();
      Deque<RoLayer> chain = new ArrayDeque<>();
      for (RoLayer layer = below; layer != null; layer = layer.parent()) {
        chain.push(layer);
      }
      for (RoLayer layer : chain) {
        read(layer, known);
      }
      recorded = known;
    }
    return known;
  }

  private void read(RoLayer layer, Map<LayerPath, Owner> known) throws LayerStoreException {
    String file = "the tar-split of " + layer.chainId();
    EntryMapper mapper = new EntryMapper(Limits.NONE, store.driver().traits().executesWhiteouts());
    try (InputStream compressed = store.metadata().tarSplit(layer.chainId());
        InputStream archive =
            new HeadersStream(new EntryReader(Decompression.open(compressed, Limits.NONE), file))) {
      TarReader reader = new TarReader(archive, Limits.NONE, TarReader.RawBytes.NONE);
      for (TarHeader header = reader.next(); header != null; header = reader.next()) {
        note(mapper.map(header), header, known);
        reader.skipPayload();
      }
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw Interrupts.translate("reading the owners in layer " + layer.chainId(), e);
      }
      // The change must not be lost for the owners of what it left alone.
      log.warn(
          "cannot read the owners that layer {} records; changed files of it are exported with the"
              + " owners on the disk: {}",
          layer.chainId(),
          e.getMessage());
    }
  }

  private static void note(MappedEntry mapped, TarHeader header, Map<LayerPath, Owner> known) {
    if (header.isGlobalHeader() || mapped.kind() != MappedEntry.Kind.ENTRY) {
      return;
    }
    boolean isNamed =
        header.uid() >= 0
            && header.uid() <= Attributes.MAX_ID
            && header.gid() >= 0
            && header.gid() <= Attributes.MAX_ID;
    if (!isNamed || (header.uid() == 0 && header.gid() == 0)) {
      known.remove(mapped.path());
    } else {
      known.put(mapped.path(), new Owner(header.uid(), header.gid()));
    }
  }
}
