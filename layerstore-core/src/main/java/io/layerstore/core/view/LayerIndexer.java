package io.layerstore.core.view;

import static java.util.Objects.requireNonNull;

import io.layerstore.Limits;
import io.layerstore.core.tar.EntryMapper;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.core.tarsplit.Crc64;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.HeadersStream;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.Closing;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes an index of layers, each in one pass over its headers, the lowest first. Used by one
 * thread.
 *
 * <p>Archives mean what they mean to Docker's overlay2, whatever driver has unpacked them.
 */
public final class LayerIndexer implements Closeable {

  private static final String OPERATION = "indexing a layer";

  private final Index index;
  private final List<LayerContents> contents = new ArrayList<>();

  /** Where in the archive the content of the last file is kept by the tar-split, or -1. */
  private long rawAt = -1;

  private final byte[] buffer = new byte[64 << 10];

  /** An index without layers. */
  public LayerIndexer() {
    this(false);
  }

  /**
   * An index without layers.
   *
   * @param isPartial whether there are layers below those that are added
   */
  LayerIndexer(boolean isPartial) {
    this.index = new Index(isPartial);
  }

  /** Adds a layer that is in a store. */
  public void add(StoredLayer layer) throws IOException {
    DriverContents files = new DriverContents(layer.files(), layer);
    contents.add(files);
    try (InputStream compressed = layer.headers().open();
        HeadersStream split = layer.archive(compressed)) {
      addEntries(
          new Index.Layer(layer.diffId(), layer.chainId()),
          new TarReader(split, Limits.NONE, TarReader.RawBytes.NONE),
          Limits.NONE,
          (header, reader) -> checksum(header, reader, split),
          (node, header, entry, isThroughLink) -> {
            if (isThroughLink) {
              files.addName(node, entry.path());
            }
            if (rawAt >= 0) {
              files.addRaw(node, rawAt);
            }
          });
    }
  }

  /** Adds a layer of an archive, which must stay where it is. */
  public void add(ArchivedLayer layer, Limits limits) throws IOException {
    ArchivedLayer.Contents files = new ArchivedLayer.Contents(layer.archive());
    contents.add(files);
    try (InputStream archive = layer.archive().open()) {
      addEntries(
          new Index.Layer(layer.diffId(), layer.chainId()),
          new TarReader(archive, limits, TarReader.RawBytes.NONE),
          limits,
          (header, reader) -> {
            long place = reader.position();
            if (header.extents() != null) {
              files.addMap(place, header.extents());
            }
            return place;
          },
          (node, header, entry, isThroughLink) -> {});
    }
  }

  /** Tells what the index is to know of the content of a file, which comes next. */
  @FunctionalInterface
  private interface Places {
    long of(TarHeader header, TarReader reader) throws IOException;
  }

  /** Takes note of a file that was added. */
  @FunctionalInterface
  private interface Notes {
    void file(int node, TarHeader header, TreeEntry entry, boolean isThroughLink);
  }

  private void addEntries(
      Index.Layer layer, TarReader reader, Limits limits, Places places, Notes notes)
      throws IOException {
    LayerTreeBuilder tree = new LayerTreeBuilder(index, layer);
    EntryMapper mapper = new EntryMapper(limits, false);
    for (TarHeader header = reader.next(); header != null; header = reader.next()) {
      Interrupts.check(OPERATION);
      MappedEntry mapped = mapper.map(header);
      if (mapped.kind() == MappedEntry.Kind.ENTRY) {
        TreeEntry entry = requireNonNull(mapped.tree());
        boolean isFile = entry.type() == EntryType.FILE;
        long place = isFile ? places.of(header, reader) : 0;
        int node = tree.add(entry, place, isFile && header.isSparse() ? Index.UNCHECKED : 0);
        if (isFile) {
          notes.file(node, header, entry, tree.isThroughLink());
        }
      }
      reader.skipPayload();
    }
    tree.finish();
  }

  private long checksum(TarHeader header, TarReader reader, HeadersStream split)
      throws IOException {
    rawAt = -1;
    if (header.storedSize() == 0 || header.isSparse()) {
      return 0;
    }
    FileEntry file = split.given() == reader.position() ? split.nextFile() : null;
    if (file != null && file.sizeBytes() == header.storedSize()) {
      return file.crc();
    }
    // A later entry of the archive destroyed the content, which stands among the headers.
    rawAt = reader.position();
    Crc64 crc = new Crc64();
    InputStream payload = reader.payload(crc);
    int count;
    do {
      count = payload.read(buffer, 0, buffer.length);
    } while (count >= 0);
    return crc.getValue();
  }

  /** Adds a layer as its files are now. Closes {@code entries}. */
  public void add(TreeReader entries, StoredLayer.Files files) throws IOException {
    contents.add(new DriverContents(files, null));
    LayerTreeBuilder tree = new LayerTreeBuilder(index, new Index.Layer(null, null));
    try (entries) {
      for (TreeEntry entry = entries.next(); entry != null; entry = entries.next()) {
        Interrupts.check(OPERATION);
        tree.add(entry, 0, Index.UNCHECKED);
      }
    }
    tree.finish();
  }

  /** The file system that shows the layers. Takes over what this has open. */
  public ViewFileSystem view(ViewSettings settings) {
    return new ViewFileSystem(shown(0, settings.onlyTop()), null, settings);
  }

  /** What is known of the layers; {@code below} those there are more. */
  Shown shown(int below, boolean onlyTop) {
    if (index.layers().isEmpty()) {
      new LayerTreeBuilder(index, new Index.Layer(null, null)).finish();
    }
    Merger.merge(index);
    index.trim();
    return new Shown(index, List.copyOf(contents), below, onlyTop);
  }

  @Override
  public void close() throws IOException {
    Closing.all(contents);
  }
}
