package io.layerstore.core.layerdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

final class FileMetadataStoreOnDiskTest extends FileMetadataStoreContract {

  @TempDir private Path temporary;

  @Override
  Path newDirectory() throws IOException {
    return Files.createTempDirectory(temporary, "root");
  }

  @Test
  @Timeout(60)
  void layer_valueIsFifo_isCorruptionAndDoesNotWait() throws Exception {
    Path directory = newDirectory();
    Path layer = directory.resolve("sha256").resolve(BASE.digest().hex());
    Files.createDirectories(layer);
    Tool.require("mkfifo").run(layer.resolve("diff"));
    FileMetadataStore store = FileMetadataStore.open(directory, Durability.NONE, true);
    StoreCorruptedException e =
        assertThrows(StoreCorruptedException.class, () -> store.layer(BASE));
    assertEquals(layer.resolve("diff").toString(), e.file());
  }
}
