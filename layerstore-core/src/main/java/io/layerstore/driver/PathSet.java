package io.layerstore.driver;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import io.layerstore.LayerPath;
import java.nio.ByteBuffer;
import java.security.SecureRandom;

/**
 * The paths that have been seen, in at most 16 bytes each however long they are.
 *
 * <p>Keeps a 64-bit keyed hash of each path, not the path. So {@link #contains} is always right
 * about a path that was added, and wrong about one that was not with a probability of n/2^64 for n
 * paths; over a whole layer of n paths about n^2/2^65, which is less than one in a million for five
 * million paths. The key is drawn at random for each set, so that whoever makes a layer cannot
 * choose paths that collide.
 *
 * <p>Not safe for use by many threads.
 *
 * @see <a href="https://www.aumasson.jp/siphash/siphash.pdf">SipHash: a fast short-input PRF</a>
 */
public final class PathSet {

  /*
   * Open addressing with linear probing; 0 marks an unused slot. The slot of a hash is its upper
   * half scaled to the length of the table, which works for any length, so that the table can grow
   * by half rather than double: it is then never less than 8/15 full and a path takes 8 * 15/8 = 15
   * bytes at most, beyond the smallest table.
   */

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int SMALLEST_TABLE = 60;
  private static final int LARGEST_TABLE = Integer.MAX_VALUE - 8;

  private final HashFunction hash;
  private long[] table = new long[SMALLEST_TABLE];
  private int size;

  /** An empty set with a key of its own. */
  public PathSet() {
    this(RANDOM.nextLong(), RANDOM.nextLong());
  }

  /** An empty set with a given key. */
  PathSet(long k0, long k1) {
    this.hash = Hashing.sipHash24(k0, k1);
  }

  /**
   * Adds {@code path}.
   *
   * @return true if it is new, so far as can be told
   * @throws IllegalStateException if the set is full, after more than 1.7 billion paths
   */
  public boolean add(LayerPath path) {
    if (size >= limit(table.length)) {
      grow();
    }
    if (!insert(table, hash(path))) {
      return false;
    }
    size++;
    return true;
  }

  /** Whether {@code path} was added, so far as can be told. */
  public boolean contains(LayerPath path) {
    long wanted = hash(path);
    int i = slot(wanted, table.length);
    while (table[i] != 0) {
      if (table[i] == wanted) {
        return true;
      }
      i = next(i, table.length);
    }
    return false;
  }

  /** How many paths there are. */
  public int size() {
    return size;
  }

  /** How much memory the set takes, in bytes. */
  long sizeBytes() {
    return (long) table.length * Long.BYTES;
  }

  /** What is kept of {@code path}; never 0, which marks an unused slot. */
  long hash(LayerPath path) {
    long value = hash(path.bytes().asByteBuffer());
    return value == 0 ? 1 : value;
  }

  long hash(ByteBuffer bytes) {
    return hash.hashBytes(bytes).asLong();
  }

  private static boolean insert(long[] table, long value) {
    int i = slot(value, table.length);
    while (table[i] != 0) {
      if (table[i] == value) {
        return false;
      }
      i = next(i, table.length);
    }
    table[i] = value;
    return true;
  }

  private void grow() {
    if (table.length == LARGEST_TABLE) {
      throw new IllegalStateException("too many paths: " + size);
    }
    long[] larger = new long[(int) Math.min(table.length + table.length / 2L, LARGEST_TABLE)];
    for (long value : table) {
      if (value != 0) {
        insert(larger, value);
      }
    }
    table = larger;
  }

  /** How many hashes a table of {@code length} slots takes before it grows: four fifths. */
  private static int limit(int length) {
    return (int) (length * 4L / 5);
  }

  private static int slot(long value, int length) {
    return (int) (((value >>> 32) * length) >>> 32);
  }

  private static int next(int slot, int length) {
    return slot + 1 == length ? 0 : slot + 1;
  }
}
