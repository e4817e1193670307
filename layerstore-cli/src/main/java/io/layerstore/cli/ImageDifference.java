package io.layerstore.cli;

import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What two images differ in, path by path. Times do not count: they differ in whatever was made
 * twice.
 */
final class ImageDifference {
  private static final int BUFFER_BYTES = 1 << 16;

  /** Takes one difference. */
  @FunctionalInterface
  interface Taker {

    /**
     * Takes it.
     *
     * @param kind A for added, C for changed, D for deleted
     * @param before the size before, or null
     * @param after the size afterwards, or null
     */
    void take(char kind, Path path, @Nullable Long before, @Nullable Long after) throws IOException;
  }

  private final Taker taker;

  ImageDifference(Taker taker) {
    this.taker = taker;
  }

  /** Compares two directories, with all that is in them. */
  void compare(Path before, Path after) throws IOException {
    Map<String, Path> old = entries(before);
    Map<String, Path> now = entries(after);
    Set<String> names = new TreeSet<>(old.keySet());
    names.addAll(now.keySet());
    for (String name : names) {
      compareEntry(old.get(name), now.get(name));
    }
  }

  private static Map<String, Path> entries(Path directory) throws IOException {
    Map<String, Path> entries = new TreeMap<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      for (Path path : stream) {
        entries.put(String.valueOf(path.getFileName()), path);
      }
    }
    return entries;
  }

  private void compareEntry(@Nullable Path before, @Nullable Path after) throws IOException {
    if (before == null) {
      if (after != null) {
        tellAll('A', after);
      }
      return;
    }
    if (after == null) {
      tellAll('D', before);
      return;
    }
    LayerEntryAttributes old = ShowEntry.attributes(before);
    LayerEntryAttributes now = ShowEntry.attributes(after);
    if (differs(before, old, after, now)) {
      taker.take('C', after, old.size(), now.size());
    }
    if (old.isDirectory() && now.isDirectory()) {
      compare(before, after);
    } else if (old.isDirectory()) {
      tellBelow('D', before);
    } else if (now.isDirectory()) {
      tellBelow('A', after);
    }
  }

  private static boolean differs(
      Path before, LayerEntryAttributes old, Path after, LayerEntryAttributes now)
      throws IOException {
    if (old.mode() != now.mode()
        || old.uid() != now.uid()
        || old.gid() != now.gid()
        || old.size() != now.size()
        || old.deviceNumber() != now.deviceNumber()
        || !old.extendedAttributes().equals(now.extendedAttributes())) {
      return true;
    }
    if (now.isSymbolicLink()) {
      return !Files.readSymbolicLink(before)
          .toString()
          .equals(Files.readSymbolicLink(after).toString());
    }
    // An entry of one layer at one path is one file.
    boolean isOfOneLayer = old.diffId().isPresent() && old.diffId().equals(now.diffId());
    return now.isRegularFile() && !isOfOneLayer && !isSameContent(before, after);
  }

  private static boolean isSameContent(Path before, Path after) throws IOException {
    byte[] old = new byte[BUFFER_BYTES];
    byte[] now = new byte[BUFFER_BYTES];
    try (InputStream first = Files.newInputStream(before);
        InputStream second = Files.newInputStream(after)) {
      while (true) {
        int count = first.readNBytes(old, 0, BUFFER_BYTES);
        if (count != second.readNBytes(now, 0, BUFFER_BYTES)
            || !Arrays.equals(old, 0, count, now, 0, count)) {
          return false;
        }
        if (count < BUFFER_BYTES) {
          return true;
        }
      }
    }
  }

  private void tellAll(char kind, Path path) throws IOException {
    LayerEntryAttributes attributes = ShowEntry.attributes(path);
    Long size = attributes.size();
    taker.take(kind, path, kind == 'D' ? size : null, kind == 'A' ? size : null);
    if (attributes.isDirectory()) {
      tellBelow(kind, path);
    }
  }

  private void tellBelow(char kind, Path directory) throws IOException {
    for (Path path : entries(directory).values()) {
      tellAll(kind, path);
    }
  }
}
