package io.layerstore.core.docker;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is found in a database, byte by byte; {@code DockerRecordsContract} has what follows. */
final class BuildKitCacheTest {

  private static final int PAGE = 4096;
  private static final String IN_BRANCH = "1a".repeat(32);
  private static final String IN_BUCKET = "2b".repeat(32);
  private static final String IN_INLINE = "3c".repeat(32);
  private static final String IN_OVERFLOW = "4d".repeat(32);
  private static final String DELETED = "5e".repeat(32);
  private static final Set<String> LIVE = Set.of(IN_BRANCH, IN_BUCKET, IN_INLINE, IN_OVERFLOW);
  private static final Set<String> ALL =
      Set.of(IN_BRANCH, IN_BUCKET, IN_INLINE, IN_OVERFLOW, DELETED);

  @TempDir Path directory;

  private Set<String> digests(byte[] database) throws IOException {
    Path file = Files.write(directory.resolve("x.db"), database);
    return BuildKitCache.digests(file, ALL);
  }

  /** Nine pages: the newer meta page is the second, and its tree leaves out page 8. */
  private static byte[] database() {
    ByteBuffer file = ByteBuffer.allocate(9 * PAGE).order(ByteOrder.LITTLE_ENDIAN);
    meta(file, 0, 8, 6);
    meta(file, 1, 3, 7);
    page(file, 2, 0x10, 0, 0);
    page(file, 3, 0x01, 2, 0);
    branchElement(file, 3, 0, 4);
    branchElement(file, 3, 1, 5);
    page(file, 4, 0x02, 2, 0);
    leafElement(file, 4, 0, 0, 1000, "key", ("sha256:" + IN_BRANCH).getBytes(US_ASCII));
    leafElement(file, 4, 1, 1, 2000, "bucket", bucket(6, ""));
    page(file, 5, 0x02, 1, 0);
    leafElement(file, 5, 0, 1, 1000, "inline", bucket(0, "chainidsha256:" + IN_INLINE + "c"));
    page(file, 6, 0x02, 2, 1);
    leafElement(file, 6, 0, 0, 1000, "key", IN_BUCKET.getBytes(US_ASCII));
    leafElement(file, 6, 1, 0, PAGE - 50, "over", ("x" + IN_OVERFLOW).getBytes(US_ASCII));
    page(file, 8, 0x02, 1, 0);
    leafElement(file, 8, 0, 0, 1000, "old", ("sha256:" + DELETED).getBytes(US_ASCII));
    return file.array();
  }

  private static void page(ByteBuffer file, int number, int flags, int count, int overflow) {
    int at = number * PAGE;
    file.putLong(at, number).putShort(at + 8, (short) flags).putShort(at + 10, (short) count);
    file.putInt(at + 12, overflow);
  }

  private static void meta(ByteBuffer file, int number, long root, long transaction) {
    page(file, number, 0x04, 0, 0);
    int at = number * PAGE + 16;
    file.putInt(at, 0xED0CDAED).putInt(at + 4, 2).putInt(at + 8, PAGE);
    file.putLong(at + 16, root).putLong(at + 32, 2).putLong(at + 40, 9);
    file.putLong(at + 48, transaction);
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < 56; i++) {
      hash = (hash ^ (file.get(at + i) & 0xff)) * 0x100000001b3L;
    }
    file.putLong(at + 56, hash);
  }

  private static void branchElement(ByteBuffer file, int page, int index, long child) {
    file.putLong(page * PAGE + 16 + index * 16 + 8, child);
  }

  private static void leafElement(
      ByteBuffer file, int page, int index, int flags, int position, String key, byte[] value) {
    int at = page * PAGE + 16 + index * 16;
    file.putInt(at, flags).putInt(at + 4, position);
    file.putInt(at + 8, key.length()).putInt(at + 12, value.length);
    file.put(at + position, key.getBytes(US_ASCII));
    file.put(at + position + key.length(), value);
  }

  private static byte[] bucket(long root, String inline) {
    byte[] text = inline.getBytes(US_ASCII);
    return ByteBuffer.allocate(16 + text.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0, root)
        .put(16, text)
        .array();
  }

  @Test
  void digests_database_areThoseInItNow() throws IOException {
    assertEquals(LIVE, digests(database()));
  }

  @Test
  void digests_newerMetaPageIsTorn_areThoseOfTheOlder() throws IOException {
    byte[] database = database();
    database[PAGE + 40]++;

    assertEquals(Set.of(DELETED), digests(database));
  }

  /**
   * The magic, the root, a page's number, its type, its length, a child twice, a bucket's place.
   */
  @ParameterizedTest
  @ValueSource(
      ints = {
        3 * PAGE,
        3 * PAGE + 8,
        3 * PAGE + 12,
        4 * PAGE + 11,
        3 * PAGE + 16 + 8,
        4 * PAGE + 16 + 16 + 5,
        6 * PAGE + 14
      })
  void digests_treeThatDoesNotFit_areAllInTheFile(int offset) throws IOException {
    byte[] database = database();
    database[offset] = (byte) (database[offset] ^ 0x11);

    assertEquals(ALL, digests(database));
  }

  @Test
  void digests_bothMetaPagesAreGone_areAllInTheFile() throws IOException {
    byte[] database = database();
    Arrays.fill(database, 0, 2 * PAGE, (byte) 0);

    assertEquals(ALL, digests(database));
  }

  @Test
  void digests_shortenedFile_areAllThatAreLeft() throws IOException {
    assertEquals(
        Set.of(IN_BRANCH, IN_INLINE, IN_BUCKET), digests(Arrays.copyOf(database(), 7 * PAGE)));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65535, 65536 - 32, 65536 - 64, 65536, 131072 - 1})
  void digests_anywhereInAFileOfAnotherKind_areFound(int offset) throws IOException {
    byte[] file = new byte[200_000];
    System.arraycopy(DELETED.getBytes(US_ASCII), 0, file, offset, 64);

    assertEquals(Set.of(DELETED), digests(file));
  }

  @Test
  void digests_betweenOtherDigits_areFound() throws IOException {
    assertEquals(Set.of(IN_BUCKET), digests(("0123" + IN_BUCKET + "abc").getBytes(US_ASCII)));
  }

  @Test
  void digests_interruptedByAnything_areNone() throws IOException {
    String text = IN_BUCKET.substring(0, 63) + " " + IN_BUCKET.substring(63);

    assertEquals(Set.of(), digests(text.getBytes(US_ASCII)));
  }

  @Test
  void digests_emptyFile_areNone() throws IOException {
    assertEquals(Set.of(), digests(new byte[0]));
  }
}
