package io.layerstore.core.layerdb;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.RWLayerRecord;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the records of layers and read-write layers, and believes nothing in them that it has not
 * checked.
 *
 * <p>Accepts what Docker accepts: white space around every value but a size, no {@code parent} file
 * for none. It refuses more: a chain ID that does not follow from diff ID and parent, so that no
 * layer can be put below another and no cycle can exist; a negative size; an id that is not one
 * safe path component.
 */
final class RecordReader {

  private static final int MAX_SIZE_DIGITS = 19;

  private final LayerDbLayout layout;

  RecordReader(LayerDbLayout layout) {
    this.layout = layout;
  }

  /**
   * Reads a layer.
   *
   * @throws LayerNotFoundException if there is none, or it went while it was read
   * @throws StoreCorruptedException if something about it is missing or malformed
   */
  LayerRecord layer(ChainId chainId) throws IOException {
    Path directory = layout.layer(chainId);
    requireDirectory(directory, () -> new LayerNotFoundException(chainId.toString()));
    try {
      return readLayer(chainId, directory);
    } catch (NoSuchFileException e) {
      requireDirectory(directory, () -> new LayerNotFoundException(chainId.toString()));
      throw missing(e);
    }
  }

  /** The cache id of a layer; throws what {@link #layer} throws. */
  String cacheId(ChainId chainId) throws IOException {
    Path directory = layout.layer(chainId);
    try {
      return readCacheId(directory);
    } catch (NoSuchFileException e) {
      requireDirectory(directory, () -> new LayerNotFoundException(chainId.toString()));
      throw missing(e);
    }
  }

  private static LayerRecord readLayer(ChainId chainId, Path directory) throws IOException {
    return parse(chainId, directory, LayerValues.read(directory));
  }

  /** The layer whose files, in {@code directory}, are {@code values}. */
  static LayerRecord parse(ChainId chainId, Path directory, LayerValues values)
      throws StoreCorruptedException {
    return parse(chainId, directory, values, Map.of());
  }

  /**
   * The same.
   *
   * @param known chain IDs, each under itself: the layers on one layer have the same object of it
   */
  static LayerRecord parse(
      ChainId chainId, Path directory, LayerValues values, Map<ChainId, ChainId> known)
      throws StoreCorruptedException {
    DiffId diffId = parse(directory, LayerDbLayout.DIFF, values.diff(), DiffId::parse);
    long size = parseSize(directory, values.size());
    String cacheId =
        requireId(directory, LayerDbLayout.CACHE_ID, values.cacheId(), DriverIds::isValid);
    @Nullable String parentText = values.parent();
    @Nullable ChainId parent =
        parentText == null
            ? null
            : parse(directory, LayerDbLayout.PARENT, parentText, ChainId::parse);
    @Nullable Descriptor descriptor = parseDescriptor(directory, values.descriptor());
    try {
      return new LayerRecord(
          chainId,
          diffId,
          parent == null ? null : known.getOrDefault(parent, parent),
          cacheId,
          size,
          descriptor);
    } catch (IllegalArgumentException e) {
      // Everything else has been looked at.
      throw new StoreCorruptedException(
          directory.toString(),
          "its chain id does not follow from diff id " + diffId + " and parent " + parent,
          e);
    }
  }

  /**
   * Reads a read-write layer.
   *
   * @throws RWLayerNotFoundException if there is none, or it went while it was read
   * @throws StoreCorruptedException if something about it is missing or malformed
   */
  RWLayerRecord mount(String name) throws IOException {
    Path directory = layout.mount(name);
    requireDirectory(directory, () -> new RWLayerNotFoundException(name));
    try {
      return new RWLayerRecord(
          name, readMountId(directory), readInitId(directory), readParent(directory));
    } catch (NoSuchFileException e) {
      requireDirectory(directory, () -> new RWLayerNotFoundException(name));
      throw missing(e);
    }
  }

  /**
   * The id under which the graph driver keeps the layer whose metadata is in {@code directory};
   * null if there is none, or none of a form that could name a directory there.
   */
  @Nullable String cacheIdOrNull(Path directory) throws IOException {
    return valueOrNull(directory, () -> readCacheId(directory));
  }

  /**
   * The ids under which the graph driver keeps the read-write layer whose metadata is in {@code
   * directory}, as far as it has any.
   */
  List<String> mountIds(Path directory) throws IOException {
    @Nullable String mountId = valueOrNull(directory, () -> readMountId(directory));
    @Nullable String initId = valueOrNull(directory, () -> readInitId(directory));
    return Stream.of(Optional.ofNullable(mountId), Optional.ofNullable(initId))
        .flatMap(Optional::stream)
        .toList();
  }

  /**
   * The layer below the layer or read-write layer whose metadata is in {@code directory}, as far as
   * that can be told.
   */
  @Nullable ChainId parentOrNull(Path directory) throws IOException {
    return valueOrNull(directory, () -> readParent(directory));
  }

  private interface Source<T> {
    @Nullable T read() throws IOException;
  }

  private static <T> @Nullable T valueOrNull(Path directory, Source<T> source) throws IOException {
    try {
      return LayerDbFiles.isDirectory(directory) ? source.read() : null;
    } catch (NoSuchFileException | StoreCorruptedException e) {
      return null;
    }
  }

  private static String readCacheId(Path directory) throws IOException {
    String id = LayerDbFiles.readTrimmed(directory.resolve(LayerDbLayout.CACHE_ID));
    return requireId(directory, LayerDbLayout.CACHE_ID, id, DriverIds::isValid);
  }

  private static String readMountId(Path directory) throws IOException {
    String id = LayerDbFiles.readTrimmed(directory.resolve(LayerDbLayout.MOUNT_ID));
    return requireId(directory, LayerDbLayout.MOUNT_ID, id, DriverIds::isMountId);
  }

  private static @Nullable String readInitId(Path directory) throws IOException {
    @Nullable String id =
        LayerDbFiles.readTrimmedIfExists(directory.resolve(LayerDbLayout.INIT_ID));
    return id == null
        ? null
        : requireId(directory, LayerDbLayout.INIT_ID, id, DriverIds::isMountId);
  }

  private static String requireId(Path directory, String name, String id, Predicate<String> isValid)
      throws StoreCorruptedException {
    if (!isValid.test(id)) {
      // Docker's words: "invalid cache id value".
      String what = name.replace('-', ' ');
      throw new StoreCorruptedException(
          directory.resolve(name).toString(), "invalid " + what + " value");
    }
    return id;
  }

  private static @Nullable ChainId readParent(Path directory) throws IOException {
    @Nullable String text =
        LayerDbFiles.readTrimmedIfExists(directory.resolve(LayerDbLayout.PARENT));
    return text == null ? null : parse(directory, LayerDbLayout.PARENT, text, ChainId::parse);
  }

  /** A store has thousands, so this is no regular expression. */
  private static long parseSize(Path directory, String text) throws StoreCorruptedException {
    boolean isDecimal = !text.isEmpty() && text.length() <= MAX_SIZE_DIGITS;
    for (int i = 0; isDecimal && i < text.length(); i++) {
      isDecimal = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    try {
      if (isDecimal) {
        return Long.parseLong(text);
      }
    } catch (NumberFormatException e) {
      throw new StoreCorruptedException(
          directory.resolve(LayerDbLayout.SIZE).toString(), "not a size in 64 bits", e);
    }
    throw new StoreCorruptedException(
        directory.resolve(LayerDbLayout.SIZE).toString(), "not a size in decimal digits");
  }

  private static @Nullable Descriptor parseDescriptor(Path directory, byte @Nullable [] document)
      throws StoreCorruptedException {
    try {
      return document == null ? null : DescriptorJson.read(document);
    } catch (IOException e) {
      throw new StoreCorruptedException(
          directory.resolve(LayerDbLayout.DESCRIPTOR).toString(), "not a descriptor in JSON", e);
    }
  }

  private static <T> T parse(Path directory, String name, String text, Function<String, T> parser)
      throws StoreCorruptedException {
    try {
      return parser.apply(text);
    } catch (IllegalArgumentException e) {
      String reason = String.valueOf(e.getMessage());
      throw new StoreCorruptedException(directory.resolve(name).toString(), reason, e);
    }
  }

  private interface Absence {
    IOException exception();
  }

  private static void requireDirectory(Path directory, Absence absence) throws IOException {
    if (LayerDbFiles.isDirectory(directory)) {
      return;
    }
    if (LayerDbFiles.exists(directory)) {
      throw new StoreCorruptedException(directory.toString(), "not a directory");
    }
    throw absence.exception();
  }

  private static StoreCorruptedException missing(NoSuchFileException e) {
    return new StoreCorruptedException(String.valueOf(e.getFile()), "it is missing", e);
  }
}
