package io.layerstore.vfs;

import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.rooted.NameTraits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the driver keeps below its home, and where.
 *
 * @param home the driver's directory
 */
record VfsLayout(Path home) {

  /** The directory of all layers. */
  Path layers() {
    return home.resolve("dir");
  }

  /** The files of the layer {@code id}. */
  Path layer(String id) {
    return layers().resolve(id);
  }

  /** The directory of all records. */
  Path tables() {
    return home.resolve("attributes");
  }

  /** The records of the layer {@code id}. */
  Path table(String id) {
    return tables().resolve(id);
  }

  /** Which names are escaped; not there if none are. */
  NamesFile names() {
    return new NamesFile(home.resolve("names"));
  }

  /** Work in progress. */
  Path staging() {
    return home.resolve("staging");
  }

  /**
   * The file in the driver's home that says which names are escaped. A home without it has no
   * escapes; those of Docker and of every file system that a Docker runs on are so.
   *
   * @param file where it is
   */
  record NamesFile(Path file) {

    private static final String HEADER = "layerstore vfs escaped names 1";
    private static final String CASE = "case";
    private static final String RESERVED = "reserved";
    private static final String BYTES = "bytes";
    private static final String COMPOSED = "composed";
    private static final String DECOMPOSED = "decomposed";
    private static final Set<String> WORDS = Set.of(CASE, RESERVED, BYTES, COMPOSED, DECOMPOSED);
    private static final int MAX_BYTES = 1024;
    private static final int MODE = 0600;

    /** What is noted; null if nothing is. */
    @Nullable NameTraits read() throws IOException {
      byte @Nullable [] bytes = AtomicFiles.readIfExists(file, MAX_BYTES);
      if (bytes == null) {
        return null;
      }
      List<String> words =
          List.of(new String(bytes, StandardCharsets.US_ASCII).strip().split("[ \n:]+"));
      List<String> header = List.of(HEADER.split(" "));
      if (words.size() <= header.size()
          || !words.subList(0, header.size()).equals(header)
          || !WORDS.containsAll(words.subList(header.size(), words.size()))) {
        throw new StoreCorruptedException(
            file.toString(), "it does not say which names are escaped, as this release knows it");
      }
      return new NameTraits(
          words.contains(CASE),
          !words.contains(RESERVED),
          !words.contains(BYTES),
          !words.contains(COMPOSED),
          !words.contains(DECOMPOSED));
    }

    /** Notes {@code traits}, by way of {@code staging}. */
    void write(NameTraits traits, Path staging, Durability durability) throws IOException {
      List<String> words = new ArrayList<>();
      add(words, traits.foldsCase(), CASE);
      add(words, !traits.keepsReserved(), RESERVED);
      add(words, !traits.keepsBytes(), BYTES);
      add(words, !traits.keepsComposed(), COMPOSED);
      add(words, !traits.keepsDecomposed(), DECOMPOSED);
      String text = HEADER + ": " + String.join(" ", words) + "\n";
      Path aside = staging.resolve("names");
      AtomicFiles.writeNew(aside, text.getBytes(StandardCharsets.US_ASCII), MODE, durability);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static void add(List<String> words, boolean isEscaped, String word) {
      if (isEscaped) {
        words.add(word);
      }
    }
  }
}
