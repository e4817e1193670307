package io.layerstore.core.image;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.FileStamp;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code repositories.json}: written whole and in one step, and never over one that could
 * not be read, which is kept as {@code repositories.json.damaged-1} or with the next number that is
 * free.
 *
 * <p>Where no new file can be made, because the disk is full, names that only get fewer are written
 * over the old ones in place, so that images can be deleted. A power cut in just that moment can
 * damage the file.
 *
 * <p>The caller lets one thread write at a time.
 */
final class NamesFile {

  private static final Logger log = LoggerFactory.getLogger(NamesFile.class);

  private static final String FILE_NAME = "repositories.json";
  private static final String ASIDE_PREFIX = FILE_NAME + ".damaged-";
  private static final int FILE_MODE = 0600;
  private static final int DIRECTORY_MODE = 0700;

  /** Room for some hundred thousand references. */
  private static final int MAX_BYTES = 64 << 20;

  private final Path directory;
  private final Path file;
  private final Durability durability;

  /** Whether the file has been found to be damaged, and is still there. */
  private volatile boolean isDamaged;

  /** Of the file when it was read; empty if a change would not show. */
  private OptionalLong stampRead = OptionalLong.empty();

  NamesFile(Path directory, Durability durability) {
    this.directory = directory;
    this.file = directory.resolve(FILE_NAME);
    this.durability = durability;
  }

  /**
   * Reads the names at opening; none if they cannot be read.
   *
   * @param findings gets what is wrong
   */
  Repositories open(List<Finding> findings) {
    for (Path aside : asides()) {
      findings.add(
          new Finding(
              Kind.DAMAGED_NAMES,
              aside.toString(),
              "names of images that could not be read; images without a name are not pruned as long"
                  + " as this file is there. Give images the names they need, then delete it"));
    }
    try {
      return readIfChanged(Repositories.EMPTY);
    } catch (LayerStoreException e) {
      log.warn("going on without names of images: {}", e.getMessage());
      isDamaged = true;
      findings.add(
          new Finding(
              Kind.DAMAGED_NAMES,
              file.toString(),
              "images are without names: "
                  + e.getMessage()
                  + ". It is left alone, and kept aside when names are written"));
      return Repositories.EMPTY;
    }
  }

  /**
   * Reads the names, unless the file is as it was when {@code known} was read from it.
   *
   * @throws LayerStoreException as {@link #read} does
   */
  Repositories readIfChanged(Repositories known) throws LayerStoreException {
    OptionalLong stamp = stamp();
    if (stamp.isPresent() && stamp.equals(stampRead)) {
      return known;
    }
    stampRead = OptionalLong.empty();
    Repositories changed = read();
    stampRead = stamp;
    return changed;
  }

  private OptionalLong stamp() {
    FileStamp stamp = new FileStamp();
    try {
      stamp.add(file);
      return stamp.settled();
    } catch (IOException e) {
      return OptionalLong.empty(); // Reading it says what is wrong, if anything is.
    }
  }

  /**
   * Reads the names.
   *
   * @throws StoreCorruptedException if the file is not what it must be
   * @throws LayerStoreException if it cannot be read
   */
  Repositories read() throws LayerStoreException {
    byte @Nullable [] document;
    try {
      document = AtomicFiles.readIfExists(file, MAX_BYTES);
    } catch (IOException e) {
      throw FileFailures.wrap("read the names of images from " + file, e);
    }
    try {
      return document == null ? Repositories.EMPTY : Repositories.read(document);
    } catch (IOException e) {
      throw new StoreCorruptedException(
          file.toString(),
          document != null && document.length == 0 ? "it is empty" : String.valueOf(e.getMessage()),
          "put a copy of it back, or give the images new names",
          e);
    }
  }

  /** Whether images may have had names that are not known now. */
  boolean isIncomplete() {
    return isDamaged || !asides().isEmpty();
  }

  private List<Path> asides() {
    List<Path> asides = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, ASIDE_PREFIX + "*")) {
      found.forEach(asides::add);
    } catch (NoSuchFileException e) {
      return asides;
    } catch (IOException | DirectoryIteratorException e) {
      log.warn("cannot look for damaged names of images in {}", directory, e);
    }
    asides.sort(null);
    return asides;
  }

  /**
   * Writes other names.
   *
   * @param current the names that the file has now, as far as they could be read
   * @throws LayerStoreException if that fails; the file has the names of before
   */
  void write(Repositories changed, Repositories current) throws LayerStoreException {
    @Nullable Path aside = null;
    stampRead = OptionalLong.empty();
    try {
      AtomicFiles.createDirectories(directory, DIRECTORY_MODE, durability);
      aside = isDamaged ? moveAside() : null;
      AtomicFiles.write(file, changed.toBytes(), FILE_MODE, durability);
      isDamaged = false;
    } catch (IOException e) {
      if (aside != null) {
        moveBack(aside, e);
      } else if (!isDamaged) {
        if (FileFailures.isForWantOfSpace(e) && overwrite(changed, current, e)) {
          return;
        }
        takeBack(current, e);
      }
      throw FileFailures.wrap("write the names of images to " + file, e);
    }
  }

  private @Nullable Path moveAside() throws IOException {
    if (!Files.exists(file, NOFOLLOW_LINKS)) {
      return null;
    }
    for (int i = 1; ; i++) {
      Path aside = directory.resolve(ASIDE_PREFIX + i);
      if (!Files.exists(aside, NOFOLLOW_LINKS)) {
        Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
        log.warn("the names of images in {} cannot be read; they are kept as {}", file, aside);
        return aside;
      }
    }
  }

  private void moveBack(Path aside, Exception failure) {
    try {
      Files.deleteIfExists(file);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  /** Whether the names could be written in place of the old ones; the file is unchanged if not. */
  private boolean overwrite(Repositories changed, Repositories current, Exception failure) {
    try {
      byte[] before = AtomicFiles.read(file, MAX_BYTES);
      byte @Nullable [] after = padded(changed.toBytes(), before);
      if (after == null || !Arrays.equals(Repositories.read(before).toBytes(), current.toBytes())) {
        return false;
      }
      int start = Math.max(0, Arrays.mismatch(before, after));
      int end = after.length;
      while (end > start && before[end - 1] == after[end - 1]) {
        end--;
      }
      try {
        AtomicFiles.overwrite(file, start, Arrays.copyOfRange(after, start, end), durability);
      } catch (IOException e) {
        AtomicFiles.overwrite(file, start, Arrays.copyOfRange(before, start, end), Durability.NONE);
        throw e;
      }
      log.warn("wrote the names of images in place, because of: {}", failure.getMessage());
      return true;
    } catch (IOException e) {
      failure.addSuppressed(e);
      return false;
    }
  }

  /**
   * A document with so many spaces between two of its tokens that it is as long as another, and as
   * far as possible equal to it; null if it is longer.
   */
  static byte @Nullable [] padded(byte[] document, byte[] like) {
    int spaces = like.length - document.length;
    if (spaces < 0) {
      return null;
    }
    int position = document.length;
    while (position > 0 && document[position - 1] == like[position - 1 + spaces]) {
      position--;
    }
    boolean isInString = false;
    int at = 0;
    for (; at < document.length && (at < position || isInString); at++) {
      if (document[at] == '\\' && isInString) {
        at++;
      } else if (document[at] == '"') {
        isInString = !isInString;
      }
    }
    byte[] padded = Arrays.copyOf(document, like.length);
    System.arraycopy(document, at, padded, at + spaces, document.length - at);
    Arrays.fill(padded, at, at + spaces, (byte) ' ');
    return padded;
  }

  /** Only forcing the directory to the disk may have failed; the file is new then. */
  private void takeBack(Repositories current, Exception failure) {
    try {
      byte[] before = current.toBytes();
      byte @Nullable [] now = AtomicFiles.readIfExists(file, MAX_BYTES);
      if (now != null && !Arrays.equals(Repositories.read(now).toBytes(), before)) {
        AtomicFiles.write(file, before, FILE_MODE, Durability.NONE);
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
