package io.layerstore.vfs;

import io.layerstore.spi.EntryType;
import io.layerstore.vfs.record.DiskEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;

/**
 * Copies the content of regular files, and all attributes the JDK can copy.
 *
 * <p>Blocks of zeros in large files become holes. Not safe for use by many threads.
 */
final class FileCopier {

  /**
   * The JDK's own copy is what takes along attributes that it cannot even read, such as the {@code
   * security.capability} that Docker sets; but it writes out holes.
   */
  private static final long LARGE_BYTES = 1 << 20;

  private static final int BLOCK_BYTES = 64 << 10;
  private static final byte[] ZEROS = new byte[BLOCK_BYTES];

  private final Volume volume;
  private final ByteBuffer buffer = ByteBuffer.allocate(BLOCK_BYTES);

  FileCopier(Volume volume) {
    this.volume = volume;
  }

  /** Copies {@code source} to the new file {@code target}. */
  void copy(Path source, Path target, DiskEntry entry) throws IOException {
    if (entry.sizeBytes() == 0 && !volume.traits().setsOwners()) {
      // A placeholder is not readable, so times, which take an open file, come before the mode.
      Files.createFile(target, volume.creation(0600));
      volume.setXattrs(target, EntryType.FILE, volume.readXattrs(source, entry));
      volume.setTimes(target, entry.modified(), entry.accessed());
      volume.setMode(target, entry.mode());
      return;
    }
    if (entry.sizeBytes() > LARGE_BYTES && hasZeroBlock(source)) {
      copyWithHoles(source, target, entry);
    } else {
      Files.copy(source, target, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    }
    volume.setTimes(target, entry.modified(), entry.accessed());
  }

  private boolean hasZeroBlock(Path source) throws IOException {
    try (FileChannel in =
        FileChannel.open(source, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
      while (fill(in)) {
        if (isZero()) {
          return true;
        }
      }
      return false;
    }
  }

  private void copyWithHoles(Path source, Path target, DiskEntry entry) throws IOException {
    try (FileChannel in =
            FileChannel.open(source, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
        FileChannel out =
            FileChannel.open(
                target,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                volume.creation(0600))) {
      long position = 0;
      while (fill(in)) {
        int length = buffer.limit();
        if (!isZero()) {
          writeAt(out, position);
        }
        position += length;
      }
      extend(out, position);
    }
    volume.setXattrs(target, EntryType.FILE, volume.readXattrs(source, entry));
    copyOwner(source, target);
    volume.setMode(target, entry.mode());
  }

  private void copyOwner(Path source, Path target) throws IOException {
    if (volume.traits().setsOwners()) {
      for (String attribute : new String[] {"unix:uid", "unix:gid"}) {
        Files.setAttribute(
            target,
            attribute,
            Files.getAttribute(source, attribute, LinkOption.NOFOLLOW_LINKS),
            LinkOption.NOFOLLOW_LINKS);
      }
    }
  }

  private boolean fill(FileChannel in) throws IOException {
    buffer.clear();
    while (buffer.hasRemaining() && in.read(buffer) >= 0) {
      // Until the block is full or the file ends.
    }
    buffer.flip();
    return buffer.hasRemaining();
  }

  private boolean isZero() {
    int length = buffer.limit();
    return Arrays.equals(buffer.array(), 0, length, ZEROS, 0, length);
  }

  private void writeAt(FileChannel out, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      at += out.write(buffer, at);
    }
  }

  /** Makes the file {@code sizeBytes} long, with a hole at the end if need be. */
  static void extend(FileChannel out, long sizeBytes) throws IOException {
    if (out.size() < sizeBytes) {
      out.write(ByteBuffer.allocate(1), sizeBytes - 1);
    }
  }
}
