package io.layerstore.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Durability;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.ViewOptions;
import io.layerstore.testing.FileSystemViewContract;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The contract of views for layers of vfs stores and of archives, on several file systems. */
final class FileSystemViewTest {

  @TempDir static Path directory;

  /** Layers of a store in {@link #root}. */
  abstract static class OfStore extends FileSystemViewContract {
    private @Nullable LayerStore store;

    abstract Path root() throws IOException;

    @Override
    protected FileSystem open(List<byte[]> layers, ViewOptions options) throws IOException {
      if (store == null) {
        store = LayerStore.builder(root()).driver("vfs").durability(Durability.NONE).open();
      }
      Layer top = null;
      for (byte[] layer : layers) {
        Layer next =
            store.register(
                LayerSource.of(layer), RegisterOptions.onTopOf(top == null ? null : top.chainId()));
        if (top != null) {
          top.close();
        }
        top = next;
      }
      try (Layer held = top) {
        return show(store, held, options);
      }
    }

    FileSystem show(LayerStore opened, Layer top, ViewOptions options) throws IOException {
      return top.fileSystem(options);
    }

    @AfterAll
    final void closeStore() throws IOException {
      if (store != null) {
        store.close();
      }
    }
  }

  @Nested
  final class OnDisk extends OfStore {
    @Override
    Path root() {
      return directory.resolve("store");
    }
  }

  @Nested
  final class OnJimfs extends OfStore {
    @Override
    Path root() {
      return Jimfs.newFileSystem(Configuration.unix()).getPath("/store");
    }
  }

  @Nested
  final class OnWindows extends OfStore {
    @Override
    Path root() throws IOException {
      return PoorFileSystem.WINDOWS.newRoot();
    }
  }

  @Nested
  final class OnMac extends OfStore {
    @Override
    Path root() throws IOException {
      return PoorFileSystem.MAC.newRoot();
    }
  }

  /** An image of the store. */
  @Nested
  final class OfImage extends OfStore {
    @Override
    Path root() {
      return Jimfs.newFileSystem(Configuration.unix()).getPath("/store");
    }

    @Override
    FileSystem show(LayerStore store, Layer top, ViewOptions options) throws IOException {
      String diffIds =
          "\"" + store.get(top.parent().orElseThrow()).diffId() + "\",\"" + top.diffId() + "\"";
      String config =
          "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
              + diffIds
              + "]}}";
      return store.images().create(config.getBytes(UTF_8)).fileSystem(options);
    }
  }

  /** A read-write layer with the changes of the highest layer. */
  @Nested
  final class OfRWLayer extends OfStore {
    @Override
    Path root() {
      return Jimfs.newFileSystem(Configuration.unix()).getPath("/store");
    }

    @Override
    protected boolean showsArchives() {
      return false;
    }

    @Override
    FileSystem show(LayerStore store, Layer top, ViewOptions options) throws IOException {
      try (RWLayer work = store.createTemporaryRWLayer(top.parent().orElseThrow());
          InputStream changes = top.tarStream()) {
        work.applyDiff(changes);
        return work.fileSystem(options);
      }
    }
  }

  /** An image archive that is in no store. */
  abstract static class OfArchive extends FileSystemViewContract {
    @Override
    protected FileSystem open(List<byte[]> layers, ViewOptions options) throws IOException {
      SampleImage image = SampleImage.of(layers.toArray(byte[][]::new));
      return source(image).fileSystem(options.toBuilder().temporaryDirectory(temporary()).build());
    }

    abstract ImageSource source(SampleImage image) throws IOException;

    abstract Path temporary() throws IOException;
  }

  @Nested
  final class OfDockerArchive extends OfArchive {
    @Override
    ImageSource source(SampleImage image) throws IOException {
      Path file = Files.createTempFile(directory, "image", ".tar");
      return ImageSource.of(ImageFiles.docker(image, "a:1").writeTar(file));
    }

    @Override
    Path temporary() {
      return directory;
    }
  }

  @Nested
  final class OfCompressedStream extends OfArchive {
    @Override
    ImageSource source(SampleImage image) {
      byte[] tar = ImageFiles.docker(image, "a:1").toTar();
      return ImageSource.of(new ByteArrayInputStream(ImageFiles.gzip(tar)));
    }

    @Override
    Path temporary() {
      return Jimfs.newFileSystem(Configuration.unix()).getPath("/work");
    }
  }

  /** An unpacked one. */
  @Nested
  final class OfDockerDirectory extends OfArchive {
    @Override
    ImageSource source(SampleImage image) throws IOException {
      Path unpacked = Files.createTempDirectory(directory, "docker").resolve("image");
      ImageFiles.docker(image, "a:1").writeDirectory(unpacked);
      return ImageSource.of(unpacked);
    }

    @Override
    Path temporary() {
      return directory;
    }
  }

  /** Layers that are compressed by themselves. */
  @Nested
  final class OfCompressedLayout extends OfArchive {
    @Override
    ImageSource source(SampleImage image) throws IOException {
      Path file = Files.createTempFile(directory, "layout", ".tar");
      return ImageSource.of(ImageFiles.oci(image, "", "tar+gzip", ImageFiles::gzip).writeTar(file));
    }

    @Override
    Path temporary() {
      return directory;
    }
  }

  @Nested
  final class OfLayout extends OfArchive {
    @Override
    ImageSource source(SampleImage image) throws IOException {
      Path layout = Files.createTempDirectory(directory, "layout").resolve("image");
      ImageFiles.oci(image, "").writeDirectory(layout);
      return ImageSource.of(layout);
    }

    @Override
    Path temporary() {
      return directory;
    }
  }
}
