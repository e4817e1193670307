package io.layerstore.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns a signal that ends the process into an interrupt of the working thread, and holds the
 * process until that thread has cleaned up: a store operation that is interrupted leaves nothing
 * behind, one that is cut off leaves work for the next open.
 */
final class Interruption {
  /** How long a cleaning up may take before the process goes anyway. */
  private static final long PATIENCE_SECONDS = 60;

  private final CountDownLatch finished = new CountDownLatch(1);

  private Interruption() {}

  static Interruption of(Thread worker) {
    Interruption interruption = new Interruption();
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> interruption.end(worker), "layerstore-shutdown"));
    return interruption;
  }

  private void end(Thread worker) {
    if (finished.getCount() == 0) {
      return;
    }
    worker.interrupt();
    try {
      if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        System.err.println("layerstore: gave up waiting; the next open of the store cleans up");
      }
    } catch (InterruptedException e) {
      // Nobody interrupts a shutdown hook; if somebody does, it is to end now.
      Thread.currentThread().interrupt();
    }
  }

  /** Says that the working thread is done, so that an end of the process need not wait for it. */
  void finished() {
    finished.countDown();
  }

  /** The standard input of this process, reading which an interrupt ends. */
  static InputStream standardInput() {
    return new Input(new FileInputStream(FileDescriptor.in).getChannel());
  }

  /**
   * A file, pipe or terminal whose {@code read} ends with {@link
   * java.nio.channels.ClosedByInterruptException} when the thread is interrupted. {@link System#in}
   * would go on waiting for a writer who may never write.
   *
   * <p>{@link java.nio.channels.Channels#newInputStream} is not used because it asks for the
   * position, which a pipe does not have.
   */
  private static final class Input extends InputStream {
    private final FileChannel channel;

    Input(FileChannel channel) {
      this.channel = channel;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return channel.read(ByteBuffer.wrap(bytes, offset, length));
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
