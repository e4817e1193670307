package io.layerstore.testing;

import io.layerstore.ChainId;
import io.layerstore.spi.MetadataStore;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract where nothing is a file, so that it asks for none. */
final class MemoryMetadataStoreTest extends MetadataStoreContract {
  private final MemoryMetadataStore.Memory memory = new MemoryMetadataStore.Memory();
  @TempDir Path scratch;

  @Override
  protected MetadataStore open(boolean readOnly) {
    return new MemoryMetadataStore(memory, scratch, readOnly);
  }

  @Override
  protected boolean damageLayer(ChainId chainId) {
    return memory.damaged.add(chainId);
  }

  @Override
  protected boolean damageRWLayer(String name) {
    return memory.damaged.add(name);
  }
}
