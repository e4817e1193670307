package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/** Undoes xz with the optional library; apart, so that nothing else needs its classes. */
final class XzCodec {

  private static final String MEMORY_LIMIT_NAME = "xzMemoryKiB";

  /** What {@code xz -9} asks for is 65 MiB. */
  private static final long MAX_MEMORY_BYTES = 128L << 20;

  private XzCodec() {}

  static InputStream open(ArchiveSource source) throws IOException {
    // A dictionary that the heap cannot hold must be an error, not the end of the host.
    int limitKiB = (int) (Math.min(MAX_MEMORY_BYTES, Runtime.getRuntime().maxMemory() / 2) >> 10);
    return new XzStream(new XZInputStream(source, limitKiB), limitKiB);
  }

  /** Translates the one failure that is not about damaged data. */
  private static final class XzStream extends BlockInputStream {
    private final XZInputStream xz;
    private final int limitKiB;

    XzStream(XZInputStream xz, int limitKiB) {
      this.xz = xz;
      this.limitKiB = limitKiB;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      try {
        return xz.read(target, offset, length);
      } catch (MemoryLimitException e) {
        ArchiveException exceeded = ArchiveException.limitExceeded(MEMORY_LIMIT_NAME, limitKiB);
        exceeded.addSuppressed(e);
        throw exceeded;
      }
    }

    @Override
    public void close() throws IOException {
      xz.close();
    }
  }
}
