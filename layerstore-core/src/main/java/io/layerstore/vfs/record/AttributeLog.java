package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.driver.Closing;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes attribute records in any order, on top of those a layer has already, and sorts them into a
 * new table in the end.
 *
 * <p>A few MiB of records are in memory; more go to sorted files in the staging directory, in which
 * records can still be looked up. The last record put under a key is the one that counts. Not safe
 * for use by many threads.
 */
public final class AttributeLog implements Closeable {

  private static final long MAX_MEMORY_BYTES = 3 << 20;

  /** What a record takes in memory beside its variable parts, by measurement. */
  private static final int RECORD_BYTES = 450;

  private static final int MAX_RUNS = 12;

  private final Path staging;
  private final @Nullable AttributeTable base;
  private final NavigableMap<ByteString, AttributeRecord> recent = new TreeMap<>();
  private final List<AttributeTable> runs = new ArrayList<>();
  private long recentBytes;
  private int runsWritten;

  /** Starts from the records of {@code base}, which it closes in the end. */
  public AttributeLog(Path staging, @Nullable AttributeTable base) {
    this.staging = staging;
    this.base = base;
  }

  /** Whether nothing was ever recorded, so that nothing has to be taken back. */
  public boolean isEmpty() {
    return base == null && runs.isEmpty() && recent.isEmpty();
  }

  /** Whether nothing was put or removed. */
  public boolean isUnchanged() {
    return runs.isEmpty() && recent.isEmpty();
  }

  /**
   * The root for the new table: {@code inode}, unless the records before are of a tree that was
   * copied since, whose inodes no longer count.
   */
  public long root(long inode) {
    return base == null ? inode : base.root();
  }

  public void put(ByteString key, AttributeRecord record) throws IOException {
    AttributeRecord replaced = recent.put(key, record);
    recentBytes += sizeOf(key, record) - (replaced == null ? 0 : sizeOf(key, replaced));
    if (recentBytes > MAX_MEMORY_BYTES) {
      spill();
    }
  }

  /** Puts {@code record}, or takes back what there was if it is null. */
  public void set(ByteString key, @Nullable AttributeRecord record) throws IOException {
    if (record == null) {
      remove(key);
    } else {
      put(key, record);
    }
  }

  /** Takes back what was recorded under {@code key}. */
  public void remove(ByteString key) throws IOException {
    if (base == null && runs.isEmpty()) {
      AttributeRecord replaced = recent.remove(key);
      recentBytes -= replaced == null ? 0 : sizeOf(key, replaced);
    } else if (find(key) != null) {
      put(key, AttributeRecord.GONE);
    }
  }

  /** The record that counts for {@code key}; null if there is none. */
  public @Nullable AttributeRecord find(ByteString key) throws IOException {
    AttributeRecord found = recent.get(key);
    for (int i = runs.size() - 1; found == null && i >= 0; i--) {
      found = runs.get(i).find(key);
    }
    if (found == null && base != null) {
      found = base.find(key);
    }
    return found == null || found.isGone() ? null : found;
  }

  /**
   * Writes all records that count to the new file {@code target}.
   *
   * @return how many there are
   */
  public long writeTo(Path target, long root, boolean isForced, FileAttribute<?>... attributes)
      throws IOException {
    try (AttributeTableWriter writer = new AttributeTableWriter(target, attributes)) {
      merge(writer, base == null ? runs : withBase(), recent, false);
      writer.finish(root, isForced);
      return writer.records();
    }
  }

  private List<AttributeTable> withBase() {
    List<AttributeTable> all = new ArrayList<>();
    if (base != null) {
      all.add(base);
    }
    all.addAll(runs);
    return all;
  }

  private void spill() throws IOException {
    addRun(List.of(), recent);
    recent.clear();
    recentBytes = 0;
    if (runs.size() > MAX_RUNS) {
      List<AttributeTable> merged = List.copyOf(runs);
      runs.clear();
      try {
        addRun(merged, new TreeMap<>());
      } finally {
        for (AttributeTable table : merged) {
          table.close();
        }
      }
    }
  }

  private void addRun(List<AttributeTable> tables, NavigableMap<ByteString, AttributeRecord> newest)
      throws IOException {
    Path run = staging.resolve("attributes-" + runsWritten++);
    try (AttributeTableWriter writer = new AttributeTableWriter(run)) {
      merge(writer, tables, newest, true);
      writer.finish(0, false);
    }
    runs.add(AttributeTable.open(run));
  }

  /** Merges {@code tables}, later ones counting more, and {@code newest}, which counts most. */
  private static void merge(
      AttributeTableWriter writer,
      List<AttributeTable> tables,
      NavigableMap<ByteString, AttributeRecord> newest,
      boolean keepsGone)
      throws IOException {
    List<AttributeTable.Cursor> cursors = new ArrayList<>();
    for (AttributeTable table : tables) {
      cursors.add(table.from(ByteString.EMPTY));
    }
    var memory = newest.entrySet().iterator();
    Map.Entry<ByteString, AttributeRecord> next = memory.hasNext() ? memory.next() : null;
    while (true) {
      ByteString least = next == null ? null : next.getKey();
      for (AttributeTable.Cursor cursor : cursors) {
        ByteString key = cursor.key();
        if (key != null && (least == null || key.compareTo(least) < 0)) {
          least = key;
        }
      }
      if (least == null) {
        return;
      }
      AttributeRecord winner = null;
      for (AttributeTable.Cursor cursor : cursors) {
        ByteString key = cursor.key();
        if (key != null && key.equals(least)) {
          winner = cursor.record();
          cursor.advance();
        }
      }
      if (next != null && least.equals(next.getKey())) {
        winner = next.getValue();
        next = memory.hasNext() ? memory.next() : null;
      }
      if (winner != null && (keepsGone || !winner.isGone())) {
        writer.add(least, winner);
      }
    }
  }

  private static long sizeOf(ByteString key, AttributeRecord record) {
    long size = (long) RECORD_BYTES + key.length();
    ByteString text = record.truth().linkText();
    size += text == null ? 0 : 2L * text.length();
    for (var xattr : record.truth().recorded()) {
      size += 96L + xattr.name().length() + xattr.value().length();
    }
    return size;
  }

  /** Closes what it reads; the files in the staging directory go with that. */
  @Override
  public void close() throws IOException {
    recent.clear();
    List<AttributeTable> tables = withBase();
    runs.clear();
    Closing.all(tables);
  }
}
