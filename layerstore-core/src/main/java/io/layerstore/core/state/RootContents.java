package io.layerstore.core.state;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.LayerStoreException;
import io.layerstore.StoreOptions;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What is in a root before anything is made in it: the one question is whose it is. Only looks.
 *
 * <p>Immutable; what another process does afterwards is not seen.
 */
public final class RootContents {

  /** What mkfs makes in a new file system. */
  private static final String LOST_AND_FOUND = "lost+found";

  private final Path root;
  private final StoreOptions options;
  private final Set<String> names;
  private final Set<String> imageNames;
  private final Set<String> emptyPlaces;

  private RootContents(StoreOptions options, Set<String> names, Collection<String> drivers) {
    this.root = options.root();
    this.options = options;
    this.names = names;
    this.imageNames =
        names.contains(DataRoot.IMAGE) ? namesOrNone(root.resolve(DataRoot.IMAGE)) : Set.of();
    this.emptyPlaces =
        names.stream()
            .filter(name -> drivers.contains(name) || isPlaceOfAStore(name))
            .filter(name -> isEmptyDirectory(root.resolve(name)))
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Looks at the root of {@code options}, which need not exist.
   *
   * @param drivers the names of the drivers there are
   * @throws LayerStoreException if it cannot be listed
   */
  public static RootContents look(StoreOptions options, Collection<String> drivers)
      throws LayerStoreException {
    Path root = options.root();
    try {
      return new RootContents(options, namesIn(root), drivers);
    } catch (NoSuchFileException e) {
      return new RootContents(options, Set.of(), drivers);
    } catch (NotDirectoryException e) {
      throw new LayerStoreException(
          "cannot use " + root + " as a store root: it is not a directory; choose another", e);
    } catch (IOException e) {
      throw new LayerStoreException(
          "cannot use " + root + " as a store root: " + FileFailures.describe(e), e);
    }
  }

  private static Set<String> namesIn(Path directory) throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        names.add(String.valueOf(entry.getFileName()));
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }

  /** The names of everything in the root, sorted; not to be changed. */
  Set<String> names() {
    return names;
  }

  /** The names of everything in {@code image}; not to be changed. */
  Set<String> imageNames() {
    return imageNames;
  }

  /** Whether this is an empty directory where a store has its own. */
  boolean isEmptyPlace(String name) {
    return emptyPlaces.contains(name);
  }

  private static Set<String> namesOrNone(Path directory) {
    try {
      return namesIn(directory);
    } catch (IOException e) {
      return Set.of();
    }
  }

  /** Whether there is nothing that anybody would miss, so that a store can be made. */
  public boolean isEmpty() {
    return names.stream().allMatch(this::isNothing);
  }

  private boolean isNothing(String name) {
    return name.equals(DataRoot.LOCK_FILE)
        || name.equals(DataRoot.SHARING)
        || DataRoot.isProbe(name)
        || name.equals(LOST_AND_FOUND)
        || isEmptyPlace(name);
  }

  /** Docker makes some of these even where it uses another driver. */
  private static boolean isPlaceOfAStore(String name) {
    return DataRoot.DOCKER_DRIVERS.contains(name)
        || DataRoot.OTHER_DRIVERS.contains(name)
        || name.equals(DataRoot.VFS)
        || name.equals(DataRoot.IMAGE)
        || name.equals(DataRoot.TEMPORARY);
  }

  private static boolean isEmptyDirectory(Path path) {
    if (!Files.isDirectory(path, NOFOLLOW_LINKS)) {
      return false;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      return !entries.iterator().hasNext();
    } catch (IOException | DirectoryIteratorException e) {
      return false;
    }
  }

  /**
   * Whether the driver has a store here: a layer database, with or without layers, or something in
   * its home. What cannot be read counts, as in Docker: it may be. What containers-storage keeps in
   * a directory of that name does not.
   */
  public boolean hasStore(String driver) {
    return hasMetadata(driver)
        || (hasHome(driver)
            && ForeignContents.containersStorage(names).filter(driver::equals).isEmpty());
  }

  /** Whether there is a layer database for the driver. */
  public boolean hasMetadata(String driver) {
    return Files.isDirectory(root.resolve(options.metadataPath(driver)));
  }

  /** Whether the driver's home has something in it, whoever put it there. */
  public boolean hasHome(String driver) {
    return isNonEmptyDirectory(root.resolve(driver));
  }

  private static boolean isNonEmptyDirectory(Path directory) {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      return entries.iterator().hasNext();
    } catch (IOException e) {
      return true;
    }
  }
}
