package io.layerstore.cli;

import io.layerstore.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Copies a stream, shows how far it is, and knows afterwards how much it was and its SHA-256. Used
 * once.
 */
final class Copy {
  private static final long SHOW_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final ProgressBar progressBar;
  private final MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
  private long bytes;

  Copy(ProgressBar progressBar) {
    this.progressBar = progressBar;
  }

  /**
   * Copies to the end of {@code in} and flushes {@code out}.
   *
   * @throws InterruptedIOException if the thread is interrupted, of which a plain stream takes no
   *     notice
   */
  void all(InputStream in, OutputStream out) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long shown = System.nanoTime();
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted");
      }
      out.write(buffer, 0, n);
      sha256.update(buffer, 0, n);
      bytes += n;
      long now = System.nanoTime();
      if (now - shown >= SHOW_EVERY_NANOS) {
        progressBar.show("exporting", bytes, OptionalLong.empty(), 0);
        shown = now;
      }
    }
    out.flush();
    progressBar.clear();
  }

  long bytes() {
    return bytes;
  }

  /** The SHA-256 of what was copied; to be asked once. */
  Digest digest() {
    return Digest.sha256(sha256.digest());
  }
}
