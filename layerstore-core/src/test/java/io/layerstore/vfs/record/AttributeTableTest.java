package io.layerstore.vfs.record;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class AttributeTableTest {

  private Path file;

  @BeforeEach
  void makeDirectory() throws IOException {
    file = Files.createDirectory(MemoryFiles.unix().getPath("/tables")).resolve("table");
  }

  static AttributeRecord record(EntryType type, long number) {
    boolean isDevice = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
    boolean isLink = type == EntryType.SYMLINK;
    Instant time = Instant.ofEpochSecond(number, number % 1_000_000_000);
    return new AttributeRecord(
        new TrueEntry(
            type,
            isDevice ? new Device(number, 0xffff_ffffL) : null,
            0,
            new Attributes(
                (int) (number & 07777), number, 0xffff_fffeL, time, Instant.EPOCH, List.of()),
            isLink ? ByteString.utf8("a//" + number) : null,
            List.of(),
            List.of(
                new Xattr(
                    ByteString.utf8("security.n"), ByteString.of(new byte[(int) number % 9]))),
            number % 3),
        new AttributeRecord.Shown(
            -number, time.plusNanos(2), Long.MAX_VALUE, 0644, 1, 2, time.plusNanos(1)),
        isLink && number % 4 != 0 ? ByteString.utf8("a/" + number) : null);
  }

  private static SortedMap<ByteString, AttributeRecord> records(int count) {
    EntryType[] types = {
      EntryType.DIRECTORY,
      EntryType.FILE,
      EntryType.SYMLINK,
      EntryType.CHARACTER_DEVICE,
      EntryType.BLOCK_DEVICE,
      EntryType.FIFO
    };
    SortedMap<ByteString, AttributeRecord> records = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      LayerPath path = LayerPath.of("d" + i % 7 + "/f" + i);
      records.put(AttributeKey.of(path), record(types[i % types.length], i));
    }
    return records;
  }

  private void write(Map<ByteString, AttributeRecord> records) throws IOException {
    try (AttributeTableWriter writer = new AttributeTableWriter(file)) {
      for (Map.Entry<ByteString, AttributeRecord> entry : records.entrySet()) {
        writer.add(entry.getKey(), entry.getValue());
      }
      writer.finish(99, true);
    }
  }

  @Nested
  class Reading {

    @Test
    void find_everyKey_givesItsRecord() throws IOException {
      SortedMap<ByteString, AttributeRecord> records = records(3000);
      write(records);
      try (AttributeTable table = AttributeTable.open(file)) {
        for (Map.Entry<ByteString, AttributeRecord> entry : records.entrySet()) {
          assertEquals(entry.getValue(), table.find(entry.getKey()));
        }
        assertEquals(3000, table.records());
        assertEquals(99, table.root());
      }
    }

    @Test
    void find_keyBetweenOthers_givesNothing() throws IOException {
      write(records(3000));
      try (AttributeTable table = AttributeTable.open(file)) {
        assertNull(table.find(ByteString.EMPTY));
        assertNull(table.find(AttributeKey.of(LayerPath.of("d3/f"))));
        assertNull(table.find(AttributeKey.of(LayerPath.of("zzz"))));
      }
    }

    @Test
    void from_keyOfDirectory_givesAllOfItsEntriesInARow() throws IOException {
      SortedMap<ByteString, AttributeRecord> records = records(3000);
      write(records);
      ByteString prefix = AttributeKey.prefix(LayerPath.of("d5"));
      List<ByteString> expected =
          records.keySet().stream().filter(key -> key.startsWith(prefix)).toList();
      List<ByteString> found = new ArrayList<>();
      try (AttributeTable table = AttributeTable.open(file)) {
        AttributeTable.Cursor cursor = table.from(prefix);
        while (cursor.key() != null && cursor.key().startsWith(prefix)) {
          found.add(cursor.key());
          cursor.advance();
        }
      }
      assertEquals(expected, found);
    }

    @Test
    void find_emptyTable_givesNothing() throws IOException {
      write(Map.of());
      try (AttributeTable table = AttributeTable.open(file)) {
        assertNull(table.find(AttributeKey.of(LayerPath.of("a"))));
      }
    }

    @Test
    void find_recordOfManyBlocks_givesAllOfIt() throws IOException {
      AttributeRecord plain = record(EntryType.FILE, 7);
      Xattr xattr = new Xattr(ByteString.utf8("trusted.x"), ByteString.of(new byte[1 << 20]));
      AttributeRecord large =
          new AttributeRecord(
              new TrueEntry(
                  EntryType.FILE,
                  null,
                  0,
                  plain.truth().attributes(),
                  null,
                  List.of(),
                  List.of(xattr)),
              plain.shown(),
              null);
      SortedMap<ByteString, AttributeRecord> records = records(10);
      records.put(AttributeKey.of(LayerPath.of("large")), large);
      write(records);
      try (AttributeTable table = AttributeTable.open(file)) {
        assertEquals(large, table.find(AttributeKey.of(LayerPath.of("large"))));
      }
    }
  }

  @Nested
  class Writing {

    @Test
    void add_keyThatIsNotGreater_isRefused() throws IOException {
      try (AttributeTableWriter writer = new AttributeTableWriter(file)) {
        writer.add(AttributeKey.of(LayerPath.of("b")), record(EntryType.FILE, 1));
        assertThrows(
            IllegalArgumentException.class,
            () -> writer.add(AttributeKey.of(LayerPath.of("a")), record(EntryType.FILE, 1)));
      }
    }
  }

  @Nested
  class Damage {

    @Test
    void open_otherVersion_saysSo() throws IOException {
      write(records(3));
      byte[] bytes = Files.readAllBytes(file);
      bytes[AttributeTable.MAGIC.length - 2] = '2';
      Files.write(file, bytes);
      StoreCorruptedException e =
          assertThrows(StoreCorruptedException.class, () -> AttributeTable.open(file));
      assertTrue(e.getMessage().contains("version"), e.getMessage());
    }

    @Test
    void open_anythingElse_isRefused() throws IOException {
      for (String text : List.of("", "l", "{}", "x".repeat(5000))) {
        Files.write(file, text.getBytes(StandardCharsets.UTF_8));
        assertThrows(StoreCorruptedException.class, () -> AttributeTable.open(file));
      }
    }

    @Test
    void open_cutOffAnywhere_isRefused() throws IOException {
      write(records(40));
      byte[] bytes = Files.readAllBytes(file);
      for (int length = 0; length < bytes.length; length++) {
        Files.write(file, Arrays.copyOf(bytes, length));
        assertThrows(StoreCorruptedException.class, () -> AttributeTable.open(file).close());
      }
    }

    @Test
    void read_anyBitFlipped_isRefused() throws IOException {
      SortedMap<ByteString, AttributeRecord> records = records(20);
      write(records);
      byte[] bytes = Files.readAllBytes(file);
      for (int i = 0; i < bytes.length * 8; i++) {
        byte[] flipped = bytes.clone();
        flipped[i / 8] ^= (byte) (1 << i % 8);
        Files.write(file, flipped);
        assertThrows(StoreCorruptedException.class, () -> readAll(file), "bit " + i);
      }
      Files.write(file, bytes);
      assertArrayEquals(records.keySet().toArray(), readAll(file).toArray());
    }

    private static List<ByteString> readAll(Path file) throws IOException {
      List<ByteString> keys = new ArrayList<>();
      try (AttributeTable table = AttributeTable.open(file)) {
        AttributeTable.Cursor cursor = table.from(ByteString.EMPTY);
        while (cursor.key() != null) {
          keys.add(cursor.key());
          cursor.advance();
        }
      }
      return keys;
    }
  }
}
