package io.layerstore.core.layer;

import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * A caller's stream while the store reads it: counts for progress, notices interrupts, and never
 * closes it.
 *
 * <p>Tells failures of the source from failures of what reads it.
 */
final class SourceStream extends BlockInputStream {

  private final InputStream source;
  private final ProgressReporter.OfLayer progress;

  SourceStream(InputStream source, ProgressReporter.OfLayer progress) {
    this.source = source;
    this.progress = progress;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    Interrupts.check("reading the layer archive");
    int count;
    try {
      count = source.read(bytes, offset, length);
    } catch (IOException e) {
      throw Interrupts.translate("reading the layer archive", e);
    }
    if (count > 0) {
      progress.addBytes(count);
    }
    return count;
  }
}
