package io.layerstore.core.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What many images keep in memory. */
final class ImageMemoryTest {

  private static final int LAYERS = 3;

  @Test
  void images_onTheSameLayers_shareDiffIds() throws IOException {
    try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
      Path root = memory.getPath("/store");
      SampleImage sample = SampleImage.small("one", LAYERS);
      try (LayerStore store = LayerStore.open(root)) {
        store
            .images()
            .load(
                ImageSource.of(ImageFiles.docker(sample, "one:1").smallFirst().toStream()),
                LoadOptions.DEFAULT);
        byte[] config = store.images().resolve("one:1").configBytes().toByteArray();
        byte[] other = new byte[config.length + 1]; // Another image, with white space at its end.
        System.arraycopy(config, 0, other, 0, config.length);
        other[config.length] = ' ';
        store.images().create(other);
      }
      try (LayerStore store = LayerStore.open(root)) {
        List<Image> images = store.images().list();
        assertEquals(2, images.size());
        List<DiffId> one = images.get(0).config().diffIds();
        List<DiffId> another = images.get(1).config().diffIds();
        assertEquals(LAYERS, one.size());
        for (int i = 0; i < LAYERS; i++) {
          assertSame(one.get(i), another.get(i));
        }
      }
    }
  }
}
