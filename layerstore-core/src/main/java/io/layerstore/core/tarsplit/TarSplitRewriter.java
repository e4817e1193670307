package io.layerstore.core.tarsplit;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import io.layerstore.LayerVerificationException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/**
 * Makes the tar-split of an archive that wrote a path twice, or destroyed what it had written, such
 * that the layer can be exported.
 *
 * <p>A file entry stays if it is the last of its name and the layer has the file, with that size
 * and checksum. The content of any other goes into segments, which every reader of the format puts
 * back: from the file if that is the same, also where only a link that is gone led to it, else from
 * what the driver handed back before it was destroyed. Entries without content stay if they are the
 * last of their name; a reader refuses a name that comes twice, and nothing is lost with the
 * others. The new document is proved by the digest of the archive it stands for.
 *
 * <p>Used once, by one thread. Reads the document twice and every file at most twice; memory does
 * not depend on the content.
 */
public final class TarSplitRewriter {

  /** Opens the document that is replaced, from its beginning, decompressed. */
  @FunctionalInterface
  public interface Document {
    /** A new stream, closed by the caller. */
    InputStream open() throws IOException;
  }

  private static final String DOCUMENT_NAME = "the tar-split of the layer being made";

  private final Document document;
  private final FileGetter files;
  private final SalvagedPayloads salvaged;
  private final LinkedPaths linked;
  private final LastPositions lastPositions = new LastPositions();
  private final MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
  private final byte[] buffer = new byte[192 << 10]; // a multiple of 3: no padding within a content

  /**
   * @param document the tar-split as it was written on the way
   * @param files the files of the layer as it is now; stays open
   * @param salvaged what was destroyed; stays open
   * @param linked where files are whose names lead through links; stays open
   */
  public TarSplitRewriter(
      Document document, FileGetter files, SalvagedPayloads salvaged, LinkedPaths linked) {
    this.document = document;
    this.files = files;
    this.salvaged = salvaged;
    this.linked = linked;
  }

  /**
   * Writes the new document to {@code target}, uncompressed, and leaves {@code target} open.
   *
   * @param expected the digest of the archive
   * @throws ArchiveException if a content is neither in the layer nor salvaged
   * @throws LayerVerificationException if the new document does not stand for the archive
   */
  public void rewrite(OutputStream target, DiffId expected) throws IOException {
    findLastPositions();
    EntryWriter writer = new EntryWriter(target);
    try (EntryReader entries = new EntryReader(document.open(), DOCUMENT_NAME);
        LinkedPaths.Reader realPaths = linked.read()) {
      Entry entry;
      for (long position = 0; (entry = entries.next()) != null; position++) {
        if (entry instanceof FileEntry file) {
          rewrite(file, position, realPaths, writer);
        } else if (entry instanceof SegmentEntry segment) {
          sha256.update(segment.bytes().asByteBuffer());
          writer.write(segment);
        }
      }
    }
    writer.flush();
    verify(expected);
  }

  private void findLastPositions() throws IOException {
    try (EntryReader entries = new EntryReader(document.open(), DOCUMENT_NAME)) {
      Entry entry;
      for (long position = 0; (entry = entries.next()) != null; position++) {
        if (entry instanceof FileEntry file) {
          LayerPath path = LayerPath.normalise(file.name()).orElse(null);
          if (path != null) {
            lastPositions.add(path, position);
          }
        }
      }
    }
  }

  private void rewrite(
      FileEntry entry, long position, LinkedPaths.Reader realPaths, EntryWriter writer)
      throws IOException {
    LayerPath path = LayerPath.normalise(entry.name()).orElse(null);
    LayerPath realPath = path == null ? null : realPaths.take(path);
    boolean isLast = path != null && lastPositions.isLast(path, position);
    if (entry.sizeBytes() == 0) {
      if (isLast) {
        writer.write(entry);
      }
    } else if (path != null && isLast && isInLayer(path, entry)) {
      pass(files.open(path, entry.sizeBytes()), null);
      writer.write(entry);
    } else {
      pass(content(path, realPath, entry), writer);
    }
  }

  /** The content of {@code entry}, wherever it still is. */
  private InputStream content(
      @Nullable LayerPath path, @Nullable LayerPath realPath, FileEntry entry) throws IOException {
    InputStream content = salvaged.open(entry.sizeBytes(), entry.crc());
    if (content != null) {
      return content;
    }
    if (realPath != null && isInLayer(realPath, entry)) {
      return files.open(realPath, entry.sizeBytes());
    }
    if (path != null && isInLayer(path, entry)) {
      return files.open(path, entry.sizeBytes());
    }
    throw new ArchiveException(
        Kind.UNSUPPORTED_ENTRY,
        -1,
        entry.name().toString(),
        "the content of \""
            + entry.name()
            + "\" is destroyed by a later entry, so that the layer cannot be exported again");
  }

  /** Whether the layer has the content of {@code entry} at {@code path}. */
  private boolean isInLayer(LayerPath path, FileEntry entry) throws IOException {
    Crc64 crc = new Crc64();
    try (InputStream content = files.open(path, entry.sizeBytes())) {
      int count;
      while ((count = content.read(buffer, 0, buffer.length)) >= 0) {
        crc.update(buffer, 0, count);
      }
    } catch (LayerVerificationException e) {
      return false; // something else is there now, or nothing
    }
    return crc.getValue() == entry.crc();
  }

  /**
   * Takes {@code content} into the digest, and into segments if there is a {@code writer}; closes
   * it.
   */
  private void pass(InputStream content, @Nullable EntryWriter writer) throws IOException {
    try (content) {
      int count;
      while ((count = content.readNBytes(buffer, 0, buffer.length)) > 0) {
        sha256.update(buffer, 0, count);
        if (writer != null) {
          writer.segment(buffer, 0, count);
        }
      }
    }
  }

  private void verify(DiffId expected) throws LayerVerificationException {
    Digest actual = Digest.sha256(sha256.digest());
    if (!actual.equals(expected.digest())) {
      throw new LayerVerificationException(
          "the layer "
              + expected
              + " could not be exported again: what its entries destroyed does not add up to the archive",
          expected.digest(),
          actual);
    }
  }
}
