package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Arrays;
import java.util.Set;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes the records of an {@link AttributeTable} in ascending order of their keys.
 *
 * <p>Keeps one block and eight bytes for each block before it. Not safe for use by many threads.
 */
final class AttributeTableWriter implements Closeable {

  private static final int BLOCK_BYTES = 16 << 10;

  private final FileChannel channel;
  private final ByteArrayOutputStream block = new ByteArrayOutputStream(BLOCK_BYTES * 2);
  private long[] offsets = new long[64];
  private int blocks;
  private long records;
  private long position;
  private @Nullable ByteString lastKey;

  /** Begins the new file {@code path}. */
  AttributeTableWriter(Path path, FileAttribute<?>... attributes) throws IOException {
    channel =
        FileChannel.open(
            path, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes);
    try {
      write(ByteBuffer.wrap(AttributeTable.MAGIC));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Adds a record whose key is greater than all before. */
  void add(ByteString key, AttributeRecord record) throws IOException {
    if (lastKey != null && lastKey.compareTo(key) >= 0) {
      throw new IllegalArgumentException("not in ascending order: " + key);
    }
    lastKey = key;
    AttributeCodec.write(key, record, block);
    records++;
    if (block.size() >= BLOCK_BYTES) {
      flush();
    }
  }

  /** How many records there are. */
  long records() {
    return records;
  }

  /**
   * Completes the table.
   *
   * @param root the inode of the layer's directory, by which a copied tree is known; 0 if none
   */
  void finish(long root, boolean isForced) throws IOException {
    if (block.size() > 0) {
      flush();
    }
    ByteBuffer index =
        ByteBuffer.allocate(Math.addExact(blocks * Long.BYTES, AttributeTable.TRAILER_BYTES));
    for (int i = 0; i < blocks; i++) {
      index.putLong(offsets[i]);
    }
    index.putLong(position).putLong(blocks).putLong(records).putLong(root);
    CRC32C crc = new CRC32C();
    crc.update(index.array(), 0, index.position());
    index.putInt((int) crc.getValue()).putInt(AttributeTable.END);
    write(index.flip());
    if (isForced) {
      channel.force(true);
    }
  }

  private void flush() throws IOException {
    byte[] payload = block.toByteArray();
    block.reset();
    if (blocks == offsets.length) {
      offsets = Arrays.copyOf(offsets, blocks * 2);
    }
    offsets[blocks++] = position;
    CRC32C crc = new CRC32C();
    crc.update(payload);
    write(
        ByteBuffer.allocate(AttributeTable.BLOCK_HEADER_BYTES)
            .putInt(payload.length)
            .putInt((int) crc.getValue())
            .flip());
    write(ByteBuffer.wrap(payload));
  }

  private void write(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      position += channel.write(buffer);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
