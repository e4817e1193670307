package io.layerstore.vfs;

import io.layerstore.DriverException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.spi.DriverIds;
import io.layerstore.vfs.record.AttributeLog;
import io.layerstore.vfs.record.AttributeRecords;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The layers in a driver's home: each a directory of files and perhaps a table of records.
 *
 * <p>A creation builds the copy in the staging directory and renames it; a removal renames the
 * layer into the staging directory and deletes it there. So a layer is there or not, and what a
 * crash leaves behind is in the staging directory, which is emptied at the next opening. A table
 * whose layer is not there means nothing.
 *
 * <p>Safe for use by many threads on different layers.
 */
final class VfsLayers {

  private static final Logger log = LoggerFactory.getLogger(VfsLayers.class);
  private static final int LAYER_MODE = 0755;
  private static final int TABLE_MODE = 0600;

  private final VfsLayout layout;
  private volatile Volume volume;
  private final boolean isDurable;

  /** Begins where no other process is likely to count. */
  private final AtomicLong stagings =
      new AtomicLong(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE / 2));

  /** The names of the staging directories that work is under way in. */
  private final Set<String> stagingsInHand = ConcurrentHashMap.newKeySet();

  /** The layers of {@code layout}; {@code isDurable} if what is done must survive a power cut. */
  VfsLayers(VfsLayout layout, Volume volume, boolean isDurable) {
    this.layout = layout;
    this.volume = volume;
    this.isDurable = isDurable;
  }

  /** Lets what begins from now on know better what the file system can do. */
  void setVolume(Volume known) {
    volume = known;
  }

  boolean exists(String id) {
    return Files.isDirectory(layout.layer(id), LinkOption.NOFOLLOW_LINKS);
  }

  /** The ids of all layers, sorted. */
  List<String> ids() throws IOException {
    if (!Files.isDirectory(layout.layers(), LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    return namesOfIds(layout.layers()).stream().filter(this::exists).sorted().toList();
  }

  /** The names in {@code directory} that can be those of layers. */
  private static List<String> namesOfIds(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (DriverIds.isValid(name)) {
          names.add(name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw new IOException("cannot list " + directory, e);
    }
    return names;
  }

  /** Where the layer {@code id} is, which must be there. */
  LayerFiles get(String id) throws DriverException {
    if (!exists(id)) {
      throw new DriverException(VfsDriverProvider.NAME, id, "does not exist", null);
    }
    return new LayerFiles(id, layout.layer(id), layout.table(id), volume);
  }

  /** A staging directory for work on the layer {@code id}. */
  Staging newStaging(String id) throws IOException {
    String name = takeStagingName(id);
    try {
      return Staging.create(
          layout.staging().resolve(name), volume, () -> stagingsInHand.remove(name));
    } catch (IOException | RuntimeException e) {
      stagingsInHand.remove(name);
      throw e;
    }
  }

  /** A name in the staging directory; in hand until it is taken out of the set. */
  private String takeStagingName(String id) {
    String name = id + "." + stagings.incrementAndGet();
    stagingsInHand.add(name);
    return name;
  }

  /**
   * Makes the layer {@code id}, as a copy of {@code parent} if there is one.
   *
   * @param isForced whether the copy has to be on the disk before the layer is there; else {@link
   *     #sync} is to follow
   */
  void create(String id, @Nullable LayerFiles parent, boolean isForced) throws IOException {
    try (Staging staging = newStaging(id)) {
      Path directory = staging.path().resolve("files");
      LayerFiles layer = new LayerFiles(id, directory, layout.table(id), volume);
      Files.createDirectory(directory, volume.creation(LAYER_MODE));
      volume.setOwner(directory, id, "", 0, 0);
      volume.setMode(directory, LAYER_MODE);
      Files.deleteIfExists(layer.table());
      try (AttributeLog log = new AttributeLog(staging.path(), null)) {
        if (parent != null) {
          copy(parent, layer, log);
        }
        publish(layer, staging, log);
      }
      if (isDurable && isForced) {
        LayerSync.run(layer);
      }
      try {
        Files.move(directory, layout.layer(id), StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        deleteAfter(e, layer.table());
        throw e;
      }
      sync(layout.layers());
    }
  }

  private static void copy(LayerFiles source, LayerFiles target, AttributeLog log)
      throws IOException {
    try (AttributeRecords records = source.openRecords()) {
      new TreeCopier(source, records, target, log).copy();
    }
  }

  private static void deleteAfter(IOException failure, Path file) {
    Closing.after(failure, () -> Files.deleteIfExists(file));
  }

  /** Makes the records of {@code log} those of {@code layer}, at once or not at all. */
  void publish(LayerFiles layer, Staging staging, AttributeLog log) throws IOException {
    if (log.isUnchanged()) {
      return;
    }
    Path table = staging.path().resolve("table");
    long root = log.root(layer.rootInode());
    if (log.writeTo(table, root, isDurable, volume.creation(TABLE_MODE)) == 0) {
      Files.deleteIfExists(layer.table());
    } else {
      Files.move(
          table,
          layer.table(),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
    sync(layout.tables());
  }

  /**
   * Deletes the layer {@code id}, if it is there.
   *
   * <p>It goes as a whole: after an exception all of it is there. What of its files cannot be
   * deleted once it is gone waits in the staging directory for the next cleanup or opening.
   */
  void delete(String id) throws IOException {
    Path layer = layout.layer(id);
    AtomicFiles.uninterrupted(() -> TreeDeleter.requireNothingMountedIn(layer));
    String name = takeStagingName(id);
    try {
      if (exists(id)) {
        // To be moved, a directory has to be writable.
        volume.makeAccessible(layer, id, "");
        Files.move(layer, layout.staging().resolve(name), StandardCopyOption.ATOMIC_MOVE);
      }
      deleteRest(id, layout.staging().resolve(name));
      deleteStagings(id);
    } finally {
      stagingsInHand.remove(name);
    }
  }

  /** What a process that died while it worked on a layer has left, which is to be deleted. */
  private void deleteStagings(String id) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(layout.staging(), id + ".*")) {
      for (Path entry : entries) {
        if (!stagingsInHand.contains(String.valueOf(entry.getFileName()))) {
          Staging.delete(entry);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  private void deleteRest(String id, Path removed) {
    try {
      Closing.all(() -> Staging.delete(removed), () -> Files.deleteIfExists(layout.table(id)));
    } catch (IOException e) {
      log.warn(
          "layer {} is gone, but not all of its files; the next cleanup or opening deletes them",
          id,
          e);
    }
  }

  /** Deletes tables whose layers are gone, and what work that has ended left behind. */
  void deleteOrphans() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(layout.staging())) {
      for (Path entry : entries) {
        if (!stagingsInHand.contains(String.valueOf(entry.getFileName()))) {
          Staging.delete(entry);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    deleteOrphanTables(layout);
  }

  /** Deletes tables whose layers are gone. */
  static void deleteOrphanTables(VfsLayout layout) throws IOException {
    for (String id : namesOfIds(layout.tables())) {
      if (!Files.isDirectory(layout.layer(id), LinkOption.NOFOLLOW_LINKS)) {
        Files.deleteIfExists(layout.table(id));
      }
    }
  }

  /** Forces all of {@code layer} to the disk. */
  void sync(LayerFiles layer) throws IOException {
    if (isDurable) {
      LayerSync.run(layer);
      sync(layout.layers());
      sync(layout.home());
    }
  }

  private void sync(Path directory) throws IOException {
    if (isDurable) {
      AtomicFiles.syncDirectory(directory);
    }
  }
}
