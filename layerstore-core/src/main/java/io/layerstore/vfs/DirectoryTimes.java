package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The times that directories are to have once everything in them is written, kept in a file.
 *
 * <p>Not safe for use by many threads.
 */
final class DirectoryTimes implements Closeable {

  /** Sets the times of one directory. */
  interface Setter {
    void set(LayerPath directory, Instant modified, Instant accessed) throws IOException;
  }

  private final Path file;
  private @Nullable DataOutputStream out;

  /** Writes to the new file {@code file} if need be. */
  DirectoryTimes(Path file) {
    this.file = file;
  }

  void add(LayerPath directory, Instant modified, Instant accessed) throws IOException {
    DataOutputStream stream = out;
    if (stream == null) {
      stream =
          new DataOutputStream(
              new BufferedOutputStream(
                  Files.newOutputStream(
                      file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)));
      out = stream;
    }
    byte[] path = directory.bytes().toByteArray();
    stream.writeInt(path.length);
    stream.write(path);
    write(stream, modified);
    write(stream, accessed);
  }

  private static void write(DataOutputStream stream, Instant time) throws IOException {
    stream.writeLong(time.getEpochSecond());
    stream.writeInt(time.getNano());
  }

  /** Goes through all of them in the order in which they came; none can be added after that. */
  void forEach(Setter setter) throws IOException {
    DataOutputStream written = out;
    if (written == null) {
      return;
    }
    written.close();
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      // The first number of an entry tells the end: there is none.
      for (int length = nextLength(in); length >= 0; length = nextLength(in)) {
        LayerPath path = LayerPath.of(ByteString.of(in.readNBytes(length)));
        setter.set(path, readTime(in), readTime(in));
      }
    }
  }

  private static int nextLength(DataInputStream in) throws IOException {
    int first = in.read();
    if (first < 0) {
      return -1;
    }
    return first << 24 | in.readUnsignedByte() << 16 | in.readUnsignedShort();
  }

  private static Instant readTime(DataInputStream in) throws IOException {
    return Instant.ofEpochSecond(in.readLong(), in.readInt());
  }

  @Override
  public void close() throws IOException {
    if (out != null) {
      out.close();
    }
  }
}
