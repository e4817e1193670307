package io.layerstore.core.layerdb;

import io.layerstore.ChainId;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.driver.FileStamp;
import io.layerstore.driver.LayerIndex;
import io.layerstore.driver.ManyLooks;
import io.layerstore.spi.LayerRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the records of all layers at once: those that have not changed since the index was written
 * from that, the others from their files, many at a time.
 */
final class AllLayers {

  private static final Logger log = LoggerFactory.getLogger(AllLayers.class);

  /** What an entry of the index has a bit for: is the file there, beginning with the lowest. */
  private static final List<String> PARTS =
      List.of(
          LayerDbLayout.DIFF,
          LayerDbLayout.SIZE,
          LayerDbLayout.CACHE_ID,
          LayerDbLayout.TAR_SPLIT,
          LayerDbLayout.PARENT,
          LayerDbLayout.DESCRIPTOR);

  /** Larger ones are read anew each time. */
  private static final int MAX_CONTENT_BYTES = 64 << 10;

  private final LayerDbLayout layout;
  private final LayerIndex index;
  private final Map<ChainId, LayerRecord> records = new ConcurrentHashMap<>();

  /** Each under itself. */
  private final Map<ChainId, ChainId> ids;

  private AllLayers(LayerDbLayout layout, List<ChainId> chainIds) {
    this.layout = layout;
    this.ids = chainIds.stream().collect(Collectors.toMap(id -> id, id -> id));
    this.index = LayerIndex.read(layout.directory());
  }

  /**
   * Reads them.
   *
   * @param chainIds all there are
   * @param isWritable whether the index may be written anew
   * @return those whose metadata is in order, and whose tar-split is there and begins as one
   */
  static Map<ChainId, LayerRecord> read(
      LayerDbLayout layout, List<ChainId> chainIds, boolean isWritable) {
    AllLayers all = new AllLayers(layout, chainIds);
    ManyLooks.forEach(chainIds, all::tryToLook);
    if (isWritable) {
      all.index.writeIfWorthIt();
    }
    return all.records;
  }

  private void tryToLook(ChainId chainId) {
    try {
      look(chainId);
    } catch (IOException | RuntimeException e) {
      // Whoever asks for this layer is told what is wrong with it.
      log.debug("layer {} is left out: {}", chainId, e.toString());
    }
  }

  private void look(ChainId chainId) throws IOException {
    Path directory = layout.layer(chainId);
    String name = chainId.digest().hex();
    LayerIndex.@Nullable Entry known = index.find(name);
    if (known != null && isTaken(chainId, directory, known)) {
      index.keep(name);
      return;
    }
    // Before they are read: what changes meanwhile has another stamp the next time.
    int parts = parts(directory);
    FileStamp stamp = stamp(directory, parts);
    LayerValues values =
        LayerValues.read(directory, part -> (parts & 1 << PARTS.indexOf(part)) != 0);
    requireGzip(directory.resolve(LayerDbLayout.TAR_SPLIT));
    add(RecordReader.parse(chainId, directory, values, ids));
    byte[] content = values.toBytes();
    if (stamp.isSettled() && content.length <= MAX_CONTENT_BYTES) {
      index.note(name, new LayerIndex.Entry(parts, stamp.value(), content));
    }
  }

  /** Whether the entry of the index fits, and the layer is taken from it. */
  private boolean isTaken(ChainId chainId, Path directory, LayerIndex.Entry known)
      throws IOException {
    if (known.stamp() != stamp(directory, known.parts()).value()) {
      return false;
    }
    try {
      add(RecordReader.parse(chainId, directory, LayerValues.of(known.content()), ids));
      return true;
    } catch (StoreCorruptedException | RuntimeException e) {
      return false;
    }
  }

  private void add(LayerRecord record) {
    records.put(record.chainId(), record);
  }

  private static int parts(Path directory) throws IOException {
    int parts = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        int part = PARTS.indexOf(String.valueOf(entry.getFileName()));
        parts |= part < 0 ? 0 : 1 << part;
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return parts;
  }

  /** Without the parts that are not there: if one comes, the directory has another time. */
  private static FileStamp stamp(Path directory, int parts) throws IOException {
    FileStamp stamp = new FileStamp();
    stamp.add(directory);
    for (int i = 0; i < PARTS.size(); i++) {
      if ((parts & 1 << i) != 0) {
        stamp.add(directory.resolve(PARTS.get(i)));
      }
    }
    return stamp;
  }

  private static void requireGzip(Path tarSplit) throws IOException {
    if (!Files.isRegularFile(tarSplit, LinkOption.NOFOLLOW_LINKS)) {
      throw new NoSuchFileException(tarSplit.toString(), null, "not a regular file");
    }
    try (InputStream in = Files.newInputStream(tarSplit, LinkOption.NOFOLLOW_LINKS)) {
      byte[] start = in.readNBytes(CompressionFormat.MAGIC_BYTES);
      if (CompressionFormat.detect(start, start.length) != CompressionFormat.GZIP) {
        throw new IOException("its tar-split is not gzip");
      }
    }
  }
}
