package io.layerstore.cli;

import io.layerstore.Image;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files of what an argument names: an image, a read-write layer or a layer of the store, or
 * else an image archive or layout that is in no store. One that begins with a slash or a dot is
 * always the latter.
 */
final class ShownFiles implements Closeable {
  private final FileSystem files;
  private final @Nullable LayerStore store;

  private ShownFiles(FileSystem files, @Nullable LayerStore store) {
    this.files = files;
    this.store = store;
  }

  static ShownFiles open(Layerstore layerstore, String argument) throws IOException {
    Optional<Path> file = file(argument);
    if (argument.startsWith("/") || argument.startsWith(".")) {
      return ofArchive(file.orElseThrow(() -> new NoSuchFileException(argument)));
    }
    LayerStore store;
    try {
      store = layerstore.openToRead();
    } catch (LayerStoreException e) {
      if (file.isPresent()) {
        return ofArchive(file.get());
      }
      throw e;
    }
    try {
      FileSystem found = ofStore(store, argument);
      if (found != null) {
        return new ShownFiles(found, store);
      }
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
    store.close();
    return ofArchive(
        file.orElseThrow(
            () ->
                new LayerStoreException(
                    "no image, no layer and no archive: "
                        + argument
                        + "; 'images' lists the images of the store")));
  }

  private static Optional<Path> file(String argument) {
    try {
      return Optional.of(Path.of(argument)).filter(Files::exists);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static ShownFiles ofArchive(Path path) throws IOException {
    return new ShownFiles(ImageSource.of(path).fileSystem(), null);
  }

  private static @Nullable FileSystem ofStore(LayerStore store, String argument)
      throws LayerStoreException {
    Optional<Image> image = Target.findImage(store, argument);
    if (image.isPresent()) {
      return store.images().fileSystem(image.get().id().toString());
    }
    if (Target.isReadWrite(store, argument)) {
      try (RWLayer layer = store.getRWLayer(argument)) {
        return layer.fileSystem();
      }
    }
    var chainId = Target.findLayer(store, argument);
    if (chainId.isEmpty()) {
      return null;
    }
    try (Layer layer = store.get(chainId.get())) {
      return layer.fileSystem();
    }
  }

  /** The path that the command line means; a relative one begins at the root. */
  Path path(@Nullable String text) {
    return files.getPath("/").resolve(text == null ? "" : text);
  }

  @Override
  public void close() throws IOException {
    try (files;
        store) {
      // Both, whatever becomes of the first.
    }
  }
}
