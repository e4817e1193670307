package io.layerstore.vfs;

import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.driver.BlockFilterStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;

/**
 * The content of a file that somebody may be writing to: exactly as many bytes as expected, or a
 * {@link ConcurrentChangeException}.
 */
final class UnchangedFileStream extends BlockFilterStream {

  /** Tells whether the file is another one by now, or was written to. */
  interface ChangeCheck {
    boolean hasChanged() throws IOException;
  }

  private final LayerPath path;
  private final ChangeCheck check;
  private long remaining;
  private boolean isChecked;

  UnchangedFileStream(
      SeekableByteChannel channel, LayerPath path, long sizeBytes, ChangeCheck check) {
    super(Channels.newInputStream(channel));
    this.path = path;
    this.check = check;
    this.remaining = sizeBytes;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (remaining == 0) {
      checkOnce();
      return -1;
    }
    int count = in.read(target, offset, (int) Math.min(length, remaining));
    if (count < 0) {
      throw new ConcurrentChangeException(path.toString(), null);
    }
    remaining -= count;
    if (remaining == 0) {
      checkOnce();
    }
    return count;
  }

  private void checkOnce() throws IOException {
    if (!isChecked) {
      isChecked = true;
      if (in.read() >= 0 || check.hasChanged()) {
        throw new ConcurrentChangeException(path.toString(), null);
      }
    }
  }

  @Override
  public int available() throws IOException {
    return (int) Math.min(in.available(), remaining);
  }
}
