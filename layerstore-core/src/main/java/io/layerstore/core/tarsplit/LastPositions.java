package io.layerstore.core.tarsplit;

import com.google.common.hash.HashFunction;
import com.google.common.hash.Hashing;
import io.layerstore.LayerPath;
import io.layerstore.driver.PathSet;
import java.security.SecureRandom;

/**
 * Which of several entries for one path is the last.
 *
 * <p>Takes 16 bytes for each path and some 40 more for one that came twice, whatever its length:
 * paths are told apart by keyed 64-bit hashes. Should two collide, an entry may be taken for an
 * earlier one of another's path, never for a last one that it is not.
 */
final class LastPositions {

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final int FIRST_CAPACITY = 64;

  private final PathSet seen = new PathSet();
  private final HashFunction hash = Hashing.sipHash24(RANDOM.nextLong(), RANDOM.nextLong());

  // Paths that came twice: open addressing, at most half full; the hash 0 marks an unused slot.
  private long[] hashes = new long[FIRST_CAPACITY];
  private long[] positions = new long[FIRST_CAPACITY];
  private int count;

  /** Notes an entry for {@code path} at {@code position}, which grows from call to call. */
  void add(LayerPath path, long position) {
    if (seen.add(path)) {
      return;
    }
    if (count >= hashes.length / 2) {
      grow();
    }
    long hashed = hash(path);
    int slot = slot(hashed);
    if (hashes[slot] == 0) {
      hashes[slot] = hashed;
      count++;
    }
    positions[slot] = position;
  }

  /** Whether no entry for {@code path} was noted after the one at {@code position}. */
  boolean isLast(LayerPath path, long position) {
    int slot = slot(hash(path));
    return hashes[slot] == 0 || positions[slot] == position;
  }

  private void grow() {
    long[] oldHashes = hashes;
    long[] oldPositions = positions;
    int capacity = Math.multiplyExact(2, oldHashes.length);
    hashes = new long[capacity];
    positions = new long[capacity];
    for (int i = 0; i < oldHashes.length; i++) {
      if (oldHashes[i] != 0) {
        int slot = slot(oldHashes[i]);
        hashes[slot] = oldHashes[i];
        positions[slot] = oldPositions[i];
      }
    }
  }

  private long hash(LayerPath path) {
    long hashed = hash.hashBytes(path.bytes().asByteBuffer()).asLong();
    return hashed == 0 ? 1 : hashed;
  }

  /** Where {@code hashed} stands, or else would go. */
  private int slot(long hashed) {
    int slot = (int) hashed & (hashes.length - 1);
    while (hashes[slot] != 0 && hashes[slot] != hashed) {
      slot = (slot + 1) & (hashes.length - 1);
    }
    return slot;
  }
}
