package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.driver.LayerIndex;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.testing.FormatVectors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read at once is what the files say, whatever the index of a database says. */
final class AllLayersTest {

  /** Just enough for an index. */
  private static final int COUNT = 128;

  private static final FileTime LONG_AGO = FileTime.from(Instant.parse("2020-02-02T02:02:02Z"));

  private final FileSystem memory = Jimfs.newFileSystem(Configuration.unix());
  private final Path directory = memory.getPath("/root/image/vfs/layerdb");
  private final Path index = directory.resolve(LayerIndex.NAME);
  private final Map<ChainId, LayerRecord> made = new HashMap<>();
  private LayerRecord some;

  @BeforeEach
  void makeLayers() throws IOException {
    for (int i = 0; i < COUNT; i++) {
      @Nullable ChainId parent = i % 4 == 0 ? null : some.chainId();
      some = record(i, parent, DriverIds.random());
      commit(some);
      made.put(some.chainId(), some);
    }
    settle();
  }

  @AfterEach
  void close() throws IOException {
    memory.close();
  }

  private static LayerRecord record(int i, @Nullable ChainId parent, String cacheId) {
    DiffId diffId = new DiffId(Digest.sha256Of(("layer " + i).getBytes(UTF_8)));
    return new LayerRecord(ChainId.of(parent, diffId), diffId, parent, cacheId, i, null);
  }

  private FileMetadataStore store(boolean readOnly) throws IOException {
    return FileMetadataStore.open(directory, Durability.NONE, readOnly);
  }

  private void commit(LayerRecord record) throws IOException {
    Files.createDirectories(file(record, ""));
    Files.writeString(file(record, "diff"), record.diffId().toString());
    Files.writeString(file(record, "size"), Long.toString(record.sizeBytes()));
    Files.writeString(file(record, "cache-id"), record.cacheId());
    Files.write(file(record, "tar-split.json.gz"), new byte[] {0x1f, (byte) 0x8b, 8});
    if (record.parent() != null) {
      Files.writeString(file(record, "parent"), record.parent().toString());
    }
  }

  /** As if nobody had changed anything for long. */
  private void settle() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.setLastModifiedTime(file, LONG_AGO);
      }
    }
  }

  private Path file(LayerRecord record, String name) {
    return directory.resolve("sha256").resolve(record.chainId().digest().hex()).resolve(name);
  }

  private Map<ChainId, LayerRecord> read() throws IOException {
    return read(false);
  }

  private Map<ChainId, LayerRecord> read(boolean readOnly) throws IOException {
    FileMetadataStore store = store(readOnly);
    return Map.copyOf(store.intactLayers(store.layers()));
  }

  private Map<ChainId, LayerRecord> madeWithout(LayerRecord record) {
    Map<ChainId, LayerRecord> rest = new HashMap<>(made);
    rest.remove(record.chainId());
    return rest;
  }

  /** A change that leaves every trace of itself out. */
  private static void changeUnseen(Path file, String content) throws IOException {
    FileTime time = Files.getLastModifiedTime(file);
    Files.writeString(file, content);
    Files.setLastModifiedTime(file, time);
  }

  // ---- what is there ----

  @Test
  void intactLayers_withoutIndex_areAllLayers() throws IOException {
    assertEquals(made, read());
  }

  @Test
  void intactLayers_secondTime_areReadFromTheIndex() throws IOException {
    read();
    changeUnseen(file(some, "cache-id"), DriverIds.random());
    assertEquals(made, read());
    Files.delete(index);
    assertNotEquals(made, read());
  }

  @Test
  void intactLayers_fewLayers_writeNoIndex() throws IOException {
    store(false).discard(store(false).beginRemoval(some.chainId()));
    assertEquals(madeWithout(some), read());
    assertFalse(Files.exists(index));
  }

  @Test
  void intactLayers_readOnly_writeNoIndex() throws IOException {
    assertEquals(made, read(true));
    assertFalse(Files.exists(index));
  }

  @Test
  void intactLayers_readOnly_areReadFromTheIndex() throws IOException {
    read();
    changeUnseen(file(some, "cache-id"), DriverIds.random());
    assertEquals(made, read(true));
  }

  @Test
  void intactLayers_aMomentAfterTheyWereMade_areNotNoted() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      }
    }
    assertEquals(made, read());
    assertFalse(Files.exists(index));
  }

  @Test
  void intactLayers_indexCannotBeWritten_areTheSame() throws IOException {
    Files.createDirectory(index);
    assertEquals(made, read());
  }

  // ---- what was changed since ----

  @ParameterizedTest
  @ValueSource(strings = {"diff", "size", "cache-id", "parent", "tar-split.json.gz"})
  void intactLayers_fileIsDamagedInPlace_areTheOthers(String name) throws IOException {
    read();
    Files.writeString(file(some, name), "/");
    assertEquals(madeWithout(some), read());
  }

  @ParameterizedTest
  @ValueSource(strings = {"diff", "size", "cache-id", "parent", "tar-split.json.gz"})
  void intactLayers_fileIsGone_areTheOthers(String name) throws IOException {
    read();
    Files.delete(file(some, name));
    assertEquals(madeWithout(some), read());
  }

  @Test
  void intactLayers_descriptorIsAdded_isRead() throws IOException {
    read();
    Files.writeString(file(some, "descriptor.json"), "[]");
    assertEquals(madeWithout(some), read());
  }

  @Test
  void intactLayers_layerMadeAgain_isTheNewOne() throws IOException {
    read();
    store(false).discard(store(false).beginRemoval(some.chainId()));
    LayerRecord again = record(COUNT - 1, some.parent(), DriverIds.random());
    commit(again);
    made.put(again.chainId(), again);
    assertEquals(made, read());
  }

  @Test
  void intactLayers_layerRemoved_areTheOthers() throws IOException {
    read();
    store(false).discard(store(false).beginRemoval(some.chainId()));
    assertEquals(madeWithout(some), read());
  }

  @Test
  void intactLayers_layerAdded_areThatToo() throws IOException {
    read();
    LayerRecord added = record(COUNT, some.chainId(), DriverIds.random());
    commit(added);
    made.put(added.chainId(), added);
    assertEquals(made, read());
  }

  @Test
  void intactLayers_rootIsCopied_areReadFromItsFiles() throws IOException {
    read();
    byte[] foreign = Files.readAllBytes(index);
    String cacheId = DriverIds.random();
    Files.delete(file(some, "cache-id"));
    Files.writeString(file(some, "cache-id"), cacheId);
    settle();
    Files.write(index, foreign);
    made.put(some.chainId(), record(COUNT - 1, some.parent(), cacheId));
    assertEquals(made, read());
  }

  // ---- what was done to the index ----

  @Test
  void intactLayers_indexCutOff_areTheSameAndItIsMended() throws IOException {
    read();
    byte[] whole = Files.readAllBytes(index);
    for (int length : new int[] {0, 1, 11, 12, 100, whole.length / 2, whole.length - 1}) {
      Files.write(index, ByteBuffer.allocate(length).put(whole, 0, length).array());
      assertEquals(made, read());
      assertEquals(-1, Files.mismatch(index, Files.write(memory.getPath("/whole"), whole)));
    }
  }

  @Test
  void intactLayers_oneByteOfTheIndexIsWrong_areTheSame() throws IOException {
    read();
    byte[] whole = Files.readAllBytes(index);
    for (int at = 0; at < whole.length; at += 1999) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 0x10;
      Files.write(index, damaged);
      assertEquals(made, read());
    }
  }

  @Test
  void intactLayers_indexSaysNonsenseWithItsChecksum_areTheSame() throws IOException {
    read();
    byte[] whole = Files.readAllBytes(index);
    for (int at = 8; at < 400; at += 7) {
      byte[] damaged = whole.clone();
      damaged[at] ^= (byte) 0x80;
      CRC32 crc = new CRC32();
      crc.update(damaged, 0, damaged.length - 4);
      ByteBuffer.wrap(damaged).putInt(damaged.length - 4, (int) crc.getValue());
      Files.write(index, damaged);
      assertEquals(made.keySet(), read().keySet());
    }
  }

  @Test
  void intactLayers_indexOfALaterVersion_areTheSameAndItIsReplaced() throws IOException {
    Files.write(index, "LSINDEX2".getBytes(UTF_8));
    assertEquals(made, read());
    assertTrue(Files.size(index) > 8);
  }

  @Test
  void intactLayers_severalReadersAtOnce_leaveOneIndexThatIsWhole() throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      FileMetadataStore store = store(false);
      List<ChainId> all = store.layers();
      threads.add(new Thread(() -> store.intactLayers(all)));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(
          List.of(LayerIndex.NAME, "sha256"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
    LayerIndex whole = LayerIndex.read(directory);
    made.keySet().forEach(id -> assertNotNull(whole.find(id.digest().hex())));
  }

  // ---- its format ----

  private static final List<LayerValues> VALUES =
      List.of(
          new LayerValues(DiffId.EMPTY_TAR.toString(), "1024", "id-1", null, null),
          new LayerValues(
              "sha256:" + "5".repeat(64), "7", "id-2", "sha256:" + "4".repeat(64), null),
          new LayerValues("anything", "", "", "", "{\"size\":1}".getBytes(UTF_8)));

  private static LayerIndex.Entry entry(int i) throws IOException {
    return new LayerIndex.Entry(0x0f << i, 0x0123_4567_89ab_cdefL << i, VALUES.get(i).toBytes());
  }

  private static String name(int i) {
    return Integer.toString(i).repeat(64);
  }

  @Test
  void vector_ofLayers_isWhatIsWrittenNow() throws IOException {
    LayerIndex index = LayerIndex.read(Path.of("nowhere"));
    StringBuilder json = new StringBuilder();
    for (int i = 0; i < VALUES.size(); i++) {
      index.note(name(i), entry(i));
      json.append(
          String.format(
              "{\"name\": \"%s\", \"parts\": %d, \"stamp\": \"%016x\", \"content\": \"%s\"}%n",
              name(i),
              entry(i).parts(),
              entry(i).stamp(),
              FormatVectors.text(ByteString.of(entry(i).content())).replace("\"", "\\\"")));
    }
    FormatVectors.assertIs("layers.index", index.toBytes());
    FormatVectors.assertIs("layers.json", json.toString());
  }

  @Test
  void vector_readByAnother_hasTheSameEntries() throws IOException, InterruptedException {
    Path json = Path.of("").toAbsolutePath().resolveSibling("docs/formats/vectors/layers.json");
    FormatVectors.assertReads("index", "layers.index", Files.readString(json));
  }
}
