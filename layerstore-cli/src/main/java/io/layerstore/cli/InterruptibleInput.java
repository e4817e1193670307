package io.layerstore.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * A file, pipe or terminal whose {@code read} ends with {@link
 * java.nio.channels.ClosedByInterruptException} when the thread is interrupted. {@link System#in}
 * would go on waiting for a writer who may never write.
 *
 * <p>{@link java.nio.channels.Channels#newInputStream} is not used because it asks for the
 * position, which a pipe does not have.
 */
final class InterruptibleInput extends InputStream {
  private final FileChannel channel;

  private InterruptibleInput(FileChannel channel) {
    this.channel = channel;
  }

  /** The standard input of this process. */
  static InterruptibleInput standard() {
    return new InterruptibleInput(new FileInputStream(FileDescriptor.in).getChannel());
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
