package io.layerstore.core;

import com.google.common.io.Closer;
import io.layerstore.LayerInfo;
import io.layerstore.RWLayerInfo;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.PreloadedClasses;
import io.layerstore.spi.MetadataStore;
import java.util.List;
import org.slf4j.helpers.MessageFormatter;

/** The classes of core to load when a store is opened; those of drivers they load themselves. */
final class CleanupClasses {

  private static final List<String> CORE =
      List.of(
          "layer.LayerBatch",
          "layer.LayerRelease",
          "layer.PendingLayer",
          "layer.ReadWriteLayers",
          "state.StoreRecovery",
          "image.archive.ArchiveText",
          "image.archive.Spool",
          "layerdb.LeftoverScanner",
          "layerdb.RecordReader");

  private CleanupClasses() {}

  static void load() {
    Package own = CleanupClasses.class.getPackage();
    PreloadedClasses.load(Closer.class);
    PreloadedClasses.load(Closing.class);
    PreloadedClasses.load(FileFailures.class);
    PreloadedClasses.load(LayerInfo.class);
    PreloadedClasses.load(MessageFormatter.class);
    PreloadedClasses.load(MetadataStore.class);
    PreloadedClasses.load(RWLayerInfo.class);
    for (String name : CORE) {
      PreloadedClasses.load(named(own.getName() + "." + name));
    }
  }

  private static Class<?> named(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new NoClassDefFoundError(name);
    }
  }
}
