package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.LoadOptions;
import io.layerstore.MaxDepthExceededException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The contract, with all archives that are refused for what their documents say: that does not
 * depend on the driver, so one does.
 */
public abstract class HostileImageArchiveContract extends ImageArchiveContract {

  @Nested
  class RefuseAndLeaveNothing {

    @Test
    void load_layerWithTail() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      byte[] layer = image.layers().get(0);
      byte[] longer = java.util.Arrays.copyOf(layer, layer.length + 512);
      assertRefused(
          LayerVerificationException.class,
          ImageFiles.docker(image).put(ImageFiles.layerPath(layer), longer));
    }

    @Test
    void load_fewerLayersThanDiffIds() throws IOException {
      SampleImage image = SampleImage.small("a", 2);
      SampleImage shorter = new SampleImage(image.config(), image.layers().subList(0, 1));
      assertRefused(
          InvalidImageException.class,
          "invalid manifest, layers length mismatch: expected 1, got 2",
          ImageFiles.docker(List.of(shorter), ImageFiles.item(shorter)));
    }

    @Test
    void load_126Layers() throws IOException {
      SampleImage image = SampleImage.small("a", LayerStore.MAX_DEPTH + 1);
      assertRefused(MaxDepthExceededException.class, ImageFiles.docker(image));
    }

    @Test
    void load_nullManifest() throws IOException {
      assertRefused(
          InvalidImageException.class,
          "invalid manifest, manifest cannot be null (but can be [])",
          new ImageFiles().put("manifest.json", "null"));
    }

    @Test
    void load_noManifest() throws IOException {
      assertRefused(
          InvalidImageException.class,
          "does not contain a manifest.json",
          new ImageFiles().put("etc/passwd", "root"));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"../../etc/passwd", "a/../../b", "..", "", "/", "nul\\u0000", "etc", "/etc/x"})
    void load_configElsewhere(String path) throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      assertRefused(
          InvalidImageException.class,
          ImageFiles.docker(image)
              .put("etc/passwd", image.config())
              .put(
                  "manifest.json",
                  "[{\"Config\":\"%s\",\"Layers\":[\"%s\"]}]"
                      .formatted(path, ImageFiles.layerPath(image.layers().get(0)))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPPER:x", "a b:x", "demo", "demo@sha256:12", "../x:y", ":x", "x:"})
    void load_invalidTag(String tag) throws IOException {
      assertRefused(
          InvalidImageException.class,
          "invalid tag",
          ImageFiles.docker(SampleImage.small("a", 1), tag));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "sha256:../../x",
          "md5:d41d8cd98f00b204e9800998ecf8427e",
          "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
          "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85"
        })
    void load_invalidDiffId(String diffId) throws IOException {
      SampleImage image =
          new SampleImage(
              "{\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}"
                  .formatted(diffId),
              List.of(SampleImage.layer("a", "x")));
      assertRefused(InvalidImageException.class, ImageFiles.docker(image));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{}",
          "{\"rootfs\":null}",
          "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}",
          "{\"rootfs\":{\"type\":\"squashfs\",\"diff_ids\":[]}}",
          "[]"
        })
    void load_configWithoutTheLayers(String config) throws IOException {
      SampleImage image = new SampleImage(config, List.of(SampleImage.layer("a", "x")));
      assertRefused(InvalidImageException.class, ImageFiles.docker(image));
    }

    @Test
    void load_moreThan10000Tags() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      String[] tags = new String[10_001];
      for (int i = 0; i < tags.length; i++) {
        tags[i] = "demo:" + i;
      }
      assertRefused(
          InvalidImageException.class, "more than 10000 tags", ImageFiles.docker(image, tags));
    }

    @Test
    void load_manifestOfAGibibyte() {
      AtomicLong read = new AtomicLong();
      byte[] header =
          new TarBuilder().header(TarHeaderBlock.named("manifest.json").size(1L << 30)).toBytes();
      InputStream endless =
          new InputStream() {
            @Override
            public int read() {
              throw new AssertionError("read in bulk");
            }

            @Override
            public int read(byte[] target, int offset, int length) {
              long position = read.get();
              int count = Math.min(length, position < 512 ? 512 - (int) position : length);
              if (position < 512) {
                System.arraycopy(header, (int) position, target, offset, count);
              } else {
                java.util.Arrays.fill(target, offset, offset + count, (byte) ' ');
              }
              read.addAndGet(count);
              return count;
            }
          };
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class,
              () -> store().images().load(ImageSource.of(endless), LoadOptions.DEFAULT));
      assertTrue(e.getMessage().contains("where at most 8388608"), e.getMessage());
      assertTrue(read.get() < 16 << 20, read + " bytes were read");
      assertEmpty();
    }

    @Test
    void load_manifestLinkedOutOfTheArchive() throws IOException {
      Path outside = Files.writeString(directory().resolve("outside.json"), "[]");
      assertRefused(
          InvalidImageException.class,
          new ImageFiles().put("x", "y").link("manifest.json", outside.toString()));
      assertRefused(
          InvalidImageException.class,
          new ImageFiles().put("x", "y").link("manifest.json", "../outside.json"));
    }

    @Test
    void load_otherOperatingSystem() throws IOException {
      SampleImage image =
          new SampleImage(
              "{\"os\":\"windows\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}", List.of());
      assertRefused(
          InvalidImageException.class,
          "cannot load \"windows\" image on linux",
          ImageFiles.docker(image));
    }

    @Test
    void load_linkLoop() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      String path = ImageFiles.layerPath(image.layers().get(0));
      assertRefused(
          InvalidImageException.class,
          "too many links",
          ImageFiles.docker(image).remove(path).link(path, "../loop").link("loop", "loop"));
    }

    @Test
    void load_linkOutOfArchive() throws IOException {
      Path secret = Files.writeString(directory().resolve("secret"), "x");
      SampleImage image = SampleImage.small("a", 1);
      String path = ImageFiles.layerPath(image.layers().get(0));
      assertRefused(
          InvalidImageException.class,
          "has no member",
          ImageFiles.docker(image).remove(path).link(path, secret.toString()));
    }

    @Test
    void load_configLargerThanLimit() throws IOException {
      SampleImage image =
          SampleImage.of("amd64", List.of(), ",\"x\":\"" + "y".repeat(4 << 20) + "\"");
      assertRefused(InvalidImageException.class, "where at most 4194304", ImageFiles.docker(image));
    }

    @Test
    void load_memberNamesTwice() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      assertRefused(
          InvalidImageException.class,
          "ambiguous",
          ImageFiles.docker(
              List.of(image), ImageFiles.item(image, ",\"config\":\"x\"", new String[0])));
    }

    @Test
    void load_deeplyNestedManifest() throws IOException {
      assertRefused(
          InvalidImageException.class,
          new ImageFiles().put("manifest.json", "[".repeat(100_000) + "]".repeat(100_000)));
    }

    @Test
    void load_indexThatIsManifestToo() throws IOException {
      assertRefused(
          InvalidImageException.class,
          "an index and a manifest at once",
          new ImageFiles()
              .put("index.json", "{\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}"));
    }

    @Test
    void load_documentTwice() {
      SampleImage image = SampleImage.small("a", 1);
      byte[] tar = ImageFiles.docker(image).toTar();
      byte[] more = new ImageFiles().put("manifest.json", "[]").toTar();
      byte[] both = new byte[tar.length - 1024 + more.length];
      System.arraycopy(tar, 0, both, 0, tar.length - 1024);
      System.arraycopy(more, 0, both, tar.length - 1024, more.length);
      InvalidImageException e =
          assertThrows(
              InvalidImageException.class,
              () ->
                  store()
                      .images()
                      .load(ImageSource.of(new ByteArrayInputStream(both)), LoadOptions.DEFAULT));
      assertTrue(e.getMessage().contains("more than once"), e.getMessage());
      assertEmpty();
    }

    @Test
    void load_noImageArchiveAtAll() {
      assertThrows(
          LayerStoreException.class,
          () ->
              store()
                  .images()
                  .load(
                      ImageSource.of(new ByteArrayInputStream("hello".getBytes(UTF_8))),
                      LoadOptions.DEFAULT));
      assertEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {600, 3000, 6000})
    void load_cutOff(int bytes) {
      SampleImage image = SampleImage.small("a", 3);
      byte[] tar = java.util.Arrays.copyOf(ImageFiles.docker(image, "demo:x").toTar(), bytes);
      assertThrows(
          LayerStoreException.class,
          () ->
              store()
                  .images()
                  .load(ImageSource.of(new ByteArrayInputStream(tar)), LoadOptions.DEFAULT));
      assertEmpty();
    }
  }
}
