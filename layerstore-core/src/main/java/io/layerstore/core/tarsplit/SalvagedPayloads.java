package io.layerstore.core.tarsplit;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import com.google.common.io.Closer;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.BlockInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Contents of files that an archive writes and later destroys, kept for the tar-split that must
 * still give them back.
 *
 * <p>They go to one scratch file, which is made for the first of them and deleted by {@link
 * #close()}. A content is found again by its size and checksum, which is all that a tar-split entry
 * says about it; one that is there already is not stored twice. Memory is at most 64 bytes a
 * content. Works on any file system. Not safe for use by several threads.
 */
public final class SalvagedPayloads implements Closeable {

  /** Names the scratch file. */
  @FunctionalInterface
  public interface ScratchFile {
    /** A file that does not exist, in a directory that does. Called once, for the first content. */
    Path path() throws IOException;
  }

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int FIRST_CAPACITY = 16;

  /** Keyed, so that whoever makes an archive cannot choose contents that crowd one place. */
  private final HashFunction hash = Hashing.sipHash24(RANDOM.nextLong(), RANDOM.nextLong());

  private final ScratchFile scratchFile;
  private @Nullable Path file;
  private @Nullable SeekableByteChannel channel;
  private long end;
  private boolean closed;

  // Record i, and an open-addressed table of record numbers plus 1 that is at least twice as long.
  private long[] sizes = new long[FIRST_CAPACITY];
  private long[] crcs = new long[FIRST_CAPACITY];
  private long[] offsets = new long[FIRST_CAPACITY];
  private int[] table = new int[2 * FIRST_CAPACITY];
  private int count;

  /** Keeps contents in {@code scratchFile}. */
  public SalvagedPayloads(ScratchFile scratchFile) {
    this.scratchFile = scratchFile;
  }

  /** Whether nothing was added. */
  public boolean isEmpty() {
    return count == 0;
  }

  /**
   * Stores a content. No bytes need no storing.
   *
   * @param sizeBytes its length in bytes
   * @param content its bytes; read to the end, not closed
   * @throws IOException if it is not so long, or cannot be read or stored; what was added before is
   *     still there
   */
  public void add(long sizeBytes, InputStream content) throws IOException {
    if (closed) {
      throw new IllegalStateException("closed");
    }
    SeekableByteChannel target = sizeBytes == 0 ? null : scratchChannel();
    Crc64 crc = new Crc64();
    byte[] buffer = new byte[(int) Math.min(Math.max(sizeBytes, 1), 64 << 10)];
    long length = 0;
    int read;
    while ((read = content.read(buffer, 0, buffer.length)) >= 0) {
      if (read > sizeBytes - length) {
        throw new LayerStoreException(
            "a file of " + sizeBytes + " bytes that an archive replaces has more bytes than that");
      }
      if (target != null) {
        write(target, end + length, ByteBuffer.wrap(buffer, 0, read));
      }
      crc.update(buffer, 0, read);
      length += read;
    }
    if (length != sizeBytes) {
      throw new LayerStoreException(
          "a file of " + sizeBytes + " bytes that an archive replaces has only " + length);
    }
    if (sizeBytes > 0 && find(sizeBytes, crc.getValue()) < 0) {
      append(sizeBytes, crc.getValue());
    }
  }

  private SeekableByteChannel scratchChannel() throws IOException {
    SeekableByteChannel opened = channel;
    if (opened == null) {
      Path path = scratchFile.path();
      opened =
          Files.newByteChannel(
              path,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      file = path;
      channel = opened;
    }
    return opened;
  }

  private static void write(SeekableByteChannel target, long position, ByteBuffer bytes)
      throws IOException {
    target.position(position);
    while (bytes.hasRemaining()) {
      target.write(bytes);
    }
  }

  private void append(long sizeBytes, long crc) {
    if (count == sizes.length) {
      grow();
    }
    sizes[count] = sizeBytes;
    crcs[count] = crc;
    offsets[count] = end;
    end += sizeBytes;
    insert(count);
    count++;
  }

  private void grow() {
    int capacity = Math.multiplyExact(2, sizes.length);
    sizes = Arrays.copyOf(sizes, capacity);
    crcs = Arrays.copyOf(crcs, capacity);
    offsets = Arrays.copyOf(offsets, capacity);
    table = new int[Math.multiplyExact(2, capacity)];
    for (int i = 0; i < count; i++) {
      insert(i);
    }
  }

  private void insert(int number) {
    int slot = slot(sizes[number], crcs[number]);
    while (table[slot] != 0) {
      slot = (slot + 1) & (table.length - 1);
    }
    table[slot] = number + 1;
  }

  /** The number of the record, or -1. */
  private int find(long sizeBytes, long crc) {
    int slot = slot(sizeBytes, crc);
    while (table[slot] != 0) {
      int number = table[slot] - 1;
      if (sizes[number] == sizeBytes && crcs[number] == crc) {
        return number;
      }
      slot = (slot + 1) & (table.length - 1);
    }
    return -1;
  }

  private int slot(long sizeBytes, long crc) {
    long hashed = hash.newHasher().putLong(sizeBytes).putLong(crc).hash().asLong();
    return (int) hashed & (table.length - 1);
  }

  /**
   * Opens a content that was added.
   *
   * @return its bytes, or null if no content of this size and checksum was added; usable until
   *     another is added or this is closed
   */
  public @Nullable InputStream open(long sizeBytes, long crc) {
    SeekableByteChannel source = channel;
    int number = find(sizeBytes, crc);
    return source == null || number < 0
        ? null
        : new Content(source, offsets[number], offsets[number] + sizeBytes);
  }

  /** Deletes the scratch file. A second call does nothing. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    Closer closer = Closer.create();
    if (file != null) {
      Path scratch = file;
      closer.register(() -> Files.deleteIfExists(scratch));
    }
    if (channel != null) {
      closer.register(channel);
      channel = null;
    }
    closer.close(); // in reverse order
  }

  /** A stretch of the scratch file. */
  private static final class Content extends BlockInputStream {
    private final SeekableByteChannel source;
    private final long end;
    private long position;

    Content(SeekableByteChannel source, long position, long end) {
      this.source = source;
      this.position = position;
      this.end = end;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      if (length == 0) {
        return 0;
      }
      if (position == end) {
        return -1;
      }
      source.position(position);
      int count =
          source.read(ByteBuffer.wrap(target, offset, (int) Math.min(length, end - position)));
      if (count > 0) {
        position += count;
      }
      return count;
    }
  }
}
