package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.driver.BlockInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An archive without its compression.
 *
 * <p>What {@code read} throws:
 *
 * <ul>
 *   <li>{@link ArchiveException} if the compressed data is damaged, cut off, or followed by
 *       something else
 *   <li>{@link ArchiveException} if it unpacks to more than a limit allows
 *   <li>whatever the source throws, as it is
 * </ul>
 *
 * <p>After an exception the source is not read again, and every further {@code read} throws the
 * same. At the end of the stream the source has been read to its own end. Not safe for use by
 * several threads.
 */
public final class DecompressedStream extends BlockInputStream {

  /** Up to here any ratio will do: small archives of zeros compress well. */
  private static final long RATIO_CHECKED_FROM = 16L << 20;

  private final CompressionFormat format;
  private final ArchiveSource source;
  private final InputStream decoder;
  private final Limits limits;
  private final boolean toleratesSomethingElse;
  private boolean isFollowedBySomethingElse;
  private long produced;
  private boolean ended;
  private boolean closed;
  private @Nullable Exception failure;

  private DecompressedStream(
      CompressionFormat format,
      ArchiveSource source,
      InputStream decoder,
      Limits limits,
      boolean toleratesSomethingElse) {
    this.format = format;
    this.source = source;
    this.decoder = decoder;
    this.limits = limits;
    this.toleratesSomethingElse = toleratesSomethingElse;
  }

  static DecompressedStream open(
      CompressionFormat format, ArchiveSource source, Limits limits, boolean toleratesSomethingElse)
      throws IOException {
    try {
      InputStream decoder = Decompression.decoder(format, source);
      return new DecompressedStream(format, source, decoder, limits, toleratesSomethingElse);
    } catch (IOException | RuntimeException e) {
      throw rethrow(translated(e, format, source));
    }
  }

  /** How the archive is compressed. */
  public CompressionFormat format() {
    return format;
  }

  /** How much of the source has been used so far, in bytes. */
  public long compressedBytes() {
    return source.consumed();
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    if (failure != null) {
      throw rethrow(failure);
    }
    if (closed) {
      throw new IOException("the stream is closed");
    }
    if (length == 0) {
      return 0;
    }
    if (ended) {
      return -1;
    }
    try {
      return decode(target, offset, length);
    } catch (IOException | RuntimeException e) {
      failure = translated(e, format, source);
      closeDecoder();
      throw rethrow(failure);
    }
  }

  private int decode(byte[] target, int offset, int length) throws IOException {
    // One byte more than allowed tells an archive that ends at the limit from one that does not.
    long allowed = limits.maxUnpackedBytes() - produced;
    int wanted = allowed < length ? (int) allowed + 1 : length;
    int count = decoder.read(target, offset, wanted);
    if (count < 0) {
      if (source.failure() != null) {
        throw rethrow(source.failure());
      }
      readRest();
      ended = true;
      return -1;
    }
    produced += count;
    if (produced > limits.maxUnpackedBytes()) {
      throw exceeded("maxUnpackedBytes", limits.maxUnpackedBytes());
    }
    if (produced > RATIO_CHECKED_FROM
        && format != CompressionFormat.NONE
        && produced / limits.maxCompressionRatio() > source.consumed()) {
      throw exceeded("maxCompressionRatio", limits.maxCompressionRatio());
    }
    return count;
  }

  /**
   * Reads what follows the compressed data.
   *
   * <p>Zeros after gzip are the padding of tapes and of some tools, which gzip and pigz skip. Other
   * bytes are dropped by pigz without a word and refused by Go; dockerd uses pigz where it is
   * installed, so most of its users have such files accepted. Here they are where the caller says
   * so.
   */
  private void readRest() throws IOException {
    long skipped = 0;
    boolean isElse = decoder instanceof GzipDecoder gzip && gzip.metSomethingElse();
    while (true) {
      if (isElse && !(toleratesSomethingElse && format == CompressionFormat.GZIP)) {
        throw malformed(format, "is followed by something else", null);
      }
      if (!source.fill()) {
        isFollowedBySomethingElse = isElse;
        return;
      }
      for (int i = source.position(); i < source.limit() && !isElse; i++) {
        isElse = format != CompressionFormat.GZIP || source.array()[i] != 0;
      }
      skipped += source.limit() - source.position();
      if (skipped > limits.maxUnpackedBytes() - produced) {
        throw exceeded("maxUnpackedBytes", limits.maxUnpackedBytes());
      }
      source.consume(source.limit() - source.position());
    }
  }

  /**
   * Whether something that is neither gzip nor zeros followed the gzip data; certain after the last
   * byte was read. A damaged part in the middle of the data may look like that, so what was read is
   * to be trusted only if it tells itself that it is complete.
   */
  public boolean isFollowedBySomethingElse() {
    return isFollowedBySomethingElse;
  }

  private static ArchiveException exceeded(String name, long limit) {
    return ArchiveException.limitExceeded(name, limit);
  }

  private static ArchiveException malformed(
      CompressionFormat format, String problem, @Nullable Throwable cause) {
    return new ArchiveException(
        Kind.MALFORMED, "the " + format.displayName() + " data " + problem, cause);
  }

  /**
   * What to throw for what a decoder threw: decoders of others throw all sorts of things on damaged
   * data.
   */
  private static Exception translated(Exception e, CompressionFormat format, ArchiveSource source) {
    Exception ofSource = source.failure();
    if (ofSource != null) {
      return ofSource;
    }
    if (e instanceof LayerStoreException) {
      return e;
    }
    if (e instanceof EOFException) {
      return malformed(format, "is cut off", e);
    }
    String detail = e.getMessage();
    return malformed(format, detail == null ? "is damaged" : "is damaged: " + detail, e);
  }

  /** Throws {@code e}, which is of one of the two kinds that {@code read} can throw. */
  private static RuntimeException rethrow(Exception e) throws IOException {
    if (e instanceof IOException io) {
      throw io;
    }
    throw (RuntimeException) e;
  }

  private void closeDecoder() {
    try {
      decoder.close();
    } catch (IOException e) {
      if (failure != null && failure != e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Frees what the decoder holds; the source stays open. A second call does nothing. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      decoder.close();
    }
  }
}
