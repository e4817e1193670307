package io.layerstore.core.image.download;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import com.google.common.collect.ConcurrentHashMultiset;
import com.google.common.collect.Multiset;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.KeyedLock;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What has come of blobs, in files that the next pull goes on with.
 *
 * <pre>
 * layerstore-partial/sha256-HEX-SIZE     the beginning of the blob of this digest and size, or all of it
 * </pre>
 *
 * <p>All pulls of a blob, in all stores on the root, have the same file. One at a time writes it;
 * it stays as long as anybody uses it. Nothing says that the bytes are right: whoever goes on with
 * them looks. Old ones are deleted, and the oldest of too many. Safe for use by many threads.
 */
public final class PartialBlobs {

  /** A broken pull that nobody has gone on with for so long is given up. */
  private static final Duration MAX_AGE = Duration.ofDays(7);

  private static final long MAX_BYTES = 16L << 30;
  private static final int DIRECTORY_MODE = 0700;

  private final Path directory;
  private final Durability durability;
  private final KeyedLock<String> writing;
  private final Others others;

  /** How many pulls of this store use a file. */
  private final Multiset<String> inUse = ConcurrentHashMultiset.create();

  /** The other stores on the root. */
  public interface Others {

    /** Tells them that a file is in use; returns what to take it back by. */
    int claim(String name);

    /** Takes it back. */
    void clear(int claim);

    /** Whether one of them uses a file. */
    boolean use(String name);
  }

  /** A file that nobody uses, with what is known to decide whether it stays. */
  private record Leftover(String name, Instant modified, long sizeBytes) {}

  /**
   * @param parent the directory to be in; this one is made when it is needed
   * @param writing held by whoever writes or deletes a file, by its name; among all stores on the
   *     root
   */
  public PartialBlobs(
      Path parent, Durability durability, KeyedLock<String> writing, Others others) {
    this.directory = parent.resolve("layerstore-partial");
    this.durability = durability;
    this.writing = writing;
    this.others = others;
  }

  /** Begins to use the file for a blob. */
  Part take(Descriptor blob) throws IOException {
    AtomicFiles.createDirectories(directory, DIRECTORY_MODE, durability);
    // With the size, for a manifest that lies about it must not cut what another pull reads.
    return new Part(
        blob.digest().algorithm().id() + "-" + blob.digest().hex() + "-" + blob.sizeBytes());
  }

  /** The file of a blob, for one who uses it. */
  final class Part {
    private final String name;
    private final int claim;

    private Part(String name) {
      this.name = name;
      this.claim = others.claim(name);
      inUse.add(name);
    }

    /** Where it is, or will be. */
    Path file() {
      return directory.resolve(name);
    }

    /**
     * Waits until nobody else writes the file: another pull, in this process or another one, that
     * fetches the same.
     *
     * @return what to close, by the same thread, to let the next one in
     */
    KeyedLock.Held write() throws InterruptedIOException {
      try {
        return writing.acquireInterruptibly(name);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }

    /** Ends to use it; once. */
    void giveBack(boolean keeps) throws IOException {
      others.clear(claim);
      inUse.remove(name);
      if (!keeps || (Files.exists(file(), NOFOLLOW_LINKS) && Files.size(file()) == 0)) {
        deleteIfUnused(name);
      }
    }
  }

  private boolean isUsed(String name) {
    return inUse.contains(name) || others.use(name);
  }

  /** Whoever begins to use it opens it under the same lock, and said so before. */
  private boolean deleteIfUnused(String name) throws IOException {
    if (isUsed(name)) {
      return false;
    }
    KeyedLock.Held held = writing.acquire(name);
    try (held) {
      return !isUsed(name) && Files.deleteIfExists(directory.resolve(name));
    }
  }

  /**
   * Deletes what is too old or too much; what is in use stays.
   *
   * @param all whether to delete the others, too
   * @return the names of what was deleted
   */
  public List<String> sweep(boolean all) throws IOException {
    List<Leftover> leftovers = leftovers();
    leftovers.sort(Comparator.comparing(Leftover::modified).reversed());
    Instant oldest = Instant.now().minus(MAX_AGE);
    List<String> deleted = new ArrayList<>();
    long total = 0;
    for (Leftover leftover : leftovers) {
      total += leftover.sizeBytes();
      if ((all || total > MAX_BYTES || leftover.modified().isBefore(oldest))
          && deleteIfUnused(leftover.name())) {
        deleted.add(leftover.name());
      }
    }
    return deleted;
  }

  private List<Leftover> leftovers() throws IOException {
    List<Leftover> leftovers = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (isOurs(name) && !isUsed(name)) {
          BasicFileAttributes attributes =
              Files.readAttributes(file, BasicFileAttributes.class, NOFOLLOW_LINKS);
          leftovers.add(
              new Leftover(name, attributes.lastModifiedTime().toInstant(), attributes.size()));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return leftovers;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return leftovers;
  }

  private static boolean isOurs(String name) {
    for (Digest.Algorithm algorithm : Digest.Algorithm.values()) {
      if (name.matches(algorithm.id() + "-[0-9a-f]{" + algorithm.hexLength() + "}(-[0-9]+)?")) {
        return true;
      }
    }
    return false;
  }
}
