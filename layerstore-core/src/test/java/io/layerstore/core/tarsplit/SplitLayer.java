package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An archive taken apart: its bytes, its tar-split document, and the files that the last entry of
 * each name left.
 */
final class SplitLayer {

  static final String DOCUMENT = "tar-split.json.gz";

  private static final int BLOCK = 512;

  private final ByteArrayOutputStream tar = new ByteArrayOutputStream();
  private final ByteArrayOutputStream document = new ByteArrayOutputStream();
  private final Disassembler disassembler = new Disassembler(document);
  private final FakeFiles files = new FakeFiles();

  /**
   * Takes apart a tar of plain headers, long name records and PAX records, as Docker's packer does.
   */
  static SplitLayer of(byte[] tar) throws IOException {
    SplitLayer layer = new SplitLayer();
    int at = 0;
    int padding = 0;
    String longName = null;
    while (at + padding + BLOCK <= tar.length && tar[at + padding] != 0) {
      byte[] header = Arrays.copyOfRange(tar, at + padding, at + padding + BLOCK);
      layer.raw(Arrays.copyOfRange(tar, at, at + padding + BLOCK));
      at += padding + BLOCK;
      int size = Integer.parseInt(text(header, 124, 12).trim(), 8);
      byte[] content = Arrays.copyOfRange(tar, at, at + size);
      at += size;
      padding = -size & (BLOCK - 1);
      char type = (char) header[156];
      ByteString name = name(header);
      if (type == 'L') {
        longName = text(content, 0, size);
        layer.raw(content);
      } else if (type == 'x') {
        longName = paxPath(content);
        layer.raw(content);
      } else if (type == '0') {
        layer.file(longName == null ? name : ByteString.utf8(longName), content);
        longName = null;
      } else {
        layer.raw(content).file(name, new byte[0]);
      }
    }
    int endOfArchive = at + padding;
    for (int i = 0; i < 2 && endOfArchive + BLOCK <= tar.length; i++) {
      endOfArchive += BLOCK;
    }
    layer.raw(Arrays.copyOfRange(tar, at, endOfArchive));
    layer.endOfArchive();
    return layer.raw(Arrays.copyOfRange(tar, endOfArchive, tar.length)).end();
  }

  private static @Nullable String paxPath(byte[] records) {
    Matcher path = Pattern.compile(" path=(.*)\n").matcher(text(records, 0, records.length));
    return path.find() ? path.group(1) : null;
  }

  private static ByteString name(byte[] header) {
    int length = 0;
    while (length < 100 && header[length] != 0) {
      length++;
    }
    return ByteString.of(header, 0, length);
  }

  private static String text(byte[] field, int offset, int length) {
    String text = new String(field, offset, length, StandardCharsets.ISO_8859_1);
    int nul = text.indexOf(0);
    return nul < 0 ? text : text.substring(0, nul);
  }

  SplitLayer raw(byte[] bytes) throws IOException {
    tar.writeBytes(bytes);
    disassembler.raw(bytes, 0, bytes.length);
    return this;
  }

  SplitLayer file(String name, String content) throws IOException {
    return file(ByteString.utf8(name), content.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a file entry; the file is as the last entry of its path says. */
  SplitLayer file(ByteString name, byte[] content) throws IOException {
    tar.writeBytes(content);
    disassembler.file(name, content.length, crc(content));
    LayerPath path = LayerPath.normalise(name).orElse(null);
    if (content.length > 0 && path != null) {
      files.put(path, content);
    }
    return this;
  }

  SplitLayer endOfArchive() throws IOException {
    disassembler.endOfArchive();
    return this;
  }

  SplitLayer end() throws IOException {
    disassembler.close();
    return this;
  }

  byte[] tar() {
    return tar.toByteArray();
  }

  DiffId diffId() {
    return new DiffId(Digest.sha256Of(tar()));
  }

  byte[] document() {
    return document.toByteArray();
  }

  FakeFiles files() {
    return files;
  }

  AssembledStream assemble() throws IOException {
    return new AssembledStream(
        new ByteArrayInputStream(document()), DOCUMENT, files, diffId(), Runnable::run);
  }

  List<Entry> entries() throws IOException {
    return entries(new ByteArrayInputStream(document()));
  }

  static List<Entry> entries(InputStream document) throws IOException {
    List<Entry> entries = new ArrayList<>();
    try (EntryReader reader = new EntryReader(document, DOCUMENT)) {
      Entry entry;
      while ((entry = reader.next()) != null) {
        entries.add(entry);
      }
    }
    return entries;
  }

  static long crc(byte[] content) {
    Crc64 crc = new Crc64();
    crc.update(content, 0, content.length);
    return crc.getValue();
  }
}
