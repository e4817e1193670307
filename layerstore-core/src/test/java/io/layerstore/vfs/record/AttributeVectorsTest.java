package io.layerstore.vfs.record;

import static io.layerstore.testing.FormatVectors.text;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.FormatVectors;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** {@code docs/formats/attributes.md} says what is in a file of attribute records. */
final class AttributeVectorsTest {

  private static final String NAME = "attributes.bin";
  private static final long ROOT = 0x1234_5678_9abc_def0L;
  private static final Instant BEFORE_1970 = Instant.ofEpochSecond(-1, 999_999_999);

  @Test
  void vector_ofRecordsOfEveryKind_isWhatIsWrittenNow() throws IOException {
    FormatVectors.assertIs(NAME, written());
    FormatVectors.assertIs("attributes.json", json());
  }

  @Test
  void vector_readByAnother_hasTheSameRecords() throws IOException, InterruptedException {
    FormatVectors.assertReads("attributes", NAME, json());
  }

  /** More than fit into one block. */
  private static SortedMap<ByteString, AttributeRecord> records() {
    SortedMap<ByteString, AttributeRecord> records = new TreeMap<>();
    records.put(path("dev/null"), record(EntryType.CHARACTER_DEVICE, null, null, 0));
    records.put(path("dev/sda"), record(EntryType.BLOCK_DEVICE, null, null, 0));
    records.put(path("run/pipe"), record(EntryType.FIFO, null, null, 0));
    records.put(path("tmp"), record(EntryType.DIRECTORY, null, null, 0));
    records.put(path("bin/sh"), record(EntryType.SYMLINK, "a//b", "a/b", 0));
    records.put(path("bin/link"), record(EntryType.SYMLINK, "C:\\x", null, 0));
    records.put(path("bin/copy"), record(EntryType.FILE, null, null, 3));
    records.put(AttributeKey.ofGroup(3), record(EntryType.FILE, null, null, 3));
    records.put(AttributeKey.of(0x8000_0000_0000_0001L), record(EntryType.FILE, null, null, 0));
    ByteString name = ByteString.of(new byte[] {'c', 'a', 'f', (byte) 0xe9, '%'});
    records.put(AttributeKey.prefix(LayerPath.of("usr/share")).concat(name), plain(1));
    for (int i = 0; i < 20; i++) {
      records.put(path("usr/lib/" + i), plain(i * 1000));
    }
    return records;
  }

  private static ByteString path(String path) {
    return AttributeKey.of(LayerPath.of(path));
  }

  private static AttributeRecord plain(int number) {
    Instant time = Instant.ofEpochSecond(1_600_000_000);
    return new AttributeRecord(
        new TrueEntry(
            EntryType.FILE,
            null,
            0,
            new Attributes(0644, number, number, time, Instant.EPOCH, List.of()),
            null,
            List.of(),
            List.of(new Xattr(ByteString.utf8("user.x"), ByteString.of(new byte[900])))),
        new AttributeRecord.Shown(number, Instant.EPOCH, number, 0644, 1000, 1000, time),
        null);
  }

  private static AttributeRecord record(
      EntryType type, @Nullable String text, @Nullable String shown, long group) {
    boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
    return new AttributeRecord(
        new TrueEntry(
            type,
            isDevice ? new Device(0xffff_ffffL, 127) : null,
            0,
            new Attributes(06755, 0xffff_fffeL, 128, BEFORE_1970, Instant.EPOCH, List.of()),
            text == null ? null : ByteString.utf8(text),
            List.of(),
            List.of(
                new Xattr(
                    ByteString.utf8("security.capability"), ByteString.of(new byte[] {1, -1})),
                new Xattr(ByteString.utf8("user.x"), ByteString.EMPTY)),
            group),
        new AttributeRecord.Shown(
            -2, Instant.ofEpochSecond(1, 2), Long.MAX_VALUE, 0600, 1000, 1000, BEFORE_1970),
        shown == null ? null : ByteString.utf8(shown));
  }

  private static byte[] written() throws IOException {
    Path file = MemoryFiles.unix().getPath("/table");
    try (AttributeTableWriter writer = new AttributeTableWriter(file)) {
      for (Map.Entry<ByteString, AttributeRecord> entry : records().entrySet()) {
        writer.add(entry.getKey(), entry.getValue());
      }
      writer.finish(ROOT, false);
    }
    return Files.readAllBytes(file);
  }

  private static String json() {
    StringBuilder json = new StringBuilder();
    SortedMap<ByteString, AttributeRecord> records = records();
    json.append(String.format("{\"records\": %d, \"root\": %d}\n", records.size(), ROOT));
    records.forEach((key, record) -> json.append(json(key, record)).append('\n'));
    return json.toString();
  }

  private static String json(ByteString key, AttributeRecord record) {
    AttributeRecord.Shown shown = record.shown();
    List<String> xattrs =
        record.truth().recorded().stream()
            .map(xattr -> "[" + quoted(xattr.name()) + ", \"" + hex(xattr.value()) + "\"]")
            .toList();
    @Nullable Device device = record.truth().device();
    return String.format(
        "{\"key\": %s, \"type\": \"%s\", \"device\": %s, %s, \"text\": %s, \"shownText\": %s,"
            + " \"xattrs\": %s, \"shown\": {\"inode\": %s, \"born\": %s, \"size\": %d, %s},"
            + " \"group\": %d}",
        key(key),
        letter(record),
        device == null ? "null" : "[" + device.major() + ", " + device.minor() + "]",
        common(
            record.truth().attributes().mode(),
            record.truth().attributes().uid(),
            record.truth().attributes().gid(),
            record.truth().attributes().modified()),
        quoted(record.truth().linkText()),
        quoted(record.shownLinkText()),
        xattrs,
        Long.toUnsignedString(shown.inode()),
        time(shown.born()),
        shown.sizeBytes(),
        common(shown.mode(), shown.uid(), shown.gid(), shown.modified()),
        record.truth().group());
  }

  private static String key(ByteString key) {
    if (key.startsWith(ByteString.of(new byte[2]))) {
      long number = key.asByteBuffer().getLong(2);
      String kind = key.length() == 10 ? "inode" : "group";
      return "{\"" + kind + "\": " + Long.toUnsignedString(number) + "}";
    }
    String path = text(key).replace("%00", "/");
    return "{\"path\": \"" + (path.startsWith("/") ? path.substring(1) : path) + "\"}";
  }

  private static String letter(AttributeRecord record) {
    return switch (record.truth().type()) {
      case DIRECTORY -> "d";
      case FILE -> "f";
      case FIFO -> "p";
      case CHARACTER_DEVICE -> "c";
      case BLOCK_DEVICE -> "b";
      case SYMLINK -> record.isLinkInFile() ? "t" : "l";
      default -> throw new IllegalArgumentException("no record: " + record.truth().type());
    };
  }

  private static String common(int mode, long uid, long gid, Instant modified) {
    return String.format(
        "\"mode\": %d, \"uid\": %d, \"gid\": %d, \"modified\": %s", mode, uid, gid, time(modified));
  }

  private static String time(Instant time) {
    return "[" + time.getEpochSecond() + ", " + time.getNano() + "]";
  }

  private static String quoted(@Nullable ByteString bytes) {
    return bytes == null ? "null" : "\"" + text(bytes).replace("\\", "\\\\") + "\"";
  }

  private static String hex(ByteString bytes) {
    return HexFormat.of().formatHex(bytes.toByteArray());
  }
}
