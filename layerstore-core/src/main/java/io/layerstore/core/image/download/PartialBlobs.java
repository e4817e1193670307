package io.layerstore.core.image.download;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.driver.AtomicFiles;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What has come of blobs, in files that the next pull goes on with.
 *
 * <pre>
 * layerstore-partial/sha256-HEX       the beginning of the blob with this digest, or all of it
 * layerstore-partial/sha256-HEX-N     the same, while another pull of this process has the first
 * </pre>
 *
 * <p>Nothing says that the bytes are right: whoever goes on with them looks. Old ones are deleted,
 * and the oldest of too many. Safe for use by many threads.
 */
public final class PartialBlobs {

  /** A broken pull that nobody has gone on with for so long is given up. */
  private static final Duration MAX_AGE = Duration.ofDays(7);

  private static final long MAX_BYTES = 16L << 30;
  private static final int DIRECTORY_MODE = 0700;

  private final Path directory;
  private final Durability durability;

  @GuardedBy("this")
  private final Set<Path> inUse = new HashSet<>();

  /** A file that nobody uses, with what is known to decide whether it stays. */
  private record Leftover(Path path, Instant modified, long sizeBytes) {}

  /**
   * @param parent the directory to be in; this one is made when it is needed
   */
  public PartialBlobs(Path parent, Durability durability) {
    this.directory = parent.resolve("layerstore-partial");
    this.durability = durability;
  }

  /** The file for a blob, which need not exist; nobody else gets it before it is given back. */
  synchronized Path take(Digest digest) throws IOException {
    AtomicFiles.createDirectories(directory, DIRECTORY_MODE, durability);
    String name = digest.algorithm().id() + "-" + digest.hex();
    Path file = directory.resolve(name);
    for (int i = 1; !inUse.add(file); i++) {
      file = directory.resolve(name + "-" + i);
    }
    return file;
  }

  /** Gives a file back. */
  synchronized void giveBack(Path file) {
    inUse.remove(file);
  }

  /**
   * Deletes what is too old or too much; what is in use stays.
   *
   * @param all whether to delete the others, too
   * @return the names of what was deleted
   */
  public synchronized List<String> sweep(boolean all) throws IOException {
    List<Leftover> leftovers = leftovers();
    leftovers.sort(Comparator.comparing(Leftover::modified).reversed());
    Instant oldest = Instant.now().minus(MAX_AGE);
    List<String> deleted = new ArrayList<>();
    long total = 0;
    for (Leftover leftover : leftovers) {
      total += leftover.sizeBytes();
      if (all || total > MAX_BYTES || leftover.modified().isBefore(oldest)) {
        Files.deleteIfExists(leftover.path());
        deleted.add(String.valueOf(leftover.path().getFileName()));
      }
    }
    return deleted;
  }

  @GuardedBy("this")
  private List<Leftover> leftovers() throws IOException {
    List<Leftover> leftovers = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        if (!inUse.contains(file) && isOurs(String.valueOf(file.getFileName()))) {
          BasicFileAttributes attributes =
              Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
          leftovers.add(
              new Leftover(file, attributes.lastModifiedTime().toInstant(), attributes.size()));
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
