package io.layerstore.core.docker;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * Finds digests, written as 64 hexadecimal digits, in a stream of bytes of any kind.
 *
 * <p>Other text may stand before and after a digest without anything between, as keys and values do
 * in a database, so each 64 digits in a row count. Only digests that were asked for are kept:
 * memory does not grow with the stream.
 */
final class DigestScanner {

  private static final int DIGITS = 64;

  private final Set<String> wanted;
  private final Set<String> found = new HashSet<>();

  /** The last digits, as a ring. */
  private final byte[] digits = new byte[DIGITS];

  /** How many digits came in a row; no more than that matters are counted. */
  private int run;

  private int position;

  /** Looks for {@code wanted}, each as 64 hexadecimal digits. */
  DigestScanner(Set<String> wanted) {
    this.wanted = wanted;
  }

  /** Takes the next bytes. */
  void scan(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      byte next = bytes.get();
      if (!isDigit(next)) {
        run = 0;
        continue;
      }
      digits[position] = next;
      position = (position + 1) % DIGITS;
      run = Math.min(run + 1, DIGITS);
      if (run == DIGITS) {
        keepIfWanted();
      }
    }
  }

  private static boolean isDigit(byte value) {
    return (value >= '0' && value <= '9') || (value >= 'a' && value <= 'f');
  }

  private void keepIfWanted() {
    String digest =
        new String(digits, position, DIGITS - position, StandardCharsets.US_ASCII)
            + new String(digits, 0, position, StandardCharsets.US_ASCII);
    if (wanted.contains(digest)) {
      found.add(digest);
    }
  }

  /** What was asked for and found so far. */
  Set<String> found() {
    return found;
  }
}
