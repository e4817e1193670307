package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.spi.FileContent;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** Writes the content of regular files from an archive. Not safe for use by many threads. */
final class FileContentWriter {

  private static final int BUFFER_BYTES = 64 << 10;

  /** File systems in memory have no holes: there they take as much as data. */
  static final long MAX_HOLES_IN_MEMORY = 256L << 20;

  private final Volume volume;
  private final byte[] buffer = new byte[BUFFER_BYTES];

  FileContentWriter(Volume volume) {
    this.volume = volume;
  }

  /** Makes the new file {@code file} of {@code sizeBytes} with {@code content} at its extents. */
  void write(Path file, int mode, long sizeBytes, FileContent content) throws IOException {
    requireRoomForHoles(file, sizeBytes, content);
    try (FileChannel out =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            volume.creation(mode))) {
      for (FileContent.Extent extent : content.extents()) {
        copy(content, extent, out);
      }
      FileCopier.extend(out, sizeBytes);
    }
  }

  /** An archive of a few bytes must not fill the memory of the host. */
  private static void requireRoomForHoles(Path file, long sizeBytes, FileContent content)
      throws ArchiveException {
    if (file.getFileSystem() == FileSystems.getDefault()) {
      return;
    }
    long holes = sizeBytes;
    for (FileContent.Extent extent : content.extents()) {
      holes -= extent.length();
    }
    if (holes > MAX_HOLES_IN_MEMORY) {
      throw ArchiveException.limitExceeded("bytes of holes in memory", MAX_HOLES_IN_MEMORY);
    }
  }

  private void copy(FileContent content, FileContent.Extent extent, FileChannel out)
      throws IOException {
    long position = extent.offset();
    while (position < extent.end()) {
      int wanted = (int) Math.min(buffer.length, extent.end() - position);
      int count = read(content, wanted);
      ByteBuffer chunk = ByteBuffer.wrap(buffer, 0, count);
      while (chunk.hasRemaining()) {
        position += out.write(chunk, position);
      }
    }
  }

  private int read(FileContent content, int wanted) throws ContextCalls.CallerException {
    try {
      int count = content.data().read(buffer, 0, wanted);
      if (count < 0) {
        throw new EOFException("the content of a file ends early");
      }
      return count;
    } catch (IOException e) {
      throw new ContextCalls.CallerException(e);
    }
  }
}
