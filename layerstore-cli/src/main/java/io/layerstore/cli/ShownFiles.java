package io.layerstore.cli;

import io.layerstore.ArchiveException;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.RWLayer;
import io.layerstore.RemoteImage;
import io.layerstore.ViewOptions;
import io.layerstore.spi.RegistryProvider;
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
 * always the latter, {@code -} is an archive on the standard input, and {@code docker://REFERENCE}
 * an image in a registry, of which what is needed is fetched.
 */
final class ShownFiles implements Closeable {
  /** What an image in a registry begins with. */
  static final String REMOTE = "docker://";

  private final FileSystem files;
  private final @Nullable LayerStore store;

  private ShownFiles(FileSystem files, @Nullable LayerStore store) {
    this.files = files;
    this.store = store;
  }

  /**
   * Opens what {@code argument} names.
   *
   * @param number the number of the argument
   */
  static ShownFiles open(ViewChoice choice, int number, String argument) throws IOException {
    Layerstore layerstore = choice.layerstore();
    ViewOptions options = choice.options(number);
    if (argument.startsWith(REMOTE)) {
      ImageReference reference = ImageReference.parse(argument.substring(REMOTE.length()));
      RemoteImage image = RegistryProvider.find().inspect(reference, choice.registry());
      return new ShownFiles(image.fileSystem(options), null);
    }
    if (argument.equals("-")) {
      return ofArchive(ImageSource.of(layerstore.console().in()), "the standard input", options);
    }
    Optional<Path> file = file(argument);
    if (argument.startsWith("/") || argument.startsWith(".")) {
      return ofArchive(file.orElseThrow(() -> new NoSuchFileException(argument)), options);
    }
    LayerStore store;
    try {
      store = layerstore.openToRead();
    } catch (LayerStoreException e) {
      if (file.isPresent()) {
        return ofArchive(file.get(), options);
      }
      throw e;
    }
    try {
      FileSystem found = ofStore(store, argument, options);
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
                        + "; 'images' lists the images of the store")),
        options);
  }

  private static Optional<Path> file(String argument) {
    try {
      return Optional.of(Path.of(argument)).filter(Files::exists);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static ShownFiles ofArchive(Path path, ViewOptions options) throws IOException {
    return ofArchive(ImageSource.of(path), path.toString(), options);
  }

  private static ShownFiles ofArchive(ImageSource source, String name, ViewOptions options)
      throws LayerStoreException {
    try {
      return new ShownFiles(source.fileSystem(options), null);
    } catch (InvalidImageException | ArchiveException | LayerVerificationException e) {
      throw new LayerStoreException(name + " cannot be shown: " + e.getMessage(), e);
    }
  }

  private static @Nullable FileSystem ofStore(
      LayerStore store, String argument, ViewOptions options) throws LayerStoreException {
    Optional<Image> image = Target.findImage(store, argument);
    if (image.isPresent()) {
      return image.get().fileSystem(options);
    }
    if (Target.isReadWrite(store, argument)) {
      try (RWLayer layer = store.getRWLayer(argument)) {
        return layer.fileSystem(options);
      }
    }
    var chainId = Target.findLayer(store, argument);
    if (chainId.isEmpty()) {
      return null;
    }
    try (Layer layer = store.get(chainId.get())) {
      return layer.fileSystem(options);
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
