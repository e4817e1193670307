package io.layerstore.vfs.record;

import static io.layerstore.vfs.record.AttributeTableTest.record;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AttributeLogTest {

  private static final ByteString A = AttributeKey.of(LayerPath.of("a"));
  private static final ByteString B = AttributeKey.of(LayerPath.of("b"));

  private Path staging;
  private Path table;

  @BeforeEach
  void makeDirectory() throws IOException {
    staging = Files.createDirectory(MemoryFiles.unix().getPath("/staging"));
    table = staging.resolve("table");
  }

  private static SortedMap<ByteString, AttributeRecord> read(Path file) throws IOException {
    SortedMap<ByteString, AttributeRecord> records = new TreeMap<>();
    try (AttributeTable table = AttributeTable.open(file)) {
      AttributeTable.Cursor cursor = table.from(ByteString.EMPTY);
      while (cursor.key() != null) {
        records.put(cursor.key(), cursor.record());
        cursor.advance();
      }
    }
    return records;
  }

  @Test
  void find_keyPutTwice_givesTheLast() throws IOException {
    try (AttributeLog log = new AttributeLog(staging, null)) {
      log.put(A, record(EntryType.FILE, 1));
      log.put(A, record(EntryType.FIFO, 2));
      assertEquals(record(EntryType.FIFO, 2), log.find(A));
      assertNull(log.find(B));
    }
  }

  @Test
  void isEmpty_afterEverythingWasRemoved_isTrueAgain() throws IOException {
    try (AttributeLog log = new AttributeLog(staging, null)) {
      log.put(A, record(EntryType.FILE, 1));
      log.remove(A);
      assertTrue(log.isEmpty());
      assertTrue(log.isUnchanged());
    }
  }

  @Test
  void writeTo_onTopOfTable_keepsReplacesAndRemoves() throws IOException {
    ByteString c = AttributeKey.of(LayerPath.of("c"));
    try (AttributeLog first = new AttributeLog(staging, null)) {
      first.put(A, record(EntryType.FILE, 1));
      first.put(B, record(EntryType.FILE, 2));
      first.put(c, record(EntryType.FILE, 3));
      first.writeTo(table, 5, false);
    }
    Path next = staging.resolve("next");
    try (AttributeLog second = new AttributeLog(staging, AttributeTable.open(table))) {
      second.put(B, record(EntryType.FIFO, 4));
      second.remove(c);
      assertEquals(record(EntryType.FILE, 1), second.find(A));
      assertNull(second.find(c));
      assertEquals(5, second.root(77));
      assertEquals(2, second.writeTo(next, 5, false));
    }
    SortedMap<ByteString, AttributeRecord> expected = new TreeMap<>();
    expected.put(A, record(EntryType.FILE, 1));
    expected.put(B, record(EntryType.FIFO, 4));
    assertEquals(expected, read(next));
  }

  @Test
  void writeTo_moreThanFitsInMemory_isTheSameAsAMap() throws IOException {
    SortedMap<ByteString, AttributeRecord> expected = new TreeMap<>();
    Random random = new Random(42);
    try (AttributeLog log = new AttributeLog(staging, null)) {
      for (int i = 0; i < 120_000; i++) {
        ByteString key = AttributeKey.of(LayerPath.of("d/" + random.nextInt(50_000)));
        if (random.nextInt(4) == 0) {
          log.remove(key);
          expected.remove(key);
        } else {
          AttributeRecord record = record(EntryType.FILE, i);
          log.put(key, record);
          expected.put(key, record);
        }
        if (i % 1000 == 0) {
          assertEquals(expected.get(key), log.find(key));
        }
      }
      try (Stream<Path> files = Files.list(staging)) {
        assertTrue(files.count() > 5, "enough to have been spilled and merged");
      }
      assertEquals(expected.size(), log.writeTo(table, 0, false));
    }
    assertEquals(expected, read(table));
  }
}
