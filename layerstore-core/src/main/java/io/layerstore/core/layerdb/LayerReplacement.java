package io.layerstore.core.layerdb;

import io.layerstore.driver.TreeDeleter;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore.Leftover;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Moves the files of a write-set into the directory of a damaged layer, one after the other.
 *
 * <p>Moving the damaged directory aside and renaming the write-set in would leave a moment without
 * the layer, and a crash at that moment would lead the next process to remove the files that the
 * layers above stand on. File by file there is no such moment: each is the damaged one or the good
 * one. {@code cache-id} comes last. With it the driver's files change hands: before, the write-set
 * names the new ones, and they go if the process dies; after, the layer does.
 */
final class LayerReplacement {

  /** All but the cache id, in the order they are replaced. */
  private static final List<String> NAMES =
      List.of(
          LayerDbLayout.TAR_SPLIT,
          LayerDbLayout.DIFF,
          LayerDbLayout.SIZE,
          LayerDbLayout.PARENT,
          LayerDbLayout.DESCRIPTOR);

  private final LayerDbFiles files;
  private final TmpDirectory tmp;
  private final RecordReader reader;
  private final Path writeSet;
  private final Path layer;
  private final LayerRecord record;

  LayerReplacement(
      LayerDbFiles files,
      TmpDirectory tmp,
      RecordReader reader,
      Path writeSet,
      Path layer,
      LayerRecord record) {
    this.files = files;
    this.tmp = tmp;
    this.reader = reader;
    this.writeSet = writeSet;
    this.layer = layer;
    this.record = record;
  }

  /**
   * Replaces everything.
   *
   * @param movesCacheId whether the write-set's cache id is the record's
   * @return a note of the old files, if they are to be dropped and can be told
   */
  @Nullable Leftover run(boolean movesCacheId, boolean dropsOldFiles) throws IOException {
    @Nullable String oldId = reader.cacheIdOrNull(layer);
    for (String name : NAMES) {
      replace(name);
    }
    files.sync(layer);
    if (record.cacheId().equals(oldId)) {
      return null;
    }
    // Until the switch the layer has the old id, and then the note of it counts for nothing.
    @Nullable Path note = dropsOldFiles && oldId != null ? tmp.makeWriteSet(oldId) : null;
    try {
      switchCacheId(movesCacheId, oldId);
    } catch (IOException | RuntimeException e) {
      discardNote(note, e);
      throw e;
    }
    return note == null
        ? null
        : new Leftover(String.valueOf(note.getFileName()), record.chainId(), oldId);
  }

  private void replace(String name) throws IOException {
    Path target = layer.resolve(name);
    if (LayerDbFiles.isDirectory(target)) {
      TreeDeleter.delete(target);
    }
    Path source = writeSet.resolve(name);
    if (LayerDbFiles.exists(source)) {
      move(source, target);
    } else {
      Files.deleteIfExists(target);
    }
  }

  private void switchCacheId(boolean movesCacheId, @Nullable String oldId) throws IOException {
    Path target = layer.resolve(LayerDbLayout.CACHE_ID);
    if (LayerDbFiles.isDirectory(target)) {
      TreeDeleter.delete(target);
    }
    if (movesCacheId) {
      move(writeSet.resolve(LayerDbLayout.CACHE_ID), target);
    } else {
      writeCacheId(target, record.cacheId());
    }
    try {
      files.sync(layer);
    } catch (IOException | RuntimeException e) {
      // The caller will take the new files back, so the layer must not name them.
      switchBack(target, movesCacheId, oldId, e);
      throw e;
    }
  }

  /** In one step; what a crash leaves beside the new name goes with the write-set. */
  private void writeCacheId(Path target, String id) throws IOException {
    Path aside = writeSet.resolve(LayerDbLayout.SCRATCH_PREFIX + LayerDbLayout.CACHE_ID);
    Files.deleteIfExists(aside);
    files.writeValue(aside, id);
    move(aside, target);
  }

  private void switchBack(
      Path target, boolean movesCacheId, @Nullable String oldId, Exception failure) {
    try {
      if (movesCacheId) {
        move(target, writeSet.resolve(LayerDbLayout.CACHE_ID));
      }
      if (oldId != null) {
        writeCacheId(target, oldId);
      } else {
        Files.deleteIfExists(target);
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private void discardNote(@Nullable Path note, Exception failure) {
    if (note == null) {
      return;
    }
    try {
      TreeDeleter.delete(note);
    } catch (IOException e) {
      failure.addSuppressed(e);
    } finally {
      tmp.letGo(note);
    }
  }

  private static void move(Path source, Path target) throws IOException {
    Files.move(source, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
