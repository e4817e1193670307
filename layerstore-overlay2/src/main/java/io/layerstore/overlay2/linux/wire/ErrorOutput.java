package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * What a helper writes to its standard error, in printable form: the first 64 KiB of it.
 *
 * <p>Read to its end by a thread of its own, so that the helper never waits. Forked processes share
 * it with the one they were forked from.
 */
final class ErrorOutput {

  private static final int MAX_LENGTH = 64 << 10;
  private static final int BUFFER_SIZE = 1024;

  private final InputStream in;
  private final BackgroundThread reader;
  private final StringBuilder text = new StringBuilder();

  ErrorOutput(InputStream in, String threadName) {
    this.in = in;
    this.reader = new BackgroundThread(threadName, this::read);
  }

  void start() {
    reader.start();
  }

  private void read() {
    byte[] buffer = new byte[BUFFER_SIZE];
    try (in) {
      int count = in.read(buffer);
      while (count >= 0) {
        keep(ByteString.of(buffer, 0, count).toString());
        count = in.read(buffer);
      }
    } catch (IOException e) {
      // Killed: nobody asks for the rest.
    }
  }

  private synchronized void keep(String part) {
    text.append(part, 0, Math.min(part.length(), MAX_LENGTH - text.length()));
  }

  /**
   * Everything kept, once there will be no more: when the process has ended, and nothing that it
   * started has its standard error; what is there by then if that takes longer than {@code
   * timeout}.
   */
  String text(Duration timeout) {
    reader.join(timeout);
    return text();
  }

  /** What was kept so far. */
  synchronized String text() {
    return text.toString();
  }
}
