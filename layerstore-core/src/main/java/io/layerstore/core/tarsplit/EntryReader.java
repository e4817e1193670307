package io.layerstore.core.tarsplit;

import com.fasterxml.jackson.core.Base64Variants;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.driver.BlockFilterStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the entries of a tar-split document, as {@link EntryWriter} or any release of Docker wrote
 * it.
 *
 * <p>Takes any JSON that Go's decoder takes: white space anywhere, members in any order and in any
 * letter case, unknown ones ignored, the last of several alike. Nothing in the document is trusted:
 * whatever is not an entry is a {@link StoreCorruptedException}, and no document makes this use
 * more memory than one segment of at most {@link #MAX_PAYLOAD_BYTES}, nor look at more than twice
 * of that for an entry. Positions are not looked at, as in Docker.
 *
 * <p>Not safe for use by several threads. After an exception it can only be closed.
 */
public final class EntryReader implements Closeable {

  /** The longest segment or name that is read. Writers cut segments at 1 MiB. */
  public static final int MAX_PAYLOAD_BYTES = 8 << 20;

  /**
   * The longest entry, with all white space and unknown members: the longest segment in Base64, and
   * room for the rest.
   */
  private static final long MAX_ENTRY_BYTES = MAX_PAYLOAD_BYTES / 3 * 4 + (1 << 20);

  private static final int TYPE_FILE = 1;
  private static final int TYPE_SEGMENT = 2;

  // Of a tar header.
  private static final int BLOCK_BYTES = 512;
  private static final int TYPE_FLAG_OFFSET = 156;

  /** How many unknown members of different names a document may have: the parser remembers each. */
  private static final int MAX_UNKNOWN_NAMES = 256;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          // Who made the stream may want what follows the last entry.
          .disable(StreamReadFeature.AUTO_CLOSE_SOURCE)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(MAX_PAYLOAD_BYTES)
                  .maxNameLength(1 << 10)
                  .maxNumberLength(64)
                  .maxNestingDepth(64)
                  .build())
          .build();

  private final String file;
  private final InputStream document;
  private @Nullable EntryLines lines;
  private @Nullable EntryBound bound;
  private @Nullable JsonParser parser;
  private final Set<String> unknownNames = new HashSet<>();

  /** Whether what was read last is the header of an entry without a payload. */
  private boolean isHeaderOnly;

  // Members of the entry being read.
  private long type;
  private ByteString name = ByteString.EMPTY;
  private byte @Nullable [] nameRaw;
  private long size;
  private byte @Nullable [] payload;

  /**
   * Reads {@code document}, which is closed with this.
   *
   * @param document the JSON text, already decompressed
   * @param file the name of the file it comes from, for messages
   */
  public EntryReader(InputStream document, String file) {
    this.file = file;
    this.document = document;
    this.lines = new EntryLines(document);
  }

  /**
   * The next entry, or null at the end of the document.
   *
   * @throws StoreCorruptedException if what comes next is not an entry, or if it cannot be
   *     decompressed
   * @throws IOException if the document cannot be read
   */
  public @Nullable Entry next() throws IOException {
    try {
      if (lines != null && lines.next()) {
        takeLine(lines);
        return entry();
      }
      JsonParser json = parser();
      JsonToken token = json.nextToken();
      if (token == null) {
        return null;
      }
      if (token != JsonToken.START_OBJECT) {
        throw corrupted("it holds something other than entries", null);
      }
      readMembers(json);
      return entry();
    } catch (JsonEOFException e) {
      throw corrupted("it is cut off", e);
    } catch (JsonProcessingException e) {
      throw corrupted("it is not valid JSON or exceeds a limit: " + e.getOriginalMessage(), e);
    } catch (ArchiveException e) {
      throw corrupted("it cannot be decompressed", e);
    }
  }

  private void takeLine(EntryLines line) {
    type = line.isSegment() ? TYPE_SEGMENT : TYPE_FILE;
    name = line.name();
    nameRaw = null;
    size = line.size();
    payload = line.payload();
  }

  /** The parser, for what follows the lines that need none; it may read one entry more. */
  private JsonParser parser() throws IOException {
    EntryBound rest = bound;
    if (rest == null) {
      rest = new EntryBound(lines == null ? document : lines.rest());
      bound = rest;
      lines = null;
    }
    rest.beginEntry();
    JsonParser made = parser;
    if (made == null) {
      made = JSON.createParser(rest); // Which already reads.
      parser = made;
    }
    return made;
  }

  private void readMembers(JsonParser json) throws IOException {
    type = 0;
    name = ByteString.EMPTY;
    nameRaw = null;
    size = 0;
    payload = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String member = json.currentName();
      JsonToken value = json.nextToken();
      if (member.equalsIgnoreCase("type")) {
        type = number(json, member, value, type);
      } else if (member.equalsIgnoreCase("name")) {
        name = text(json, member, value, name);
      } else if (member.equalsIgnoreCase("name_raw")) {
        nameRaw = bytes(json, member, value);
      } else if (member.equalsIgnoreCase("size")) {
        size = number(json, member, value, size);
      } else if (member.equalsIgnoreCase("payload")) {
        payload = bytes(json, member, value);
      } else if (member.equalsIgnoreCase("position")) {
        number(json, member, value, 0);
      } else {
        skipUnknown(json, member, value);
      }
    }
  }

  private Entry entry() throws StoreCorruptedException {
    if (type == TYPE_SEGMENT) {
      SegmentEntry segment =
          new SegmentEntry(payload == null ? ByteString.EMPTY : ByteString.of(payload));
      isHeaderOnly = endsInHeaderOnly(segment.bytes());
      return segment;
    }
    if (type != TYPE_FILE) {
      throw corrupted("it has an entry of the unknown type " + type, null);
    }
    ByteString entryName = nameRaw != null ? ByteString.of(nameRaw) : name;
    if (size < 0) {
      throw corrupted("it has the size " + size + " for \"" + entryName + "\"", null);
    }
    if (size == 0) {
      return new FileEntry(entryName, 0, 0);
    }
    if (payload == null || payload.length != Long.BYTES) {
      throw corrupted("it has no checksum for \"" + entryName + "\"", null);
    }
    long crc = ByteBuffer.wrap(payload).getLong();
    // Docker notes the size in the header of a link or directory, with the checksum of no bytes.
    return crc == 0 && isHeaderOnly
        ? new FileEntry(entryName, 0, 0)
        : new FileEntry(entryName, size, crc);
  }

  /** Whether the last block is the header of an entry that never has a payload. */
  private static boolean endsInHeaderOnly(ByteString bytes) {
    if (bytes.length() < BLOCK_BYTES) {
      return false;
    }
    byte typeFlag = bytes.at(bytes.length() - BLOCK_BYTES + TYPE_FLAG_OFFSET);
    return typeFlag >= '1' && typeFlag <= '6';
  }

  private long number(JsonParser json, String member, JsonToken value, long unset)
      throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return unset;
    }
    if (value != JsonToken.VALUE_NUMBER_INT) {
      throw corrupted("the member \"" + ByteString.utf8(member) + "\" is not an integer", null);
    }
    return json.getLongValue();
  }

  private ByteString text(JsonParser json, String member, JsonToken value, ByteString unset)
      throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return unset;
    }
    requireString(member, value);
    return ByteString.utf8(wellFormed(json.getText()));
  }

  /** The text of a JSON string, given with its quotation marks; null if it is none. */
  static @Nullable ByteString textOf(byte[] json, int offset, int length) throws IOException {
    try (JsonParser parser = JSON.createParser(json, offset, length)) {
      boolean isText = parser.nextToken() == JsonToken.VALUE_STRING && parser.getText() != null;
      return isText ? ByteString.utf8(wellFormed(parser.getText())) : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** Half a surrogate pair can be escaped in JSON but not be encoded; Go reads U+FFFD. */
  private static String wellFormed(String text) {
    if (text.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return text;
    }
    StringBuilder whole = new StringBuilder(text.length());
    text.codePoints()
        .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
        .forEach(whole::appendCodePoint);
    return whole.toString();
  }

  private byte @Nullable [] bytes(JsonParser json, String member, JsonToken value)
      throws IOException {
    if (value == JsonToken.VALUE_NULL) {
      return null;
    }
    requireString(member, value);
    BoundedBytes decoded = new BoundedBytes();
    try {
      json.readBinaryValue(Base64Variants.MIME_NO_LINEFEEDS, decoded);
    } catch (IllegalArgumentException e) { // what Jackson throws for a character that is not Base64
      throw corrupted("the member \"" + ByteString.utf8(member) + "\" is not Base64", e);
    }
    return decoded.bytes.toByteArray();
  }

  private void requireString(String member, JsonToken value) throws StoreCorruptedException {
    if (value != JsonToken.VALUE_STRING) {
      throw corrupted("the member \"" + ByteString.utf8(member) + "\" is not a string", null);
    }
  }

  private void skipUnknown(JsonParser json, String member, JsonToken value) throws IOException {
    remember(member);
    int depth = value.isStructStart() ? 1 : 0;
    while (depth > 0) {
      JsonToken token = json.nextToken();
      if (token == null) {
        throw corrupted("it is cut off", null);
      } else if (token.isStructStart()) {
        depth++;
      } else if (token.isStructEnd()) {
        depth--;
      } else if (token == JsonToken.FIELD_NAME) {
        remember(json.currentName());
      }
    }
  }

  private void remember(String unknown) throws StoreCorruptedException {
    if (unknownNames.add(unknown) && unknownNames.size() > MAX_UNKNOWN_NAMES) {
      throw corrupted("it has too many unknown members", null);
    }
  }

  private StoreCorruptedException corrupted(String problem, @Nullable Throwable cause) {
    return new StoreCorruptedException(file, problem, cause);
  }

  /** Closes the document. */
  @Override
  public void close() throws IOException {
    try (document) {
      if (parser != null) {
        parser.close();
      }
    }
  }

  /**
   * Refuses an entry that does not end. The parser reads ahead a little, which is part of the room
   * that it has.
   */
  private final class EntryBound extends BlockFilterStream {
    private long left;

    EntryBound(InputStream document) {
      super(document);
    }

    void beginEntry() {
      left = MAX_ENTRY_BYTES;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int count = in.read(target, offset, length);
      left -= Math.max(0, count);
      if (left < 0) {
        throw corrupted("it has an entry longer than " + MAX_ENTRY_BYTES + " bytes", null);
      }
      return count;
    }
  }

  /** Collects decoded bytes and refuses the one after the last allowed. */
  private final class BoundedBytes extends OutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 10);

    @Override
    public void write(int b) throws IOException {
      requireRoom(1);
      bytes.write(b);
    }

    @Override
    public void write(byte[] b, int off, int len) throws IOException {
      requireRoom(len);
      bytes.write(b, off, len);
    }

    private void requireRoom(int length) throws StoreCorruptedException {
      if (length > MAX_PAYLOAD_BYTES - bytes.size()) {
        throw corrupted("it has a segment longer than " + MAX_PAYLOAD_BYTES + " bytes", null);
      }
    }
  }
}
