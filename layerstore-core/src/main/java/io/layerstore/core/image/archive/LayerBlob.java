package io.layerstore.core.image.archive;

import io.layerstore.LayerSource;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.driver.BlockFilterStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The member of an archive that holds a layer, checked while it is read. */
final class LayerBlob implements LayerSource {

  private final ArchivedLayer layer;
  private final Blob blob;

  LayerBlob(ArchivedLayer layer, Blob blob) {
    this.layer = layer;
    this.blob = blob;
  }

  @Override
  public InputStream open() throws IOException {
    return verified(layer, blob.open());
  }

  @Override
  public OptionalLong sizeBytes() {
    return OptionalLong.of(blob.sizeBytes());
  }

  @Override
  public Optional<String> name() {
    return Optional.of(ArchiveText.printable(layer.place().path()));
  }

  /** The bytes of {@code in}, which must be those that the archive's documents promise. */
  static InputStream verified(ArchivedLayer layer, InputStream in) {
    BlobDescriptor expected = layer.place().expected();
    return expected == null ? in : new Verified(layer, expected, in);
  }

  /** Compares size and digest at the end, before the reader can be content. */
  private static final class Verified extends BlockFilterStream {
    private final ArchivedLayer layer;
    private final BlobDescriptor expected;
    private @Nullable MessageDigest digest;
    private long count;
    private boolean ended;

    Verified(ArchivedLayer layer, BlobDescriptor expected, InputStream in) {
      super(in);
      this.layer = layer;
      this.expected = expected;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int read = in.read(target, offset, length);
      if (read > 0) {
        if (count == 0 && isHashNeeded(target, offset, read)) {
          digest = expected.digest().algorithm().newMessageDigest();
        }
        count += read;
        if (count > expected.sizeBytes()) {
          expected.requireSize(count);
        }
        if (digest != null) {
          digest.update(target, offset, read);
        }
      } else if (read < 0 && !ended) {
        ended = true;
        expected.requireSize(count);
        if (digest != null || count == 0) {
          MessageDigest whole =
              digest != null ? digest : expected.digest().algorithm().newMessageDigest();
          expected.requireDigest(whole.digest());
        }
      }
      return read;
    }

    /**
     * Of a layer that is not compressed the blob's digest is the diff ID, which is checked anyway.
     */
    private boolean isHashNeeded(byte[] bytes, int offset, int length) {
      if (!expected.digest().equals(layer.diffId().digest())
          || length < CompressionFormat.MAGIC_BYTES) {
        return true;
      }
      byte[] start = new byte[CompressionFormat.MAGIC_BYTES];
      System.arraycopy(bytes, offset, start, 0, start.length);
      return CompressionFormat.detect(start, start.length) != CompressionFormat.NONE;
    }
  }
}
