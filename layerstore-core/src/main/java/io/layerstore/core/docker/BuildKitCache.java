package io.layerstore.core.docker;

import io.layerstore.ChainId;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The cache of the BuildKit in a dockerd, as far as it refers to layers of the layer database.
 *
 * <p>dockerd counts these references only while it runs; on disk they are in the databases in
 * {@code buildkit/}, the chain ID as text. A layer is held if its chain ID occurs in any of them,
 * wherever that is. A database that cannot be read may hold every layer, so it is taken to.
 *
 * <p>What was read is kept as long as the files do not change. Safe for use by many threads.
 */
public final class BuildKitCache {

  private static final int BLOCK_BYTES = 1 << 16;

  private final Path directory;

  private State state = new State(Map.of(), Set.of(), Map.of());

  /** How a database looked, and is not looked into again before that changes. */
  private record Stamp(long sizeBytes, long modified, String key) {}

  /** What was read, and for which layers. */
  private record State(
      Map<String, Stamp> files, Set<ChainId> asked, Map<ChainId, List<String>> holders) {}

  /** The cache in {@code directory}, if there is one. */
  public BuildKitCache(Path directory) {
    this.directory = directory;
  }

  /**
   * Of {@code layers}, those that the cache refers to, each with words for what does.
   *
   * <p>Takes time in proportion to the databases, if they changed or other layers are asked for
   * than the last time.
   */
  public Map<ChainId, List<String>> holders(Set<ChainId> layers) {
    return holders(layers, () -> layers);
  }

  /**
   * Words for what in the cache refers to {@code layer}, or nothing.
   *
   * @param all gives the layers that will be asked for, {@code layer} included; called only if the
   *     databases must be read
   */
  public List<String> holders(ChainId layer, Supplier<Set<ChainId>> all) {
    return holders(Set.of(layer), all).getOrDefault(layer, List.of());
  }

  private synchronized Map<ChainId, List<String>> holders(
      Set<ChainId> layers, Supplier<Set<ChainId>> all) {
    Map<String, Stamp> files;
    try {
      files = databases();
    } catch (IOException e) {
      String holder = "what may be BuildKit's cache (" + FileFailures.describe(e) + ")";
      return layers.stream().collect(Collectors.toMap(layer -> layer, layer -> List.of(holder)));
    }
    if (files.isEmpty()) {
      return Map.of();
    }
    if (!files.equals(state.files()) || !state.asked().containsAll(layers)) {
      Set<ChainId> asked = Set.copyOf(all.get());
      state = new State(files, asked, read(files, asked));
    }
    return state.holders();
  }

  private Map<String, Stamp> databases() throws IOException {
    Map<String, Stamp> files = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "*.db")) {
      for (Path file : entries) {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (attributes.isRegularFile()) {
          files.put(
              String.valueOf(file.getFileName()),
              new Stamp(
                  attributes.size(),
                  attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS),
                  String.valueOf(attributes.fileKey())));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Map.of();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return files;
  }

  private Map<ChainId, List<String>> read(Map<String, Stamp> files, Set<ChainId> layers) {
    Map<String, ChainId> byDigits =
        layers.stream().collect(Collectors.toMap(layer -> layer.digest().hex(), layer -> layer));
    Map<ChainId, Set<String>> namesOf = new TreeMap<>();
    for (String name : files.keySet()) {
      Set<String> found;
      try {
        found = digests(directory.resolve(name), byDigits.keySet());
      } catch (IOException e) {
        name = name + ", which cannot be read: " + FileFailures.describe(e);
        found = byDigits.keySet();
      }
      for (String digits : found) {
        namesOf.computeIfAbsent(byDigits.get(digits), id -> new TreeSet<>()).add(name);
      }
    }
    Map<ChainId, List<String>> holders = new TreeMap<>();
    namesOf.forEach(
        (layer, names) ->
            holders.put(
                layer, List.of("BuildKit's cache (buildkit/" + String.join(", ", names) + ")")));
    return Map.copyOf(holders);
  }

  /** Which of {@code wanted}, 64 digits each, occur in what a database holds now. */
  static Set<String> digests(Path database, Set<String> wanted) throws IOException {
    DigestScanner scanner = new DigestScanner(wanted);
    try (SeekableByteChannel channel = Files.newByteChannel(database)) {
      BoltPages.Live live = BoltPages.find(channel);
      if (live == null) {
        scan(channel, 0, channel.size(), scanner);
      } else {
        BitSet pages = live.numbers();
        for (int first = pages.nextSetBit(0); first >= 0; ) {
          int end = pages.nextClearBit(first);
          scan(channel, first * live.pageBytes(), end * live.pageBytes(), scanner);
          first = pages.nextSetBit(end);
        }
      }
    }
    return new HashSet<>(scanner.found());
  }

  private static void scan(SeekableByteChannel channel, long start, long end, DigestScanner scanner)
      throws IOException {
    ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
    channel.position(start);
    long left = end - start;
    while (left > 0) {
      block.clear().limit((int) Math.min(left, BLOCK_BYTES));
      int count = channel.read(block);
      if (count < 0) {
        return;
      }
      left -= count;
      scanner.scan(block.flip());
    }
  }

  /**
   * Finds digests, written as 64 hexadecimal digits, in a stream of bytes of any kind.
   *
   * <p>Other text may stand before and after a digest without anything between, as keys and values
   * do in a database, so each 64 digits in a row count. Only digests that were asked for are kept:
   * memory does not grow with the stream.
   */
  private static final class DigestScanner {

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
}
