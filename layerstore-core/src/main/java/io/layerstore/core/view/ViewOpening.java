package io.layerstore.core.view;

import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.ViewOptions;
import io.layerstore.driver.Closing;
import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Opens what a URI names: {@code layerstore:URI}, with the URI of an image archive, of a layout, or
 * of the root of a store, and {@code ?image=NAME} after it where that has several images.
 */
final class ViewOpening {

  private static final String IMAGE = "?image=";

  private ViewOpening() {}

  static FileSystem open(URI uri, Map<String, ?> env) throws IOException {
    String key = ViewUris.key(uri);
    if (ViewUris.isOpen(key)) {
      throw new FileSystemAlreadyExistsException(uri.toString());
    }
    int query = key.indexOf(IMAGE);
    ViewOptions.Builder builder = options(env).toBuilder();
    String image = null;
    if (query >= 0) {
      image = URLDecoder.decode(key.substring(query + IMAGE.length()), StandardCharsets.UTF_8);
      builder.image(image);
    }
    ViewOptions options = builder.build();
    Path path = Path.of(URI.create(query < 0 ? key : key.substring(0, query)));
    FileSystem opened =
        isStore(path) ? openStore(path, options) : ImageSource.of(path).fileSystem(options);
    try {
      ViewUris.name((ViewFileSystem) opened, key);
      return opened;
    } catch (RuntimeException e) {
      Closing.after(e, opened);
      throw e;
    }
  }

  private static boolean isStore(Path path) {
    return Files.isDirectory(path)
        && Files.isDirectory(path.resolve("image"))
        && Files.notExists(path.resolve("manifest.json"))
        && Files.notExists(path.resolve("index.json"));
  }

  private static FileSystem openStore(Path root, ViewOptions options) throws IOException {
    String image =
        options
            .image()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "which image of the store? Say it in the URI, ?image=NAME"));
    LayerStore store = LayerStore.builder(root).readOnly(true).open();
    try {
      return ((ViewFileSystem) store.images().fileSystem(image, options)).andClose(store::close);
    } catch (IOException | RuntimeException e) {
      Closing.after(e, store::close);
      throw e;
    }
  }

  private static ViewOptions options(Map<String, ?> env) {
    ViewOptions options = ViewOptions.DEFAULT;
    for (Map.Entry<String, ?> entry : env.entrySet()) {
      options = option(options, entry.getKey(), entry.getValue());
    }
    return options;
  }

  private static ViewOptions option(ViewOptions options, String name, @Nullable Object value) {
    if (name.equals("options") && value instanceof ViewOptions all) {
      return all;
    }
    if (name.equals("image") && value instanceof String image) {
      return options.toBuilder().image(image).build();
    }
    if (name.equals("verify") && value instanceof Boolean verify) {
      return options.toBuilder().verify(verify).build();
    }
    if (name.equals("onlyThisLayer") && value instanceof Boolean only) {
      return options.toBuilder().onlyThisLayer(only).build();
    }
    if (name.equals("temporaryDirectory") && value instanceof Path directory) {
      return options.toBuilder().temporaryDirectory(directory).build();
    }
    throw new IllegalArgumentException("no option \"" + name + "\" of this value: " + value);
  }
}
