package io.layerstore.vfs;

import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.rooted.DiskNames;
import io.layerstore.driver.rooted.NameTraits;
import io.layerstore.spi.DriverContext;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What there is to know about a driver's home once it is opened.
 *
 * @param volume the file system it is on
 * @param isTried whether what the file system can do was found out by trying, not only by looking
 * @param recovery what was found and put in order
 */
record VfsHome(Volume volume, boolean isTried, RecoveryReport recovery) {

  /** Looks at a home that may not exist, without changing anything. */
  static VfsHome look(DriverContext context, VfsLayout layout) throws IOException {
    boolean exists = Files.isDirectory(context.home(), LinkOption.NOFOLLOW_LINKS);
    Path place = exists ? context.home() : context.root();
    return new VfsHome(volume(context, place, look(place, layout)), false, RecoveryReport.CLEAN);
  }

  /** Makes the directories that are missing and empties the staging directory. */
  static VfsHome prepare(DriverContext context, VfsLayout layout) throws IOException {
    boolean isNew = makeDirectory(layout.home());
    List<Finding> findings = new ArrayList<>();
    boolean isNewStaging = makeDirectory(layout.staging(), findings);
    if (!context.others().arePresent()) {
      findings.addAll(emptyStaging(layout.staging()));
    }
    Volume volume;
    boolean isTried = true;
    try {
      volume = tryVolume(context, layout);
    } catch (IOException e) {
      if (isNew || !FileFailures.isForWantOfSpace(e)) {
        throw e;
      }
      // Enough to delete with, which is what a full disk needs.
      volume = volume(context, layout.home(), look(layout.home(), layout));
      isTried = false;
    }
    if (isNew) {
      open(volume, layout.home());
    }
    if (isNewStaging) {
      volume.setMode(layout.staging(), 0700);
    }
    if (makeDirectory(layout.layers(), findings)) {
      open(volume, layout.layers());
    }
    boolean isNewTables = makeDirectory(layout.tables(), findings);
    if (isNewTables) {
      volume.setMode(layout.tables(), 0700);
    }
    if (isNewTables) {
      sync(context, layout.home());
      sync(context, context.root());
    }
    try {
      if (!context.others().arePresent()) {
        VfsLayers.deleteOrphanTables(layout);
      }
    } catch (IOException e) {
      findings.add(
          new Finding(Kind.POSTPONED, "attributes", "records of layers that are gone stay: " + e));
    }
    return new VfsHome(volume, isTried, new RecoveryReport(findings));
  }

  /** Finds out by trying, in the staging directory, what the file system can do. */
  static Volume tryVolume(DriverContext context, VfsLayout layout) throws IOException {
    Path trial = Files.createTempDirectory(layout.staging(), "probe");
    FileSystemTraits traits;
    try {
      traits = withNames(FileSystemProbe.write(trial), context, layout);
    } finally {
      Staging.delete(trial);
    }
    return volume(context, layout.home(), traits);
  }

  private static Volume volume(DriverContext context, Path place, FileSystemTraits traits)
      throws IOException {
    DiskNames names = new DiskNames(place.getFileSystem(), traits.names(), traits.tellsSpelling());
    return new Volume(traits, names, owners(context, place, traits));
  }

  /** What was found out, with the names that are escaped here already, all of them noted. */
  private static FileSystemTraits withNames(
      FileSystemTraits found, DriverContext context, VfsLayout layout) throws IOException {
    NameTraits noted = layout.names().read();
    NameTraits names = noted == null ? found.names() : noted.and(found.names());
    if (names.hasEscapes() && !names.equals(noted)) {
      layout.names().write(names, layout.staging(), context.durability());
      sync(context, layout.home());
    }
    return found.withNames(names);
  }

  private static void sync(DriverContext context, Path directory) throws IOException {
    if (context.durability() != Durability.NONE) {
      AtomicFiles.syncDirectory(directory);
    }
  }

  private static FileSystemTraits look(Path place, VfsLayout layout) throws IOException {
    NameTraits noted = layout.names().read();
    return FileSystemProbe.read(place, noted == null ? NameTraits.ALL : noted);
  }

  /** Lets the group of the mapped root pass through, as Docker does. */
  private static void open(Volume volume, Path directory) throws IOException {
    volume.setGroupOfRoot(directory);
    volume.setMode(directory, 0710);
  }

  /**
   * Makes {@code directory}, which is in the home, and moves aside what is none; false if it is
   * there.
   */
  private static boolean makeDirectory(Path directory, List<Finding> findings) throws IOException {
    if (DamagedFiles.isObstructed(directory)) {
      findings.add(
          new Finding(
              Kind.DRIVER_REPAIR,
              directory.toString(),
              "it was no directory, and is " + DamagedFiles.moveAside(directory) + " now"));
    }
    return makeDirectory(directory);
  }

  /** Makes {@code directory}; false if it is there. */
  private static boolean makeDirectory(Path directory) throws IOException {
    try {
      Files.createDirectory(directory);
      return true;
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw new DriverException(
            VfsDriverProvider.NAME, null, directory + " is not a directory; move it away", e);
      }
      return false;
    }
  }

  /** Whoever owns the home is the root of its layers; if that is root, owners are as on disk. */
  private static Owners owners(DriverContext context, Path home, FileSystemTraits traits)
      throws IOException {
    if (!traits.hasUnixView()) {
      return Owners.mapped(IdMapping.IDENTITY);
    }
    long uid = id(home, "unix:uid");
    if (uid == 0) {
      return Owners.mapped(context.idMapping());
    }
    return Owners.ownedBy(
        Set.copyOf(List.of(uid, traits.uid())),
        Set.copyOf(List.of(id(home, "unix:gid"), traits.gid())));
  }

  private static long id(Path home, String attribute) throws IOException {
    return Integer.toUnsignedLong((Integer) Files.getAttribute(home, attribute));
  }

  private static List<Finding> emptyStaging(Path staging) throws IOException {
    List<Finding> findings = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(staging)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        try {
          Staging.delete(entry);
          findings.add(
              new Finding(
                  Kind.DRIVER_REPAIR, name, "work that was never completed; it was removed"));
        } catch (IOException e) {
          findings.add(
              new Finding(
                  Kind.POSTPONED, name, "work that was never completed; cannot be removed: " + e));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return findings;
  }
}
