package io.layerstore.core.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.ImageId;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.core.json.GoTime;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.TemporaryFiles;
import io.layerstore.driver.TreeDeleter;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files of the image database.
 *
 * <pre>
 * imagedb  = content/sha256/HEX            an image configuration, verbatim; HEX is its SHA-256         0600
 *            metadata/sha256/HEX/parent         the id of the image it was made from                    0600
 *            metadata/sha256/HEX/lastUpdated    when it was last tagged, RFC 3339                       0600
 * </pre>
 *
 * <p>All directories have mode 0700 and are made when they are first needed. A file holds its value
 * and nothing else, not even a newline; it is written aside, as {@code .tmp-*}, and renamed in.
 * Every read of a configuration checks its hash. Names that are no digest are not looked at.
 *
 * <p>Checked against moby v20.10.24 and v28.5, {@code image/fs.go}.
 */
final class ImageDb {

  private static final int DIRECTORY_MODE = 0700;
  private static final int FILE_MODE = 0600;

  /** Far above what any value needs; a larger file is not one. */
  private static final int MAX_VALUE_BYTES = 4096;

  private static final String PARENT = "parent";
  private static final String LAST_UPDATED = "lastUpdated";

  private final Path directory;
  private final Path content;
  private final Path metadata;
  private final Durability durability;

  ImageDb(Path directory, Durability durability) {
    this.directory = directory;
    this.content = directory.resolve("content").resolve(Digest.Algorithm.SHA256.id());
    this.metadata = directory.resolve("metadata").resolve(Digest.Algorithm.SHA256.id());
    this.durability = durability;
  }

  /** The images that have a configuration, trustworthy or not, sorted. */
  List<ImageId> ids() throws IOException {
    return obstacles(content).isEmpty() ? ids(content) : List.of();
  }

  private static List<ImageId> ids(Path directory) throws IOException {
    List<ImageId> ids = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        parse(String.valueOf(entry.getFileName())).ifPresent(ids::add);
      }
    } catch (NoSuchFileException e) {
      return ids;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    ids.sort(null);
    return ids;
  }

  /** The images that something is noted about, sorted; each should have a configuration. */
  List<ImageId> noted() throws IOException {
    return obstacles(metadata).isEmpty() ? ids(metadata) : List.of();
  }

  /** What is no directory where one must be; nothing in its place can be found. */
  List<Path> obstacles() {
    List<Path> obstacles = new ArrayList<>(obstacles(content));
    obstacles(metadata).stream().filter(path -> !obstacles.contains(path)).forEach(obstacles::add);
    return obstacles;
  }

  private List<Path> obstacles(Path wanted) {
    return DamagedFiles.obstacles(top(), wanted);
  }

  private Path top() {
    return Objects.requireNonNull(directory.getParent(), "the directory of the images");
  }

  /** Makes a directory, and moves out of the way what is none. */
  private void ensureDirectory(Path wanted) throws IOException {
    DamagedFiles.clearWay(top(), wanted);
    AtomicFiles.createDirectories(wanted, DIRECTORY_MODE, durability);
  }

  private static Optional<ImageId> parse(String name) {
    if (name.length() != Digest.Algorithm.SHA256.hexLength()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new ImageId(new Digest(Digest.Algorithm.SHA256, name)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * The configuration of an image.
   *
   * @throws NoSuchFileException if there is none
   * @throws StoreCorruptedException if it is not what its name says
   */
  byte[] config(ImageId id) throws IOException {
    Path file = contentOf(id);
    BasicFileAttributes attributes =
        Files.readAttributes(file, BasicFileAttributes.class, NOFOLLOW_LINKS);
    if (!attributes.isRegularFile()) {
      throw damaged(file, "not a regular file");
    }
    if (attributes.size() > ImageConfigReader.MAX_BYTES) {
      throw damaged(
          file,
          attributes.size()
              + " bytes where at most "
              + ImageConfigReader.MAX_BYTES
              + " are expected");
    }
    byte[] bytes = AtomicFiles.read(file, ImageConfigReader.MAX_BYTES);
    ImageId found = ImageId.of(bytes);
    if (!found.equals(id)) {
      throw damaged(file, "failed to verify: the content has the digest " + found);
    }
    return bytes;
  }

  private static StoreCorruptedException damaged(Path file, String problem) {
    return new StoreCorruptedException(
        file.toString(), problem, "load or pull the image again to heal it", null);
  }

  /** Writes a configuration, over a damaged one that may be there. */
  void writeConfig(ImageId id, byte[] bytes) throws IOException {
    ensureDirectory(content);
    AtomicFiles.write(contentOf(id), bytes, FILE_MODE, durability);
  }

  /**
   * The image that {@code id} was made from, which need not exist any more; null if that is not
   * known.
   *
   * @throws StoreCorruptedException if what is noted is no image id
   */
  @Nullable ImageId parent(ImageId id) throws IOException {
    Path file = metadataOf(id).resolve(PARENT);
    byte @Nullable [] bytes = AtomicFiles.readIfExists(file, MAX_VALUE_BYTES);
    if (bytes == null) {
      return null;
    }
    try {
      return ImageId.parse(new String(bytes, ISO_8859_1));
    } catch (IllegalArgumentException e) {
      throw new StoreCorruptedException(
          file.toString(), String.valueOf(e.getMessage()), "remove the file", e);
    }
  }

  void writeParent(ImageId id, ImageId parent) throws IOException {
    write(id, PARENT, parent.toString());
  }

  void deleteParent(ImageId id) throws IOException {
    if (Files.deleteIfExists(metadataOf(id).resolve(PARENT))) {
      sync(metadataOf(id));
    }
  }

  void writeLastUpdated(ImageId id, Instant time) throws IOException {
    write(id, LAST_UPDATED, GoTime.format(time));
  }

  private void write(ImageId id, String name, String value) throws IOException {
    ensureDirectory(metadataOf(id));
    AtomicFiles.write(
        metadataOf(id).resolve(name), value.getBytes(US_ASCII), FILE_MODE, durability);
  }

  /**
   * Removes what is noted about an image, and then its configuration. Both can be done without a
   * descriptor; that they cannot be forced to the disk is said only when they are gone.
   */
  void delete(ImageId id) throws IOException {
    IOException failure = null;
    if (Files.exists(metadataOf(id), NOFOLLOW_LINKS)) {
      deleteNotes(id);
      failure = trySync(metadata);
    }
    if (Files.deleteIfExists(contentOf(id))) {
      IOException another = trySync(content);
      failure = failure == null ? another : failure;
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void deleteNotes(ImageId id) throws IOException {
    Path notes = metadataOf(id);
    if (Files.isDirectory(notes, LinkOption.NOFOLLOW_LINKS)) {
      Files.deleteIfExists(notes.resolve(PARENT));
      Files.deleteIfExists(notes.resolve(LAST_UPDATED));
    }
    try {
      Files.deleteIfExists(notes);
    } catch (DirectoryNotEmptyException e) {
      // Something else is in it.
      TreeDeleter.delete(notes);
    }
  }

  private @Nullable IOException trySync(Path directory) {
    try {
      sync(directory);
      return null;
    } catch (IOException e) {
      return e;
    }
  }

  /** Deletes what a process that is gone has left of files it was writing; returns the names. */
  List<String> deleteTemporaryFiles() throws IOException {
    List<String> deleted = new ArrayList<>(TemporaryFiles.sweep(content));
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(metadata)) {
      for (Path entry : entries) {
        deleted.addAll(TemporaryFiles.sweep(entry));
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return deleted;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return deleted;
  }

  /** Whether there is a configuration that is what its name says. */
  boolean isSound(ImageId id) {
    try {
      config(id);
      return true;
    } catch (IOException e) {
      // There is none, or it is damaged or cannot be read: writing it will show which.
      return false;
    }
  }

  /** Whether there is anything under the name of the image's configuration. */
  boolean exists(ImageId id) {
    return Files.exists(contentOf(id), NOFOLLOW_LINKS);
  }

  private void sync(Path directory) throws IOException {
    if (durability != Durability.NONE) {
      AtomicFiles.syncDirectory(directory);
    }
  }

  private Path contentOf(ImageId id) {
    return content.resolve(id.digest().hex());
  }

  private Path metadataOf(ImageId id) {
    return metadata.resolve(id.digest().hex());
  }
}
