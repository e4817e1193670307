package io.layerstore.core.image;

import io.layerstore.ByteString;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.core.image.archive.MediaTypes;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.TemporaryFiles;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The manifests and indexes that images came with, verbatim.
 *
 * <pre>
 * layerstore-manifests/HEX/N-ALGORITHM-HEX     of the image HEX, the document with this digest; the highest N came last
 * </pre>
 *
 * <p>Directories have mode 0700, files 0600. An index is kept with each of its images. A file whose
 * digest is not the one in its name counts as absent: nothing but those bytes is lost. Writers hold
 * {@link ImageWriting}, readers nothing.
 */
final class ManifestDirectory {

  private static final Logger log = LoggerFactory.getLogger(ManifestDirectory.class);

  /** Of one image; the oldest goes when there are more. */
  private static final int MAX_DOCUMENTS = 16;

  private static final int DIRECTORY_MODE = 0700;
  private static final int FILE_MODE = 0600;
  private static final Pattern NAME = Pattern.compile("([0-9]{1,9})-([a-z0-9]+)-([0-9a-f]+)");

  private final Path parent;
  private final Path directory;
  private final Durability durability;

  /** A file with a document. */
  private record Kept(int number, Digest digest, Path file) {}

  /**
   * @param parent the directory to be in; this one is made when it is needed
   */
  ManifestDirectory(Path parent, Durability durability) {
    this.parent = parent;
    this.directory = parent.resolve("layerstore-manifests");
    this.durability = durability;
  }

  /** The documents of an image, newest first; none if they cannot be read. */
  List<ImageManifest> of(ImageId id) {
    List<ImageManifest> documents = new ArrayList<>();
    try {
      List<Kept> all = list(id);
      for (int i = all.size() - 1; i >= 0; i--) {
        ImageManifest document = read(all.get(i));
        if (document != null) {
          documents.add(document);
        }
      }
    } catch (IOException e) {
      log.warn("the manifests of image {} cannot be read", id, e);
    }
    return documents;
  }

  /** The image that came with the manifest {@code digest}, among {@code ids}. */
  Optional<ImageId> find(Digest digest, List<ImageId> ids) {
    for (ImageId id : ids) {
      try {
        for (Kept kept : list(id)) {
          ImageManifest document = kept.digest().equals(digest) ? read(kept) : null;
          if (document != null && MediaTypes.isManifest(document.descriptor().mediaType())) {
            return Optional.of(id);
          }
        }
      } catch (IOException e) {
        log.warn("the manifests of image {} cannot be read", id, e);
      }
    }
    return Optional.empty();
  }

  /** What is there, oldest first. */
  private List<Kept> list(ImageId id) throws IOException {
    List<Kept> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directoryOf(id))) {
      for (Path file : files) {
        Kept kept = parse(file);
        if (kept != null) {
          found.add(kept);
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return found;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    found.sort(Comparator.comparingInt(Kept::number));
    return found;
  }

  private static @Nullable Kept parse(Path file) {
    Matcher name = NAME.matcher(String.valueOf(file.getFileName()));
    if (!name.matches()) {
      return null;
    }
    try {
      Digest digest = Digest.parse(name.group(2) + ":" + name.group(3));
      return new Kept(Integer.parseInt(name.group(1)), digest, file);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The document in a file; null if it is not what it was. */
  private static @Nullable ImageManifest read(Kept kept) throws IOException {
    byte @Nullable [] bytes =
        AtomicFiles.readIfExists(kept.file(), RegistryRepository.MAX_MANIFEST_BYTES);
    if (bytes == null) {
      return null;
    }
    Digest.Algorithm algorithm = kept.digest().algorithm();
    String hex = HexFormat.of().formatHex(algorithm.newMessageDigest().digest(bytes));
    if (!hex.equals(kept.digest().hex())) {
      log.warn("{} does not have the digest in its name; it is ignored", kept.file());
      return null;
    }
    try {
      return new ImageManifest(
          Descriptor.of(MediaTypes.ofDocument(bytes), bytes.length, kept.digest()),
          ByteString.of(bytes));
    } catch (InvalidImageException e) {
      return null;
    }
  }

  /**
   * Keeps documents, the newest last. What is there already becomes the newest; nothing is written
   * if it is.
   *
   * @return the files that are new
   */
  List<Path> add(ImageId id, List<ImageManifest> documents) throws LayerStoreException {
    List<Path> added = new ArrayList<>();
    try {
      if (!areNewest(id, documents)) {
        for (ImageManifest document : documents) {
          add(id, document, added);
        }
      }
      return added;
    } catch (IOException e) {
      delete(added);
      throw FileFailures.wrap("keep the manifest of image " + id, e);
    }
  }

  private boolean areNewest(ImageId id, List<ImageManifest> documents) throws IOException {
    List<Kept> present = list(id);
    int older = present.size() - documents.size();
    if (older < 0) {
      return false;
    }
    for (int i = 0; i < documents.size(); i++) {
      Kept kept = present.get(older + i);
      if (!kept.digest().equals(documents.get(i).descriptor().digest()) || read(kept) == null) {
        return false;
      }
    }
    return true;
  }

  private void add(ImageId id, ImageManifest document, List<Path> added) throws IOException {
    Digest digest = document.descriptor().digest();
    List<Kept> present = list(id);
    int last = present.isEmpty() ? 0 : present.get(present.size() - 1).number();
    List<Kept> same = present.stream().filter(kept -> kept.digest().equals(digest)).toList();
    Path home = directoryOf(id);
    DamagedFiles.clearWay(parent, home);
    AtomicFiles.createDirectories(home, DIRECTORY_MODE, durability);
    String name = (last + 1) + "-" + digest.algorithm().id() + "-" + digest.hex();
    Path file = home.resolve(name);
    AtomicFiles.write(file, document.bytes().toByteArray(), FILE_MODE, durability);
    if (same.isEmpty()) {
      added.add(file);
    }
    for (Kept kept : same) {
      Files.deleteIfExists(kept.file());
    }
    int surplus = present.size() - same.size() + 1 - MAX_DOCUMENTS;
    for (Kept kept : present) {
      if (surplus > 0 && !same.contains(kept)) {
        Files.deleteIfExists(kept.file());
        surplus--;
      }
    }
  }

  /** Deletes files that were added for nothing, as far as possible. */
  void delete(List<Path> added) {
    for (Path file : added) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        log.warn("{} stays until its image goes", file, e);
      }
    }
  }

  /** Deletes what is kept of an image, as far as possible; the rest goes when it is swept. */
  void delete(ImageId id) {
    try {
      deleteTree(directoryOf(id));
    } catch (IOException e) {
      log.warn("the manifests of image {} stay until the next cleanup", id, e);
    }
  }

  private static void deleteTree(Path home) throws IOException {
    if (Files.exists(home, LinkOption.NOFOLLOW_LINKS)) {
      TreeDeleter.delete(home);
    }
  }

  /**
   * Deletes what is kept of images that are gone, whoever has deleted them, and what a process that
   * is gone has left of files it was writing.
   *
   * @return the names of what was deleted
   */
  List<String> sweep(Predicate<ImageId> exists) throws IOException {
    List<String> deleted = new ArrayList<>();
    try (DirectoryStream<Path> homes = Files.newDirectoryStream(directory)) {
      for (Path home : homes) {
        String name = String.valueOf(home.getFileName());
        if (!name.matches("[0-9a-f]{64}")) {
          continue;
        }
        if (exists.test(new ImageId(new Digest(Digest.Algorithm.SHA256, name)))) {
          deleted.addAll(TemporaryFiles.sweep(home));
        } else {
          deleteTree(home);
          deleted.add(name);
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return deleted;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return deleted;
  }

  private Path directoryOf(ImageId id) {
    return directory.resolve(id.digest().hex());
  }
}
