package io.layerstore.core.image.archive;

import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/** Reads a channel, and skips without reading, up to its end and no further. */
final class ChannelStream extends BlockInputStream {

  private final SeekableByteChannel channel;

  ChannelStream(SeekableByteChannel channel) {
    this.channel = channel;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    return channel.read(ByteBuffer.wrap(target, offset, length));
  }

  @Override
  public long skip(long wanted) throws IOException {
    long position = channel.position();
    long skipped = Math.max(0, Math.min(wanted, channel.size() - position));
    channel.position(position + skipped);
    return skipped;
  }
}
