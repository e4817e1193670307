package io.layerstore.spi;

import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import java.nio.file.Path;

/** Makes the {@link MetadataStore} of a layer store. */
@FunctionalInterface
public interface MetadataStoreFactory {

  /**
   * Opens the metadata store in {@code directory}, and creates it unless {@code readOnly} is set.
   *
   * @param directory where the layer database is to be
   * @param durability how much to force to the disk
   */
  MetadataStore open(Path directory, Durability durability, boolean readOnly)
      throws LayerStoreException;
}
