package io.layerstore.core.codec;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import com.github.luben.zstd.ZstdOutputStreamNoFinalizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Does and undoes zstd with the optional library; apart, so that nothing else needs its classes.
 */
final class ZstdCodec {

  /** 128 MiB, the largest window that the zstd tool takes unasked. */
  private static final int MAX_WINDOW_LOG = 27;

  /** The level that the zstd tool takes unasked. */
  private static final int LEVEL = 3;

  private ZstdCodec() {}

  static InputStream open(ArchiveSource source) throws IOException {
    return new ZstdInputStreamNoFinalizer(source).setLongMax(MAX_WINDOW_LOG);
  }

  static OutputStream compress(OutputStream target) throws IOException {
    return new ZstdOutputStreamNoFinalizer(target, LEVEL).setChecksum(true);
  }
}
