package io.layerstore.core.layerdb;

import io.layerstore.driver.AtomicFiles;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What the small files of a layer say, unchecked: as they are read from its directory, and as they
 * are kept in the index.
 *
 * @param size as it is; the others are without white space around them
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record LayerValues(
    String diff,
    String size,
    String cacheId,
    @Nullable String parent,
    byte @Nullable [] descriptor) {

  /** A descriptor is some hundred bytes; this is the limit for every JSON document of a store. */
  private static final int MAX_DESCRIPTOR_BYTES = 4 << 20;

  /**
   * Reads the files in {@code directory}.
   *
   * @throws java.nio.file.NoSuchFileException if one is missing that every layer has
   */
  static LayerValues read(Path directory) throws IOException {
    return read(directory, name -> true);
  }

  /** The same, without looking for what {@code isThere} says is not there. */
  static LayerValues read(Path directory, Predicate<String> isThere) throws IOException {
    return new LayerValues(
        LayerDbFiles.readTrimmed(directory.resolve(LayerDbLayout.DIFF)),
        LayerDbFiles.readValue(directory.resolve(LayerDbLayout.SIZE)),
        LayerDbFiles.readTrimmed(directory.resolve(LayerDbLayout.CACHE_ID)),
        isThere.test(LayerDbLayout.PARENT)
            ? LayerDbFiles.readTrimmedIfExists(directory.resolve(LayerDbLayout.PARENT))
            : null,
        isThere.test(LayerDbLayout.DESCRIPTOR)
            ? AtomicFiles.readIfExists(
                directory.resolve(LayerDbLayout.DESCRIPTOR), MAX_DESCRIPTOR_BYTES)
            : null);
  }

  /**
   *
   *
   * <pre>
   * values = diff size cache-id parent descriptor       each: length bytes; a length has 4 bytes, 0xffffffff for no file
   * </pre>
   */
  byte[] toBytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      for (@Nullable String value : new @Nullable String[] {diff, size, cacheId, parent}) {
        write(out, value == null ? null : value.getBytes(StandardCharsets.ISO_8859_1));
      }
      write(out, descriptor);
    }
    return bytes.toByteArray();
  }

  /** What {@link #toBytes} gave. */
  static LayerValues of(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    return new LayerValues(
        requireText(in), requireText(in), requireText(in), text(read(in)), read(in));
  }

  private static String requireText(ByteBuffer in) {
    return Objects.requireNonNull(text(read(in)), "a file that every layer has");
  }

  private static @Nullable String text(byte @Nullable [] bytes) {
    return bytes == null ? null : new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static byte @Nullable [] read(ByteBuffer in) {
    int length = in.getInt();
    if (length < 0) {
      return null;
    }
    byte[] value = new byte[Objects.checkIndex(length, in.remaining() + 1)];
    in.get(value);
    return value;
  }

  private static void write(DataOutputStream out, byte @Nullable [] value) throws IOException {
    out.writeInt(value == null ? -1 : value.length);
    if (value != null) {
      out.write(value);
    }
  }
}
