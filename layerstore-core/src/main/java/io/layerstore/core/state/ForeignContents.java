package io.layerstore.core.state;

import io.layerstore.ByteString;
import io.layerstore.Digest;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Tells a person whose directory it is that is no store: an engine's, another tool's, or just
 * somebody's files. Only looks.
 */
public final class ForeignContents {

  /** So many names of files are told, and the others counted. */
  private static final int NAMES_TOLD = 5;

  private static final String CONTAINERD_PREFIX = "io.containerd.";

  /** Ends of names that only containers-storage has, each after the name of its driver. */
  private static final String STORAGE_LAYERS = "-layers";

  private static final String STORAGE_IMAGES = "-images";

  private final Path root;
  private final RootContents contents;
  private final List<String> found = new ArrayList<>();

  private ForeignContents(Path root, RootContents contents) {
    this.root = root;
    this.contents = contents;
  }

  /** What is in the root, each in a few words; at least one. */
  public static List<String> describe(Path root, RootContents contents) {
    ForeignContents foreign = new ForeignContents(root, contents);
    foreign.lookForContainersStorage();
    foreign.lookForContainerd();
    foreign.lookForDrivers();
    if (foreign.found.isEmpty()) {
      foreign.found.add("other files: " + told(contents.names()));
    }
    return foreign.found;
  }

  /** The driver of the containers-storage whose root has these names; empty if it is none. */
  static Optional<String> containersStorage(Set<String> names) {
    return names.stream()
        .filter(name -> name.endsWith(STORAGE_LAYERS))
        .map(name -> name.substring(0, name.length() - STORAGE_LAYERS.length()))
        .filter(driver -> names.contains(driver + STORAGE_IMAGES))
        .findFirst();
  }

  private void lookForContainersStorage() {
    containersStorage(contents.names())
        .ifPresent(
            driver -> {
              Path home = root.resolve(driver);
              Path layers = driver.equals(DataRoot.VFS) ? home.resolve("dir") : home;
              found.add(
                  "the storage of podman, buildah or CRI-O (containers-storage), driver "
                      + shown(driver)
                      + " with "
                      + counted(count(layers, ForeignContents::isHash), "layer"));
            });
  }

  private void lookForContainerd() {
    Set<String> names = contents.names();
    if (names.stream().anyMatch(name -> name.startsWith(CONTAINERD_PREFIX))) {
      found.add("the root of a containerd (" + told(startingWith(names, CONTAINERD_PREFIX)) + ")");
      return;
    }
    List<String> signs = new ArrayList<>();
    if (count(root.resolve(DataRoot.CONTAINERD).resolve("daemon"), name -> true) > 0) {
      signs.add(DataRoot.CONTAINERD + "/");
    }
    if (count(DataRoot.buildKit(root), name -> name.startsWith(DataRoot.CONTAINERD)) > 0) {
      signs.add("buildkit/containerd-*/");
    }
    if (names.contains("engine-id") && names.contains("rootfs")) {
      signs.add("rootfs/");
    }
    if (!signs.isEmpty()) {
      found.add(
          "the images and containers of a dockerd that uses the containerd store ("
              + String.join(", ", signs)
              + "), which would no longer see them beside a graph driver's directory");
    }
  }

  private void lookForDrivers() {
    Set<String> drivers = new TreeSet<>(contents.imageNames());
    for (String driver : DataRoot.OTHER_DRIVERS) {
      if (contents.hasHome(driver)) {
        drivers.add(driver);
      }
    }
    containersStorage(contents.names()).ifPresent(drivers::remove);
    drivers.forEach(driver -> found.add(describeDriver(root, driver)));
  }

  /** What a root has of a driver that cannot be used. */
  public static String describeDriver(Path root, String driver) {
    Path metadata = root.resolve(DataRoot.IMAGE).resolve(driver);
    String sha256 = Digest.Algorithm.SHA256.id();
    if (!Files.isDirectory(metadata)) {
      return "the directory " + shown(driver) + "/ of the driver " + shown(driver);
    }
    int layers =
        count(metadata.resolve(DataRoot.LAYER_DATABASE).resolve(sha256), ForeignContents::isHash);
    int images =
        count(
            metadata.resolve(DataRoot.IMAGE_DATABASE).resolve("content").resolve(sha256),
            ForeignContents::isHash);
    return "image/"
        + shown(driver)
        + " with "
        + counted(layers, "layer")
        + " and "
        + counted(images, "image")
        + " of the driver "
        + shown(driver);
  }

  private static Set<String> startingWith(Set<String> names, String prefix) {
    Set<String> found = new TreeSet<>(names);
    found.removeIf(name -> !name.startsWith(prefix));
    return found;
  }

  private static String told(Set<String> names) {
    String told =
        String.join(", ", names.stream().limit(NAMES_TOLD).map(ForeignContents::shown).toList());
    int rest = names.size() - NAMES_TOLD;
    return rest > 0 ? told + " and " + rest + " more" : told;
  }

  /** A name as text that no terminal acts upon. */
  private static String shown(String name) {
    return ByteString.utf8(name).toString();
  }

  private static String counted(int count, String what) {
    return count + " " + what + (count == 1 ? "" : "s");
  }

  private static boolean isHash(String name) {
    return name.length() == Digest.Algorithm.SHA256.hexLength();
  }

  /** How many names in a directory pass the filter; 0 if it cannot be read. */
  private static int count(Path directory, Predicate<String> filter) {
    int count = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (filter.test(String.valueOf(entry.getFileName()))) {
          count++;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      return count;
    }
    return count;
  }
}
