package io.layerstore.core.image.archive;

import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.TemporaryDirectory;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A temporary file for members of a stream that are needed later: one file for all of them, in a
 * directory of its own. Made when the first member comes.
 */
final class Spool implements Closeable {

  private static final Logger log = LoggerFactory.getLogger(Spool.class);

  private static final int FILE_MODE = 0600;
  private static final int BUFFER_BYTES = 128 << 10;

  private final TemporaryDirectory directory;
  private @Nullable Path file;
  private @Nullable FileChannel channel;
  private long length;

  Spool(Path temporaryDirectory) {
    this.directory = new TemporaryDirectory(temporaryDirectory);
  }

  /** Adds what is left of {@code in}. */
  Blob add(InputStream in) throws IOException {
    FileChannel out = open();
    Path target = file;
    if (target == null) {
      throw new IllegalStateException("the spool is not open");
    }
    long start = length;
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      Interrupts.check("reading the image archive");
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      length += count;
    }
    return Blob.of(target, start, length - start);
  }

  /** How many bytes were spooled. */
  long length() {
    return length;
  }

  private FileChannel open() throws IOException {
    FileChannel open = channel;
    if (open == null) {
      Path made = directory.file("members");
      open = AtomicFiles.createNew(made, FILE_MODE);
      file = made;
      channel = open;
    }
    return open;
  }

  /** Never fails: what was loaded is loaded, whether or not the file can be deleted now. */
  @Override
  public void close() {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      log.debug("closing {}", file, e);
    }
    directory.close();
  }
}
