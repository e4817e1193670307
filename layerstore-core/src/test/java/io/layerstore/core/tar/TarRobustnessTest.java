package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.Limits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever the bytes, the outcome is the entries with every byte handed out, or an exception about
 * the archive.
 */
final class TarRobustnessTest {

  private static final long SEED = 20_200_913;

  /** Lower than the defaults, so that no lucky size makes the test allocate much. */
  private static final Limits LIMITS = Limits.builder().maxUnpackedBytes(1 << 20).build();

  private static final List<EntryMapper> MAPPERS =
      List.of(new EntryMapper(Limits.DEFAULT, false), new EntryMapper(Limits.DEFAULT, true));

  private final byte[] original = TarReading.everything().toBytes();

  @Test
  void read_cutAtEveryBlock_isTakenOrRefused() throws Exception {
    for (int length = 0; length <= original.length; length += 512) {
      read(Arrays.copyOf(original, length), "cut to " + length);
    }
  }

  @Test
  void read_cutNearEveryBlock_isTakenOrRefused() throws Exception {
    for (int length = 512; length <= original.length; length += 512) {
      read(Arrays.copyOf(original, length - 1), "cut to " + (length - 1));
      read(Arrays.copyOf(original, length - 511), "cut to " + (length - 511));
    }
  }

  @Test
  void read_oneBitFlippedAnywhere_isTakenOrRefused() throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < original.length; i += 1 + random.nextInt(7)) {
      byte[] changed = original.clone();
      changed[i] ^= (byte) (1 << random.nextInt(8));
      read(changed, "bit flipped in byte " + i);
      read(TarMutations.withChecksums(changed), "bit flipped under the checksum in byte " + i);
    }
  }

  @Test
  void read_randomBytes_areTakenOrRefused() throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < 2_000; i++) {
      byte[] bytes = new byte[random.nextInt(5_000)];
      random.nextBytes(bytes);
      read(bytes, "random " + i);
    }
  }

  @Test
  void read_randomEntries_areTakenOrRefused() throws Exception {
    Random random = new Random(SEED);
    int taken = 0;
    for (int i = 0; i < 10_000; i++) {
      taken += read(TarMutations.randomArchive(random), "archive " + i) ? 1 : 0;
    }
    assertTrue(taken > 100, "only " + taken + " archives were taken, so this tests little");
  }

  /** Whether the archive was taken. */
  private static boolean read(byte[] archive, String what) throws IOException {
    try {
      ParsedArchive parsed = ParsedArchive.of(new ByteArrayInputStream(archive), LIMITS);
      assertEquals(ByteString.of(archive), parsed.bytes(), what);
      for (ParsedArchive.Entry entry : parsed.entries()) {
        for (EntryMapper mapper : MAPPERS) {
          map(mapper, entry.header(), what);
        }
      }
      return true;
    } catch (ArchiveException e) {
      assertTrue(e.entryIndex().isPresent() || e instanceof TarReader.NotTarException, what);
      return false;
    } catch (RuntimeException e) {
      throw new AssertionError(what + " of seed " + SEED, e);
    }
  }

  private static void map(EntryMapper mapper, TarHeader header, String what) throws IOException {
    MappedEntry mapped;
    try {
      mapped = mapper.map(header);
    } catch (ArchiveException e) {
      assertEquals(OptionalLong.of(header.index()), e.entryIndex(), what);
      return;
    }
    boolean hasTree =
        mapped.kind() == MappedEntry.Kind.ENTRY || mapped.kind() == MappedEntry.Kind.LINK_SOURCE;
    assertEquals(hasTree, mapped.tree() != null, what);
    assertTrue(!mapped.isPayloadKept() || header.storedSize() == header.size(), what);
  }
}
