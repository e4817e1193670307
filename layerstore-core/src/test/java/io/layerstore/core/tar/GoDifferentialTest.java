package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.Limits;
import io.layerstore.core.tar.TarReader.RawBytes;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.AppendixA;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@link TarReader} and {@link HeaderWriter} against the tar package of the Go distribution itself:
 * the same entries from the same bytes, broken or not, and the same bytes for the same entry.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class GoDifferentialTest {

  private static final long SEED = 20_200_913;
  private static final long MAX_CONTENT = 16 << 20;
  private static final HexFormat HEX = HexFormat.of();

  private GoOracle go;

  @BeforeAll
  void compile(@TempDir Path directory) throws Exception {
    go = new GoOracle(directory);
  }

  @Test
  void next_knownArchives_givesWhatGoGives() throws Exception {
    List<byte[]> archives = new ArrayList<>();
    for (AppendixA vector : AppendixA.values()) {
      archives.add(vector.bytes());
    }
    archives.add(TarReading.everything().toBytes());
    assertReadAlike(archives);
  }

  @Test
  void next_bytesChangedAtRandom_givesWhatGoGives() throws Exception {
    Random random = new Random(SEED);
    byte[] original = TarReading.everything().toBytes();
    List<byte[]> archives = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      byte[] changed = original.clone();
      for (int k = random.nextInt(3); k >= 0; k--) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
      }
      // Without this hardly anything gets past the checksum.
      archives.add(random.nextInt(4) == 0 ? changed : TarMutations.withChecksums(changed));
    }
    assertReadAlike(archives);
  }

  @Test
  void next_fieldsChangedAtRandom_givesWhatGoGives() throws Exception {
    Random random = new Random(SEED);
    List<byte[]> archives = new ArrayList<>();
    for (int i = 0; i < 6_000; i++) {
      archives.add(TarMutations.randomArchive(random));
    }
    assertReadAlike(archives);
  }

  @Test
  void next_cutAnywhere_givesWhatGoGives() throws Exception {
    byte[] original = TarReading.everything().toBytes();
    List<byte[]> archives = new ArrayList<>();
    for (int length = 0; length < original.length; length += 37) {
      archives.add(Arrays.copyOf(original, length));
    }
    assertReadAlike(archives);
  }

  @Test
  void write_randomEntries_givesTheBytesGoGives() throws Exception {
    Random random = new Random(SEED);
    StringBuilder input = new StringBuilder();
    List<String> ours = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      char type = "0123456".charAt(random.nextInt(7));
      ByteString name = TarMutations.randomPath(random);
      if (type == '5') {
        name = name.concat(ByteString.utf8("/"));
      }
      ByteString link =
          type == '1' || type == '2' ? TarMutations.randomPath(random) : ByteString.EMPTY;
      int mode = random.nextInt(010000);
      long uid = randomNumber(random, 32) & 0xffff_fffeL;
      long gid = randomNumber(random, 32) & 0xffff_fffeL;
      long size = type == '0' ? randomNumber(random, 40) : 0;
      long modified = randomNumber(random, 40) - (random.nextInt(8) == 0 ? 1L << 30 : 0);
      Device device =
          type == '3' || type == '4'
              ? new Device(random.nextInt(4096), random.nextInt(1 << 20))
              : new Device(0, 0);
      byte[] value = new byte[20];
      random.nextBytes(value);
      ByteString capability = random.nextInt(8) == 0 ? ByteString.of(value) : null;
      input.append(
          String.format(
              "%c %s %s %d %d %d %d %d %d %d %s\n",
              type,
              hex(name),
              hex(link),
              mode,
              uid,
              gid,
              size,
              modified,
              device.major(),
              device.minor(),
              hex(capability)));
      Instant time = Instant.ofEpochSecond(modified);
      Attributes attributes = new Attributes(mode, uid, gid, time, time, List.of());
      ours.add(
          HEX.formatHex(
              HeaderWriter.write(
                  type,
                  name,
                  link,
                  attributes,
                  size,
                  device,
                  capability == null
                      ? List.of()
                      : List.of(new Xattr(ByteString.utf8("security.capability"), capability)))));
    }
    List<String> theirs = go.ask("write", input.toString().getBytes(StandardCharsets.US_ASCII));
    List<String> lines = input.toString().lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      assertEquals(theirs.get(i), ours.get(i), lines.get(i));
    }
    assertEquals(lines.size(), theirs.size());
  }

  private static long randomNumber(Random random, int maxBits) {
    return random.nextLong() >>> (64 - 1 - random.nextInt(maxBits));
  }

  private static String hex(@Nullable ByteString text) {
    return text == null || text.isEmpty() ? "-" : HEX.formatHex(text.toByteArray());
  }

  private void assertReadAlike(List<byte[]> archives) throws Exception {
    ByteArrayOutputStream input = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(input);
    for (byte[] archive : archives) {
      data.writeLong(archive.length);
      data.write(archive);
    }
    Iterator<String> lines = go.ask("read", input.toByteArray()).iterator();
    int alike = 0;
    for (int i = 0; i < archives.size(); i++) {
      List<String> theirs = new ArrayList<>();
      String line;
      do {
        line = lines.next();
        theirs.add(line);
      } while (line.startsWith("E "));
      alike += compare(i, theirs, list(archives.get(i)), archives.get(i)) ? 1 : 0;
    }
    // Otherwise this would compare nothing but refusals.
    assertTrue(alike > 0, "no archive was read to the end by both");
  }

  /** Whether both read the archive to its end. */
  private static boolean compare(
      int number, List<String> theirs, List<String> ours, byte[] archive) {
    String last = ours.get(ours.size() - 1);
    int entries = ours.size() - 1;
    String where = "archive " + number + " of seed " + SEED;
    assertEquals(
        String.join("\n", theirs.subList(0, Math.min(entries, theirs.size()))),
        String.join("\n", ours.subList(0, entries)),
        () -> where + ": " + last);
    if (last.equals("REFUSED ON PURPOSE")
        || theirs.stream().anyMatch(line -> line.contains(" big "))) {
      return false;
    }
    assertEquals(
        String.join("\n", theirs),
        String.join("\n", ours),
        () -> where + " " + HEX.formatHex(archive).length());
    return last.equals("OK");
  }

  private static List<String> list(byte[] archive) throws IOException {
    List<String> lines = new ArrayList<>();
    TarReader reader =
        new TarReader(
            new ByteArrayInputStream(archive),
            Limits.DEFAULT,
            new RawBytes() {
              @Override
              public void bytes(byte[] buffer, int offset, int length) {}

              @Override
              public void endOfArchive() {}
            });
    try {
      for (TarHeader header; (header = reader.next()) != null; ) {
        lines.add(describe(header, reader.payload().readAllBytes()));
      }
      lines.add("OK");
    } catch (ArchiveException e) {
      lines.add(isOnPurpose(e) ? "REFUSED ON PURPOSE" : "ERR");
    }
    return lines;
  }

  private static boolean isOnPurpose(ArchiveException e) {
    return switch (e.kind()) {
      case UNSUPPORTED_ENTRY -> true;
      case LIMIT_EXCEEDED -> e.limitName().equals(Optional.of("maxUnpackedBytes"));
      case MALFORMED ->
          e.getMessage().contains("ambiguous") || e.getMessage().contains("negative size");
      default -> throw new AssertionError(e);
    };
  }

  private static String describe(TarHeader header, byte[] payload) {
    if (header.isGlobalHeader()) {
      return "E g " + HEX.formatHex(header.name().toByteArray());
    }
    String xattrs =
        header.xattrs().stream()
            .map(GoDifferentialTest::describe)
            .sorted()
            .collect(Collectors.joining(","));
    return String.format(
        "E %d %s %s %d %s %d %d %s %s %d %d %s %s",
        flag(header),
        HEX.formatHex(header.name().toByteArray()),
        HEX.formatHex(header.linkName().toByteArray()),
        header.size(),
        header.mode() < 0
            ? "-" + Long.toOctalString(-header.mode())
            : Long.toOctalString(header.mode()),
        header.uid(),
        header.gid(),
        stamp(header.modified()),
        header.accessed() == null ? "none" : stamp(header.accessed()),
        header.devMajor(),
        header.devMinor(),
        header.size() > MAX_CONTENT ? "big" : Long.toHexString(checksum(header, payload)),
        xattrs);
  }

  private static String describe(Xattr xattr) {
    return HEX.formatHex(xattr.name().toByteArray())
        + "="
        + HEX.formatHex(xattr.value().toByteArray());
  }

  private static int flag(TarHeader header) {
    return switch (header.type()) {
      case FILE -> '0';
      case HARD_LINK -> '1';
      case SYMLINK -> '2';
      case CHARACTER_DEVICE -> '3';
      case BLOCK_DEVICE -> '4';
      case DIRECTORY -> '5';
      case FIFO -> '6';
      case GLOBAL_HEADER -> 'g';
    };
  }

  private static String stamp(Instant time) {
    return Math.abs(time.getEpochSecond()) > 30_000_000_000_000_000L
        ? "far"
        : String.format("%d.%09d", time.getEpochSecond(), time.getNano());
  }

  /** Of the logical content, holes filled with zeros. */
  private static long checksum(TarHeader header, byte[] payload) {
    CRC32 sum = new CRC32();
    sum.update(SparseContent.expand(header, ByteString.of(payload)));
    return sum.getValue();
  }
}
