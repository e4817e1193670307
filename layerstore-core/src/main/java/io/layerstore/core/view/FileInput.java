package io.layerstore.core.view;

import io.layerstore.LayerPath;
import io.layerstore.LayerVerificationException;
import io.layerstore.core.tarsplit.Crc64;
import io.layerstore.driver.BlockFilterStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/**
 * What is left of a file's content, exactly so many bytes. If it is checked, the read that would
 * give the last of them fails when they are not what was recorded.
 */
final class FileInput extends BlockFilterStream {

  private final ViewFileSystem fileSystem;
  private final LayerPath path;
  private final boolean isChecked;
  private final long expected;
  private final Crc64 crc = new Crc64();
  private long left;

  FileInput(
      ViewFileSystem fileSystem,
      InputStream content,
      LayerPath path,
      long left,
      boolean isChecked,
      long expected) {
    super(content);
    this.fileSystem = fileSystem;
    this.path = path;
    this.left = left;
    this.isChecked = isChecked;
    this.expected = expected;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    fileSystem.requireOpen();
    Objects.checkFromIndexSize(offset, length, target.length);
    if (length == 0) {
      return 0;
    }
    if (left == 0) {
      return -1;
    }
    int count;
    try {
      count = in.read(target, offset, (int) Math.min(length, left));
    } catch (IOException | RuntimeException e) {
      fileSystem.requireOpen(); // What fails because it is being closed fails for that.
      throw e;
    }
    if (count < 0) {
      throw changed("it became shorter while it was read");
    }
    left -= count;
    if (isChecked) {
      crc.update(target, offset, count);
      if (left == 0 && crc.getValue() != expected) {
        left = 1; // fails again
        throw changed("file integrity checksum failed");
      }
    }
    return count;
  }

  @Override
  public int available() {
    return 0;
  }

  private LayerVerificationException changed(String problem) {
    return new LayerVerificationException(problem + " for \"" + path + "\"", path.toString(), null);
  }
}
