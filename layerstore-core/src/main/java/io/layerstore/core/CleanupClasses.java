package io.layerstore.core;

import io.layerstore.LayerMetadata;
import io.layerstore.RWLayerInfo;
import io.layerstore.driver.FileFailures;
import io.layerstore.spi.MetadataStore;
import java.util.List;
import org.slf4j.helpers.MessageFormatter;

/**
 * Loads the classes that failures and cleaning up after them need, when a store is opened.
 *
 * <p>Loading a class may take a descriptor. In a process that has none left it fails, in the middle
 * of taking something back, and what remains then is told by an error that says nothing of files.
 */
final class CleanupClasses {

  private static final List<String> CORE =
      List.of(
          "JoinedLayers",
          "LayerRelease",
          "PendingLayer",
          "ReadWriteLayers",
          "StoreRecovery",
          "image.archive.Failures",
          "image.archive.Spool",
          "layerdb.Failures",
          "layerdb.LeftoverScanner",
          "layerdb.RecordReader");

  /** Of the driver that comes with this module. */
  private static final List<String> VFS =
      List.of("io.layerstore.vfs.InRootWalker", "io.layerstore.vfs.VfsFailures");

  private CleanupClasses() {}

  static void load() {
    Package own = CleanupClasses.class.getPackage();
    load(FileFailures.class);
    load(LayerMetadata.class);
    load(MessageFormatter.class);
    load(MetadataStore.class);
    load(RWLayerInfo.class);
    for (String name : CORE) {
      load(named(own.getName() + "." + name));
    }
    for (String name : VFS) {
      load(named(name));
    }
  }

  private static Class<?> named(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new NoClassDefFoundError(name);
    }
  }

  /** Initialises a class, and loads those inside it. */
  private static void load(Class<?> type) {
    named(type.getName());
    for (Class<?> inner : type.getDeclaredClasses()) {
      load(inner);
    }
  }
}
