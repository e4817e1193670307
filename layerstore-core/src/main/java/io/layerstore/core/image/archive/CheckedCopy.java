package io.layerstore.core.image.archive;

import io.layerstore.ArchiveException;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.core.tar.DockerRefusals;
import io.layerstore.core.tar.EntryMapper;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies a layer's archive, and looks on the way for what {@code docker load} refuses it for.
 *
 * <p>Every byte is copied as it is read, before it is looked at, and what cannot be understood ends
 * the looking and not the copying. Takes 16 bytes of memory for each entry at the most.
 */
final class CheckedCopy {

  private static final Logger log = LoggerFactory.getLogger(CheckedCopy.class);
  private static final int BUFFER_BYTES = 128 << 10;

  private final Names names = new Names();
  private final DockerRefusals refusals = new DockerRefusals(names);

  private CheckedCopy() {}

  /**
   * Copies {@code archive} to its end.
   *
   * @param counter told of the bytes of each step
   * @return why {@code docker load} refuses it; null if it is not known to
   */
  static @Nullable String copy(InputStream archive, OutputStream out, LongConsumer counter)
      throws IOException {
    CheckedCopy copy = new CheckedCopy();
    Tee tee = new Tee(archive, out, counter);
    try {
      copy.look(tee);
    } catch (ArchiveException e) {
      // Another engine registered it, or it was tolerated here: it goes out as it is.
      log.debug("not looking at the rest of an archive that is saved", e);
    }
    tee.copyRest();
    return copy.refusals.first();
  }

  private void look(InputStream tar) throws IOException {
    TarReader reader = new TarReader(tar, Limits.NONE, TarReader.RawBytes.NONE);
    // Nearly every dockerd has a driver that stores whiteouts.
    EntryMapper mapper = new EntryMapper(Limits.NONE, false);
    for (TarHeader header = reader.next(); header != null; header = reader.next()) {
      if (header.isGlobalHeader()) {
        lookAtGlobalHeader(header);
      } else {
        MappedEntry mapped = mapper.map(header);
        refusals.look(header, mapped, !names.isWritten(mapped.path()));
        names.paths.add(mapped.path());
      }
      reader.skipPayload();
    }
  }

  private void lookAtGlobalHeader(TarHeader header) {
    try {
      LayerPath name = LayerPath.of(header.name());
      refusals.lookAtName(header, name, names.paths.add(name));
    } catch (IllegalArgumentException e) {
      // Not in cleaned form, so that it cannot be compared with other names.
      return;
    }
  }

  /** The names so far; nothing is written. */
  private static final class Names implements WriteContext {
    private final PathSet paths = new PathSet();

    @Override
    public boolean isWritten(LayerPath path) {
      return paths.contains(path);
    }

    @Override
    public void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) {}

    @Override
    public void destroying(LayerPath realPath, long sizeBytes, InputStream content) {}

    @Override
    public void redirecting(LayerPath realPath) {}

    /** The first is enough, and kept by whoever gives it. */
    @Override
    public void warn(LayerPath path, String reason) {}
  }

  /** Writes what is read. */
  private static final class Tee extends BlockFilterStream {
    private final OutputStream out;
    private final LongConsumer counter;
    private final byte[] buffer = new byte[BUFFER_BYTES];

    Tee(InputStream in, OutputStream out, LongConsumer counter) {
      super(in);
      this.out = out;
      this.counter = counter;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Interrupts.check("saving images");
      int count = in.read(target, offset, length);
      if (count > 0) {
        out.write(target, offset, count);
        counter.accept(count);
      }
      return count;
    }

    @Override
    public int available() {
      return 0;
    }

    void copyRest() throws IOException {
      int count;
      do {
        count = read(buffer, 0, buffer.length);
      } while (count >= 0);
    }
  }
}
