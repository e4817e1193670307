package io.layerstore.driver.rooted;

import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.AtomicFiles;
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
 * Which names a file system holds as they are.
 *
 * <p>Where it does not hold all, names are escaped as {@link NameEscapes} says. That has to stay so
 * for the life of a store, also when it is opened for reading or carried elsewhere, so it is noted
 * in a file in the driver's home. A home without that file has no escapes; those of Docker and of
 * every file system that a Docker runs on are so.
 *
 * @param foldsCase whether names that differ in case or Unicode form only can be one
 * @param keepsReserved whether the characters, endings and names that are special on Windows are
 *     kept
 * @param keepsBytes whether bytes that are no UTF-8 are kept
 * @param keepsComposed whether composed characters stay so
 * @param keepsDecomposed whether decomposed characters stay so
 */
public record NameTraits(
    boolean foldsCase,
    boolean keepsReserved,
    boolean keepsBytes,
    boolean keepsComposed,
    boolean keepsDecomposed) {

  /** Any sequence of bytes without slash and NUL is a name of its own. */
  public static final NameTraits ALL = new NameTraits(false, true, true, true, true);

  private static final String HEADER = "layerstore vfs escaped names 1";
  private static final String CASE = "case";
  private static final String RESERVED = "reserved";
  private static final String BYTES = "bytes";
  private static final String COMPOSED = "composed";
  private static final String DECOMPOSED = "decomposed";
  private static final Set<String> WORDS = Set.of(CASE, RESERVED, BYTES, COMPOSED, DECOMPOSED);
  private static final int MAX_BYTES = 1024;
  private static final int MODE = 0600;

  /** Whether some names are escaped, and so what looks like an escape is one. */
  public boolean hasEscapes() {
    return !equals(ALL);
  }

  /** What both keep. */
  public NameTraits and(NameTraits other) {
    return new NameTraits(
        foldsCase || other.foldsCase,
        keepsReserved && other.keepsReserved,
        keepsBytes && other.keepsBytes,
        keepsComposed && other.keepsComposed,
        keepsDecomposed && other.keepsDecomposed);
  }

  /** What is noted in {@code file}; null if there is none. */
  public static @Nullable NameTraits read(Path file) throws IOException {
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

  /** Notes them in {@code file}, by way of {@code staging}. */
  public void write(Path file, Path staging, Durability durability) throws IOException {
    List<String> words = new ArrayList<>();
    add(words, foldsCase, CASE);
    add(words, !keepsReserved, RESERVED);
    add(words, !keepsBytes, BYTES);
    add(words, !keepsComposed, COMPOSED);
    add(words, !keepsDecomposed, DECOMPOSED);
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
