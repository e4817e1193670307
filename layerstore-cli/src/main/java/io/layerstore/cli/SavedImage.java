package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.apache.commons.compress.compressors.CompressorException;
import org.apache.commons.compress.compressors.CompressorStreamFactory;
import org.apache.commons.compress.utils.SeekableInMemoryByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * The first image of an archive that {@code docker save} wrote, opened to read its layers where
 * they are.
 *
 * <p>{@code manifest.json} names the layers' archives, bottom layer first, and the image's config,
 * which names their diff IDs. Engines before 25 write a layer that occurs twice as a symbolic link
 * to its first occurrence. Not safe for use by several threads.
 */
final class SavedImage implements AutoCloseable {
  /** A manifest or a config is some kilobytes; what is larger is something else. */
  private static final int MAX_JSON_BYTES = 16 << 20;

  private static final Set<String> COMPRESSIONS =
      Set.of(
          CompressorStreamFactory.GZIP,
          CompressorStreamFactory.BZIP2,
          CompressorStreamFactory.XZ,
          CompressorStreamFactory.ZSTANDARD);

  private final TarFile archive;
  private final Map<String, TarArchiveEntry> entries = new HashMap<>();
  private final String name;
  private final List<DiffId> diffIds;
  private final List<LayerSource> layers;

  /**
   * Opens the archive in {@code file}, plain or compressed.
   *
   * @throws LayerStoreException if it is not an image archive
   */
  static SavedImage open(Path file) throws IOException {
    SeekableByteChannel channel = uncompressed(file);
    try {
      return new SavedImage(channel);
    } catch (IOException | RuntimeException e) {
      channel.close();
      if (e instanceof LayerStoreException) {
        throw e;
      }
      throw notAnImage("it is not a readable tar: " + e.getMessage(), e);
    }
  }

  /** Opens the archive with these bytes. */
  static SavedImage open(byte[] archive) throws IOException {
    return new SavedImage(new SeekableInMemoryByteChannel(archive));
  }

  private SavedImage(SeekableByteChannel channel) throws IOException {
    archive = new TarFile(channel);
    for (TarArchiveEntry entry : archive.getEntries()) {
      entries.put(entry.getName(), entry);
    }
    Map<?, ?> manifest =
        object(first(list(json("manifest.json"), "manifest.json")), "manifest.json");
    Map<?, ?> config = object(json(string(manifest.get("Config"), "Config")), "the config");
    Map<?, ?> rootfs = object(config.get("rootfs"), "rootfs");
    List<?> tags = manifest.get("RepoTags") instanceof List<?> list ? list : List.of();
    name = tags.isEmpty() ? "untagged" : string(tags.get(0), "RepoTags");
    diffIds = new ArrayList<>();
    for (Object diffId : list(rootfs.get("diff_ids"), "diff_ids")) {
      diffIds.add(diffId(string(diffId, "diff_ids")));
    }
    layers = new ArrayList<>();
    for (Object layer : list(manifest.get("Layers"), "Layers")) {
      layers.add(new Entry(entry(string(layer, "Layers"))));
    }
    if (layers.isEmpty() || layers.size() != diffIds.size()) {
      throw notAnImage(
          "it has " + layers.size() + " layers and " + diffIds.size() + " diff IDs", null);
    }
  }

  /** What the image is called in the archive. */
  String name() {
    return name;
  }

  /** The diff IDs the image's config names, bottom layer first. */
  List<DiffId> diffIds() {
    return diffIds;
  }

  /** The layers' archives, in the order of {@link #diffIds}; to be used while this is open. */
  List<LayerSource> layers() {
    return layers;
  }

  @Override
  public void close() throws IOException {
    archive.close();
  }

  /**
   * A channel on the tar in {@code file}; if that is compressed, on a temporary copy that goes when
   * the channel is closed.
   */
  private static SeekableByteChannel uncompressed(Path file) throws IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      String format = CompressorStreamFactory.detect(in);
      if (!COMPRESSIONS.contains(format)) {
        return Files.newByteChannel(file);
      }
      Path copy = Files.createTempFile("layerstore-image", ".tar");
      SeekableByteChannel channel =
          Files.newByteChannel(
              copy,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
      try {
        OutputStream out = Channels.newOutputStream(channel);
        new CompressorStreamFactory(true).createCompressorInputStream(format, in).transferTo(out);
        return channel.position(0);
      } catch (IOException e) {
        channel.close();
        throw notAnImage("it cannot be decompressed: " + e.getMessage(), e);
      }
    } catch (CompressorException e) {
      // No compression that is known by its first bytes: a plain tar, or nothing that could be
      // read.
      return Files.newByteChannel(file);
    }
  }

  private TarArchiveEntry entry(String path) throws IOException {
    TarArchiveEntry entry = entries.get(path);
    if (entry != null && entry.isSymbolicLink()) {
      Path link = Path.of(path).resolveSibling(entry.getLinkName()).normalize();
      entry = entries.get(link.toString());
    }
    if (entry == null || !entry.isFile()) {
      throw notAnImage("it has no file " + path, null);
    }
    return entry;
  }

  private Object json(String path) throws IOException {
    TarArchiveEntry entry = entry(path);
    if (entry.getSize() > MAX_JSON_BYTES) {
      throw notAnImage(path + " is too large", null);
    }
    try (InputStream in = archive.getInputStream(entry)) {
      Object value = JsonTree.read(in);
      return value == null ? Map.of() : value;
    } catch (JsonProcessingException e) {
      throw notAnImage(path + " is not JSON", e);
    }
  }

  private static DiffId diffId(String text) throws LayerStoreException {
    try {
      return DiffId.parse(text);
    } catch (IllegalArgumentException e) {
      throw notAnImage("its config is wrong: " + e.getMessage(), e);
    }
  }

  private static Object first(List<?> list) throws LayerStoreException {
    if (list.isEmpty() || list.get(0) == null) {
      throw notAnImage("its manifest.json names no image", null);
    }
    return list.get(0);
  }

  private static Map<?, ?> object(@Nullable Object value, String what) throws LayerStoreException {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw notAnImage(what + " is not an object", null);
  }

  private static List<?> list(@Nullable Object value, String what) throws LayerStoreException {
    if (value instanceof List<?> list) {
      return list;
    }
    throw notAnImage(what + " is not an array", null);
  }

  private static String string(@Nullable Object value, String what) throws LayerStoreException {
    if (value instanceof String text) {
      return text;
    }
    throw notAnImage(what + " is not text", null);
  }

  private static LayerStoreException notAnImage(String why, @Nullable Throwable cause) {
    return new LayerStoreException(
        "not an image archive: " + why + "; give one that 'docker save' wrote", cause);
  }

  /** A layer's archive inside the image's archive. */
  private final class Entry implements LayerSource {
    private final TarArchiveEntry entry;

    Entry(TarArchiveEntry entry) {
      this.entry = entry;
    }

    @Override
    public InputStream open() throws IOException {
      return archive.getInputStream(entry);
    }

    @Override
    public OptionalLong sizeBytes() {
      return OptionalLong.of(entry.getSize());
    }

    @Override
    public String toString() {
      return entry.getName();
    }
  }
}
