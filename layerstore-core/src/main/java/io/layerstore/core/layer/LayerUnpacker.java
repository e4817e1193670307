package io.layerstore.core.layer;

import static java.util.Objects.requireNonNull;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.StoreOptions;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.tar.DockerRefusals;
import io.layerstore.core.tar.EntryMapper;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.core.tar.TarReader;
import io.layerstore.core.tarsplit.Crc64;
import io.layerstore.core.tarsplit.Disassembler;
import io.layerstore.core.tarsplit.LinkedPaths;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.FileContent.Extent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes one layer archive apart: entries to the driver's tree, everything else to the tar-split.
 *
 * <p>What tar-split cannot express as a reference to a file (the compact data of a sparse file,
 * content that no file of that name will hold) goes into it as raw bytes, which every reader of the
 * format puts back where they were. Used once, by one thread.
 */
final class LayerUnpacker {

  private static final int BUFFER_BYTES = 128 << 10;

  private final Limits limits;
  private final EntryMapper mapper;
  private final TreeWriter writer;
  private final UnpackContext context;
  private final DeviceFilter devices;
  private final DockerRefusals refusals;
  private final ProgressReporter.OfLayer progress;
  private final @Nullable Disassembler split;
  private final AufsLinkSources linkSources;
  private final byte[] buffer = new byte[BUFFER_BYTES];

  /** The sum of the size fields so far: sizes as the archive states them, holes included. */
  private long archiveBytes;

  /**
   * @param split takes the tar-split; null if the archive will not be exported again
   */
  LayerUnpacker(
      StoreOptions options,
      boolean executesWhiteouts,
      TreeWriter writer,
      UnpackContext context,
      ProgressReporter.OfLayer progress,
      @Nullable Disassembler split,
      AufsLinkSources linkSources) {
    this.limits = options.limits();
    this.mapper = new EntryMapper(limits, executesWhiteouts);
    this.writer = writer;
    this.context = context;
    this.devices = new DeviceFilter(options.devices(), context);
    this.refusals = new DockerRefusals(context);
    this.progress = progress;
    this.split = split;
    this.linkSources = linkSources;
  }

  /**
   * Unpacks {@code archive} to its end.
   *
   * @param copy takes every byte of it; null if nobody wants them
   * @return the size of the layer in bytes, as the driver counts
   */
  long unpack(DecompressedStream archive, @Nullable OutputStream copy) throws IOException {
    TarReader reader = new TarReader(archive, limits, new SplitBytes(split), copy);
    TarHeader header = reader.next();
    while (header != null) {
      Interrupts.check("unpacking the layer archive");
      unpack(header, reader);
      progress.addEntry();
      header = reader.next();
    }
    reader.drainTail();
    if (archive.isFollowedBySomethingElse() && !reader.hasEndMark()) {
      throw new ArchiveException(
          Kind.MALFORMED,
          "the archive has no end, and its gzip data is followed by something else: it is damaged");
    }
    if (split != null) {
      split.close();
    }
    context.logRemainingWarnings();
    return writer.finish(archiveBytes);
  }

  /** Why {@code docker load} refuses what was unpacked; null if nothing is known. */
  @Nullable String refusal() {
    return refusals.first();
  }

  private void unpack(TarHeader header, TarReader reader) throws IOException {
    if (header.index() >= limits.maxEntries()) {
      throw ArchiveException.limitExceeded(
          header.index(), header.name().toString(), "maxEntries", limits.maxEntries());
    }
    archiveBytes = addWithinLimit(archiveBytes, header);
    if (header.isGlobalHeader()) {
      unpackGlobalHeader(header);
      return;
    }
    MappedEntry mapped = mapper.map(header);
    InputStream payload = reader.payload();
    boolean isFirst = !context.isWritten(mapped.path());
    if (split != null) {
      refusals.look(header, mapped, isFirst);
    }
    switch (mapped.kind()) {
      case SKIPPED -> {
        splitEmptyFile(header, isFirst);
        splitRaw(payload);
      }
      case LINK_SOURCE -> {
        splitEmptyFile(header, isFirst);
        linkSources.add(mapped, rawTee(payload));
      }
      case LINKED_COPY -> {
        splitEmptyFile(header, isFirst);
        splitRaw(payload);
        linkSources.writeCopy(header, mapped, writer);
      }
      case ENTRY -> unpackEntry(header, requireNonNull(mapped.tree()), reader, isFirst);
    }
    // Only now: the writer asks what had been written before this entry.
    context.addName(mapped.path());
  }

  /** Docker names a global header in the tar-split, although no file belongs to it. */
  private void unpackGlobalHeader(TarHeader header) throws IOException {
    LayerPath name;
    try {
      name = LayerPath.of(header.name());
    } catch (IllegalArgumentException e) {
      // Not in cleaned form, so that it could not be compared with other names; it names nothing
      // anyway.
      return;
    }
    boolean isFirst = context.addName(name);
    if (split != null) {
      refusals.lookAtName(header, name, isFirst);
    }
    splitEmptyFile(header, isFirst);
  }

  private void unpackEntry(TarHeader header, TreeEntry entry, TarReader reader, boolean isFirst)
      throws IOException {
    InputStream payload = reader.payload();
    warnOfXattrs(header, entry);
    boolean isLeftOut = devices.leavesOut(header.index(), entry);
    if (entry.type() != EntryType.FILE) {
      if (!isLeftOut) {
        writer.write(entry, null);
      }
      splitEmptyFile(header, isFirst);
      splitRaw(payload);
      return;
    }
    List<Extent> extents = header.extents();
    if (extents != null) {
      splitSparseFile(header, isFirst);
      InputStream data = rawTee(payload);
      writer.write(entry, new FileContent(data, extents));
      exhaust(data);
    } else if (entry.sizeBytes() == 0) {
      writer.write(entry, FileContent.dense(payload, 0));
      splitEmptyFile(header, isFirst);
    } else {
      Crc64 crc = new Crc64();
      InputStream data = reader.payload(crc);
      writer.write(entry, FileContent.dense(data, entry.sizeBytes()));
      exhaust(data);
      splitFile(header, crc.getValue(), isFirst);
    }
  }

  /** Attributes that no file on Linux can have are in the archive alone. */
  private void warnOfXattrs(TarHeader header, TreeEntry entry) {
    if (entry.type() == EntryType.WHITEOUT || entry.type() == EntryType.OPAQUE) {
      return; // what such an entry has of attributes is of no interest to anybody
    }
    for (Xattr xattr : header.xattrs()) {
      EntryMapper.leftOut(xattr)
          .ifPresent(
              reason ->
                  context.warn(
                      entry.path(),
                      "extended attribute "
                          + xattr.name()
                          + " "
                          + reason
                          + ", and is only in exported archives"));
    }
  }

  private long addWithinLimit(long sum, TarHeader header) throws ArchiveException {
    if (header.size() > limits.maxUnpackedBytes() - sum) {
      throw ArchiveException.limitExceeded(
          header.index(), header.name().toString(), "maxUnpackedBytes", limits.maxUnpackedBytes());
    }
    return sum + header.size();
  }

  /** Reads what a driver left, so that digest and tar-split see every byte. */
  private void exhaust(InputStream in) throws IOException {
    int count;
    do {
      count = in.read(buffer, 0, buffer.length);
    } while (count >= 0);
  }

  private void splitFile(TarHeader header, long crc, boolean isFirst) throws IOException {
    if (split != null) {
      split.file(header.name(), header.size(), crc);
      if (!isFirst) {
        context.noteRepeatedPayload();
      }
    }
  }

  /**
   * Names an entry without content. Readers of tar-split refuse a second entry of one name, and
   * this one carries nothing, so a repeated name is left out.
   */
  private void splitEmptyFile(TarHeader header, boolean isFirst) throws IOException {
    if (split != null && isFirst) {
      split.file(header.name(), 0, 0);
    }
  }

  /**
   * Names a sparse file, whose compact data follows as raw bytes. Named again if its name is
   * repeated: see {@link LinkedPaths}.
   */
  private void splitSparseFile(TarHeader header, boolean isFirst) throws IOException {
    if (split != null) {
      split.file(header.name(), 0, 0);
      if (!isFirst) {
        context.noteRepeatedPayload();
      }
    }
  }

  private void splitRaw(InputStream payload) throws IOException {
    exhaust(rawTee(payload));
  }

  /** The payload, of which every byte that is read also goes into the tar-split as it is. */
  private InputStream rawTee(InputStream payload) {
    return split == null ? payload : new TeeStream(payload, new SplitBytes(split));
  }

  /** Passes raw bytes of the archive on to the tar-split. */
  private static final class SplitBytes extends OutputStream implements TarReader.RawBytes {
    private final @Nullable Disassembler split;

    SplitBytes(@Nullable Disassembler split) {
      this.split = split;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (split != null) {
        split.raw(bytes, offset, length);
      }
    }

    @Override
    public void bytes(byte[] bytes, int offset, int length) throws IOException {
      write(bytes, offset, length);
    }

    @Override
    public void endOfArchive() throws IOException {
      if (split != null) {
        split.endOfArchive();
      }
    }
  }

  /** Copies everything that is read to a second place. */
  private static final class TeeStream extends BlockFilterStream {

    private final OutputStream copy;

    TeeStream(InputStream in, OutputStream copy) {
      super(in);
      this.copy = copy;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int count = in.read(bytes, offset, length);
      if (count > 0) {
        copy.write(bytes, offset, count);
      }
      return count;
    }
  }
}
