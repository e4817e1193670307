package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.InvalidImageException;
import io.layerstore.Limits;
import io.layerstore.core.layer.LayerBatch;
import io.layerstore.core.tar.ExpandedContent;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.spi.FileContent;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A tar that can be read once.
 *
 * <p>Small members are kept in memory. A large one that comes after all documents is known to be a
 * layer that is wanted or not: it is unpacked as it comes, or passed over. Only what comes before
 * (and most writers put the documents last), what is needed twice, and what must wait for the
 * layers below it is spooled.
 */
final class StreamedArchive {

  /** What is small: documents, nearly always. */
  private static final int SMALL_BYTES = 1 << 20;

  /** How much of what is small is kept in memory. */
  private static final long MEMORY_BYTES = 8L << 20;

  /** Documents that are read in the end, too. */
  private static final Set<String> READ_LATE = Set.of(Contents.MANIFEST, Contents.LAYOUT);

  private final TarMembers members = new TarMembers();
  private final LayerBatch batch;
  private final Spool spool;
  private final Wanted wanted;
  private final Limits limits;
  private @Nullable LoadPlan plan;
  private boolean isPlanByManifest;
  private @Nullable String awaited;
  private long memoryBytes;

  StreamedArchive(LayerBatch batch, Spool spool, Wanted wanted, Limits limits) {
    this.batch = batch;
    this.spool = spool;
    this.wanted = wanted;
    this.limits = limits;
  }

  /** The members that are kept. */
  Members members() {
    return members;
  }

  /** Reads {@code tar} to its end, and unpacks what it can on the way. */
  LoadPlan read(InputStream tar, Limits tarLimits) throws IOException {
    members.walk(tar, tarLimits, this::keep);
    LoadPlan early = plan;
    if (early == null) {
      return new LoadPlan(Contents.read(members, wanted, limits), batch);
    }
    requireSameImages(early);
    return early;
  }

  private Members.Node keep(String path, TarHeader header, TarReader reader) throws IOException {
    long size = header.storedSize();
    if (path.equals(Contents.MANIFEST)) {
      // Before it is read: it would be refused in the end.
      Members.requireDocumentSize(path, size, Contents.MAX_LIST_BYTES);
    }
    if (size <= SMALL_BYTES && memoryBytes + size <= MEMORY_BYTES) {
      memoryBytes += size;
      return new Members.File(Blob.of(reader.payload().readNBytes(SMALL_BYTES)));
    }
    LoadPlan known = plan();
    if (known != null && !READ_LATE.contains(path)) {
      List<ChainId> held = known.heldBy(path, members);
      if (held.isEmpty()) {
        reader.skipPayload();
        return new Members.Passed();
      }
      if (held.size() == 1 && batch.isReady(held.get(0))) {
        unpack(known, held.get(0), header, reader);
        return new Members.Passed();
      }
    }
    return new Members.File(spool.add(reader.payload()));
  }

  private void unpack(LoadPlan known, ChainId chainId, TarHeader header, TarReader reader)
      throws IOException {
    ArchivedLayer layer = known.layer(chainId);
    BlobDescriptor expected = layer.place().expected();
    if (expected != null) {
      expected.requireSize(header.size());
    }
    List<FileContent.Extent> extents = header.extents();
    InputStream content =
        extents == null
            ? reader.payload()
            : new ExpandedContent(reader.payload(), extents, header.size());
    batch.unpack(chainId, LayerBlob.verified(layer, content));
    known.done(chainId);
  }

  /** The plan, as soon as all documents for it are there. */
  private @Nullable LoadPlan plan() throws IOException {
    if (plan == null && (awaited == null || members.has(awaited))) {
      boolean isByManifest = members.has(Contents.MANIFEST);
      try {
        Contents contents = Contents.readEarly(members, wanted, limits);
        if (contents != null) {
          isPlanByManifest = isByManifest;
          plan = new LoadPlan(contents, batch);
        }
      } catch (MissingMemberException e) {
        awaited = e.path();
      }
    }
    return plan;
  }

  /**
   * The images were those of {@code index.json}, because nothing else was there; {@code
   * manifest.json} counts for more, so it must not say otherwise.
   */
  private void requireSameImages(LoadPlan early) throws IOException {
    if (isPlanByManifest || !members.has(Contents.MANIFEST)) {
      return;
    }
    Set<ImageId> listed = ids(Contents.read(members, wanted, limits));
    if (!ids(early.contents()).equals(listed)) {
      throw new InvalidImageException(
          "the archive's "
              + Contents.INDEX
              + " and "
              + Contents.MANIFEST
              + " list different images, and the first came before the layers; load it from a file"
              + " in place of a stream");
    }
  }

  private static Set<ImageId> ids(Contents contents) {
    return contents.images().stream().map(ArchivedImage::id).collect(Collectors.toSet());
  }
}
