package io.layerstore.core.tar;

import io.layerstore.ByteString;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Finds out whether an entry is a sparse file, and reads its map from wherever its format keeps it.
 *
 * <pre>
 * old GNU  type 'S': four runs in the header block, 21 in each extension block after it
 * PAX 0.0  records GNU.sparse.offset and GNU.sparse.numbytes, repeated
 * PAX 0.1  record GNU.sparse.map: numbers with commas between them
 * PAX 1.0  at the start of the payload: lines with the count of runs, then offset and length of each; padded to whole blocks
 * </pre>
 *
 * @see <a href="https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html">GNU tar:
 *     storing sparse files</a>
 */
final class SparseReader {

  private enum Form {
    OLD_GNU,
    PAX_0,
    PAX_1
  }

  /**
   * A sparse file.
   *
   * @param name its name, if the map comes with one
   * @param logicalSize its size
   * @param mapBytes how many bytes of the payload were map
   */
  record Sparse(@Nullable ByteString name, long logicalSize, long mapBytes, SparseMap map) {}

  private final ArchiveInput input;
  private final EntryPosition position;
  private final long maxMapBytes;
  private final Extension lines = new Extension();

  SparseReader(ArchiveInput input, EntryPosition position, long maxMapBytes) {
    this.input = input;
    this.position = position;
    this.maxMapBytes = maxMapBytes;
  }

  /**
   * Reads the map of the entry in {@code block}, to which {@code pax} applies.
   *
   * @param block may hold something else afterwards
   * @param size how many bytes of payload follow
   * @return null if it is not sparse
   */
  @Nullable Sparse read(HeaderBlock block, PaxRecords pax, long size) throws IOException {
    Form form = form(block, pax);
    if (form == null) {
      return null;
    }
    if (form == Form.OLD_GNU) {
      return new Sparse(null, block.sparseRealSize(position), 0, readBlocks(block));
    }
    ByteString name = pax.has(PaxKey.SPARSE_NAME) ? pax.get(PaxKey.SPARSE_NAME) : null;
    PaxKey sizeKey = pax.has(PaxKey.SPARSE_SIZE) ? PaxKey.SPARSE_SIZE : PaxKey.SPARSE_REALSIZE;
    long logicalSize = pax.has(sizeKey) ? pax.number(sizeKey, position) : size;
    if (form == Form.PAX_0) {
      long runs = pax.number(PaxKey.SPARSE_NUMBLOCKS, position);
      return new Sparse(
          name, logicalSize, 0, SparseMap.ofCommaSeparated(pax.sparseMap(), runs, position));
    }
    SparseMap map = readLines(size);
    return new Sparse(name, logicalSize, lines.length(), map);
  }

  private @Nullable Form form(HeaderBlock block, PaxRecords pax) throws IOException {
    if (block.typeFlag() == 'S') {
      if (!block.isGnu()) {
        // Star uses the same type for a map of another form.
        throw position.malformed("a sparse file of type S that is not in GNU format");
      }
      return Form.OLD_GNU;
    }
    if (pax.is(PaxKey.SPARSE_MAJOR, "0")
        && (pax.is(PaxKey.SPARSE_MINOR, "0") || pax.is(PaxKey.SPARSE_MINOR, "1"))) {
      return Form.PAX_0;
    }
    if (pax.is(PaxKey.SPARSE_MAJOR, "1") && pax.is(PaxKey.SPARSE_MINOR, "0")) {
      return Form.PAX_1;
    }
    if (pax.has(PaxKey.SPARSE_MAJOR) || pax.has(PaxKey.SPARSE_MINOR)) {
      return null;
    }
    return pax.hasSparseMap() ? Form.PAX_0 : null;
  }

  private SparseMap readBlocks(HeaderBlock block) throws IOException {
    SparseMap map = new SparseMap();
    boolean isContinued = block.readSparseEntries(386, 4, map, position);
    for (long bytes = HeaderBlock.SIZE; isContinued; bytes += HeaderBlock.SIZE) {
      if (bytes > maxMapBytes) {
        throw position.exceeds("maxHeaderBytes", maxMapBytes);
      }
      if (!input.readRawBlock(block)) {
        throw position.unexpectedEnd();
      }
      isContinued = block.readSparseEntries(0, 21, map, position);
    }
    return map;
  }

  private SparseMap readLines(long size) throws IOException {
    lines.clear();
    int newlines = 0;
    long wanted = 1;
    long runs = -1;
    int firstEnd = 0;
    while (newlines < wanted) {
      int from = lines.length();
      if (from + HeaderBlock.SIZE > size) {
        throw position.malformed("invalid sparse map: it does not end inside the payload");
      }
      if (from + HeaderBlock.SIZE > maxMapBytes) {
        throw position.exceeds("maxHeaderBytes", maxMapBytes);
      }
      input.readRaw(lines, HeaderBlock.SIZE);
      for (int i = from; i < lines.length(); i++) {
        if (lines.bytes()[i] == '\n') {
          if (newlines++ == 0) {
            firstEnd = i;
          }
        }
      }
      if (runs < 0 && newlines > 0) {
        runs = parseCount(firstEnd);
        wanted = 1 + 2 * runs;
      }
    }
    return SparseMap.ofLines(lines.bytes(), firstEnd + 1, lines.length(), runs, position);
  }

  private long parseCount(int end) throws IOException {
    long count;
    try {
      count = Decimal.parse(lines.bytes(), 0, end);
    } catch (NumberFormatException e) {
      throw position.malformed("invalid sparse map: not a number");
    }
    if (count < 0 || count > Integer.MAX_VALUE) {
      throw position.malformed("invalid sparse map: " + count + " runs");
    }
    return count;
  }
}
