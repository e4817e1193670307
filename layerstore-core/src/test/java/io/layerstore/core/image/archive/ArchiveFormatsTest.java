package io.layerstore.core.image.archive;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import io.layerstore.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.commons.compress.compressors.CompressorException;
import org.apache.commons.compress.compressors.CompressorStreamFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Forms of archives, allowed and hostile, on a store in memory. */
final class ArchiveFormatsTest {

  private final FileSystem memory = MemoryFiles.unix();
  private final Path root = memory.getPath("/store");
  private LayerStore store;

  @BeforeEach
  void openStore() throws LayerStoreException {
    store = LayerStore.builder(root).durability(Durability.NONE).open();
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
    memory.close();
  }

  private LoadReport load(byte[] archive) throws LayerStoreException {
    return store
        .images()
        .load(ImageSource.of(new ByteArrayInputStream(archive)), LoadOptions.DEFAULT);
  }

  private LoadReport loadFile(byte[] archive) throws IOException {
    Path file = Files.write(memory.getPath("/archive"), archive);
    return store.images().load(ImageSource.of(file), LoadOptions.DEFAULT);
  }

  private void assertEmpty() {
    assertEquals(List.of(), store.layers());
    assertEquals(List.of(), store.images().list());
  }

  private static byte[] compressed(String format, byte[] plain) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (OutputStream out =
        new CompressorStreamFactory().createCompressorOutputStream(format, compressed)) {
      out.write(plain);
    } catch (CompressorException e) {
      throw new IOException(e);
    }
    return compressed.toByteArray();
  }

  /** Members that a tar program has written without their holes. */
  @Nested
  class Sparse {

    /** Data with holes before, between and after it, in an archive of a hole and data by turns. */
    private byte[] holed(int dataBytes) {
      byte[] data = new byte[dataBytes];
      new java.util.Random(7).nextBytes(data);
      // The last blocks are the hole at the end: zeros after the archive proper.
      return new TarBuilder()
          .file("hole", "\0".repeat(4096))
          .file(TarHeaderBlock.named("data"), data)
          .file("again", "\0".repeat(8192))
          .end()
          .zeros(4096)
          .toBytes();
    }

    /** Runs of 512 bytes that are not all zeros, as offset and length. */
    private List<long[]> runs(byte[] content) {
      List<long[]> runs = new ArrayList<>();
      for (int at = 0; at < content.length; at += 512) {
        boolean isHole = true;
        for (int i = at; i < at + 512; i++) {
          isHole &= content[i] == 0;
        }
        long[] last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
        if (!isHole && last != null && last[0] + last[1] == at) {
          last[1] += 512;
        } else if (!isHole) {
          runs.add(new long[] {at, 512});
        }
      }
      return runs;
    }

    private byte[] stored(byte[] content, List<long[]> runs) {
      ByteArrayOutputStream stored = new ByteArrayOutputStream();
      runs.forEach(run -> stored.write(content, (int) run[0], (int) run[1]));
      return stored.toByteArray();
    }

    private void add(TarBuilder tar, String format, String name, byte[] content) {
      List<long[]> runs = runs(content);
      byte[] stored = stored(content, runs);
      String numbers =
          runs.stream().map(run -> run[0] + "," + run[1]).collect(Collectors.joining(","));
      if (format.equals("1.0")) {
        String map = runs.size() + "\n" + numbers.replace(',', '\n') + "\n";
        ByteArrayOutputStream payload = new ByteArrayOutputStream();
        payload.writeBytes(map.getBytes(UTF_8));
        payload.writeBytes(new byte[-map.length() & 511]);
        payload.writeBytes(stored);
        tar.pax(
                "GNU.sparse.major",
                "1",
                "GNU.sparse.minor",
                "0",
                "GNU.sparse.name",
                name,
                "GNU.sparse.realsize",
                String.valueOf(content.length))
            .file(TarHeaderBlock.named("GNUSparseFile.0/" + name), payload.toByteArray());
      } else {
        tar.pax(
                "GNU.sparse.size",
                String.valueOf(content.length),
                "GNU.sparse.numblocks",
                String.valueOf(runs.size()),
                "GNU.sparse.name",
                name,
                "GNU.sparse.map",
                numbers)
            .file(TarHeaderBlock.named("GNUSparseFile.0/" + name), stored);
      }
    }

    private byte[] archive(String format, SampleImage image, boolean areDocumentsFirst) {
      ImageFiles files = ImageFiles.docker(image, "a:1");
      TarBuilder tar = new TarBuilder();
      for (boolean isDocument : new boolean[] {areDocumentsFirst, !areDocumentsFirst}) {
        for (String path : files.paths()) {
          if (path.endsWith(".json") == isDocument) {
            if (isDocument) {
              tar.file(TarHeaderBlock.named(path), files.get(path));
            } else {
              add(tar, format, path, files.get(path));
            }
          }
        }
      }
      return tar.end().toBytes();
    }

    @ParameterizedTest
    @CsvSource({
      "0.1,100,false",
      "0.1,2000000,true",
      "1.0,100,true",
      "1.0,2000000,false",
      "1.0,2000000,true"
    })
    void load_layersWithoutTheirHoles_areWholeAgain(
        String format, int dataBytes, boolean areDocumentsFirst) throws IOException {
      SampleImage image = SampleImage.of(holed(dataBytes), SampleImage.layer("b", "b"));
      byte[] archive = archive(format, image, areDocumentsFirst);
      load(archive);
      assertWhole(image);
      store.images().delete(image.id(), true);
      loadFile(archive);
      assertWhole(image);
    }

    private void assertWhole(SampleImage image) throws IOException {
      try (Layer layer = store.get(image.chainIds().get(0));
          InputStream in = layer.tarStream()) {
        assertArrayEquals(image.layers().get(0), in.readAllBytes());
      }
    }

    @Test
    void load_documentThatIsAHoleOfTerabytes_refused() {
      byte[] archive =
          new TarBuilder()
              .pax(
                  "GNU.sparse.major", "1",
                  "GNU.sparse.minor", "0",
                  "GNU.sparse.name", "manifest.json",
                  "GNU.sparse.realsize", "4000000000000")
              .file(TarHeaderBlock.named("x"), new TarBuilder().padded("0\n").toBytes())
              .end()
              .toBytes();
      assertThrows(LayerStoreException.class, () -> load(archive));
      assertThrows(LayerStoreException.class, () -> loadFile(archive));
      assertEmpty();
    }
  }

  @Nested
  class Compressed {

    @ParameterizedTest
    @ValueSource(strings = {"gz", "bzip2", "xz", "zstd"})
    void load_wholeArchive_addsImage(String format) throws IOException {
      SampleImage image = SampleImage.small("a", 2);
      byte[] archive = compressed(format, ImageFiles.docker(image).toTar());
      load(archive);
      loadFile(archive);
      assertEquals(image.id(), store.images().list().get(0).id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gz", "bzip2", "xz", "zstd"})
    void load_layers_addsImage(String format) throws IOException {
      SampleImage image = SampleImage.small("a", 2);
      ImageFiles files = ImageFiles.docker(image);
      for (byte[] layer : image.layers()) {
        files.put(ImageFiles.layerPath(layer), compressed(format, layer));
      }
      load(files.toTar());
      assertEquals(2, store.layers().size());
    }

    @Test
    void load_emptyFileAsLayer_isLayerOfNoBytes() throws IOException {
      SampleImage image = SampleImage.of(new byte[0], SampleImage.layer("a", "x"));
      load(ImageFiles.docker(image).toTar());
      assertEquals(2, store.layers().size());
    }

    @Test
    void load_bombAsArchive_refused() throws LayerStoreException {
      store.close();
      store =
          LayerStore.builder(root)
              .durability(Durability.NONE)
              .limits(Limits.builder().maxCompressionRatio(100).build())
              .open();
      byte[] bomb = ImageFiles.gzip(new byte[32 << 20]);
      Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> load(bomb));
      assertEmpty();
    }

    @Test
    void load_layerOverLimit_refused() throws LayerStoreException {
      store.close();
      store =
          LayerStore.builder(root)
              .durability(Durability.NONE)
              .limits(Limits.builder().maxUnpackedBytes(100_000).build())
              .open();
      SampleImage image = SampleImage.of(SampleImage.largeLayer("a", 200_000, 1));
      Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> load(ImageFiles.docker(image).toTar()));
      assertEmpty();
    }
  }

  @Nested
  class OddMembers {

    private byte[] tar(SampleImage image, TarBuilder before) {
      return before.raw(ImageFiles.docker(image).toTar()).toBytes();
    }

    @Test
    void load_directoriesDotsAndGlobalHeaders_passedOver() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      TarBuilder before =
          new TarBuilder()
              .paxGlobal("pax_global_header", "comment", "x")
              .directory("./")
              .directory("./blobs/")
              .directory("blobs/");
      load(tar(image, before));
      assertEquals(image.id(), store.images().list().get(0).id());
    }

    @Test
    void load_devicesAndPipesThatNobodyNeeds_passedOver() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      TarBuilder before =
          new TarBuilder()
              .header(TarHeaderBlock.named("pipe").type('6'))
              .header(TarHeaderBlock.named("null").type('3'));
      load(tar(image, before));
      assertEquals(1, store.layers().size());
    }

    @ParameterizedTest
    @ValueSource(chars = {'3', '4', '6'})
    void load_manifestThatIsNoFile_refused(char type) {
      byte[] tar =
          new TarBuilder().header(TarHeaderBlock.named("manifest.json").type(type)).end().toBytes();
      InvalidImageException e = assertThrows(InvalidImageException.class, () -> load(tar));
      assertTrue(e.getMessage().contains("where a regular file must be"), e.getMessage());
    }

    @Test
    void load_hardLinkedLayer_followed() throws IOException {
      byte[] layer = SampleImage.layer("a", "x");
      SampleImage image = SampleImage.of(layer);
      TarBuilder tar =
          new TarBuilder()
              .file(TarHeaderBlock.named("real.tar"), layer)
              .hardLink("linked.tar", "real.tar")
              .file("config.json", image.config())
              .file("manifest.json", "[{\"Config\":\"config.json\",\"Layers\":[\"linked.tar\"]}]")
              .end();
      load(tar.toBytes());
      assertEquals(image.id(), store.images().list().get(0).id());
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "a/../../x", "/../x"})
    void load_memberThatClimbs_refused(String name) {
      SampleImage image = SampleImage.small("a", 1);
      byte[] tar = tar(image, new TarBuilder().file(name, "x"));
      InvalidImageException e = assertThrows(InvalidImageException.class, () -> load(tar));
      assertTrue(e.getMessage().contains("leads out of it"), e.getMessage());
      assertEmpty();
    }

    @Test
    void load_tooManyMembers_refused() {
      TarBuilder tar = new TarBuilder();
      byte[] header = TarHeaderBlock.named("x").toBytes();
      for (int i = 0; i <= TarMembers.MAX_MEMBERS; i++) {
        tar.raw(header);
      }
      Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> load(tar.end().toBytes()));
    }

    @Test
    void load_hugeMemberThatIsNotThere_refused() {
      byte[] tar = new TarBuilder().header(TarHeaderBlock.named("x").size(1L << 32)).toBytes();
      Refusals.assertRefused(Kind.MALFORMED, () -> load(tar));
      Refusals.assertRefused(Kind.MALFORMED, () -> loadFile(tar));
      assertEmpty();
    }

    @Test
    void load_layerTwice_lastCounts() throws IOException {
      byte[] layer = SampleImage.layer("a", "x");
      SampleImage image = SampleImage.of(layer);
      String path = ImageFiles.layerPath(layer);
      byte[] wrong = SampleImage.layer("a", "wrong");
      load(tar(image, new TarBuilder().file(TarHeaderBlock.named(path), wrong)));
      assertEquals(1, store.layers().size());
    }
  }

  @Nested
  class Legacy {

    private String description(String parent, String version) {
      return "{\"id\":\"x\",%s\"created\":\"2015-01-01T00:00:00.5Z\",\"docker_version\":\"%s\",\"os\":\"linux\",\"extra\":1,\"container_config\":{\"Cmd\":[\"/bin/sh\",\"-c\",\"true\"]}}"
          .formatted(parent.isEmpty() ? "" : "\"parent\":\"" + parent + "\",", version);
    }

    private ImageFiles two(String version) {
      return new ImageFiles()
          .put("aa/json", description("", version))
          .put("aa/layer.tar", SampleImage.layer("a", "x"))
          .put("aa/VERSION", "1.0")
          .put("bb/json", description("aa", version))
          .put("bb/layer.tar", SampleImage.layer("b", "y"))
          .put("repositories", "{\"demo\":{\"x\":\"bb\"}}");
    }

    @Test
    void load_chain_addsBothWithParentAndTag() throws IOException {
      LoadReport report = load(two("1.9.0").toTar());
      assertEquals(2, report.images().size());
      Image top = store.images().get(report.images().get(1).id());
      assertEquals(report.images().get(0).id(), top.parent().orElseThrow());
      assertEquals(2, top.config().diffIds().size());
      assertEquals("/bin/sh -c true", top.config().history().get(1).createdBy().orElseThrow());
      assertEquals(
          Map.of(ImageReference.parse("demo:x"), top.id()), store.images().references().list());
      assertTrue(top.configBytes().toString().contains("extra"));
    }

    @Test
    void load_descriptionOfVeryOldDocker_reducedToWhatIsKnown() throws IOException {
      LoadReport report = load(two("1.8.2").toTar());
      String config =
          store.images().get(report.images().get(0).id()).configBytes().decodeUtf8().orElse("");
      assertEquals(-1, config.indexOf("extra"));
      assertEquals(-1, config.indexOf("\"id\""));
    }

    @Test
    void load_noRepositories_refused() {
      assertThrows(
          InvalidImageException.class, () -> load(two("1.9.0").remove("repositories").toTar()));
      assertEmpty();
    }

    @Test
    void load_tagOfUnknownImage_refused() {
      assertThrows(
          InvalidImageException.class,
          () -> load(two("1.9.0").put("repositories", "{\"demo\":{\"x\":\"cc\"}}").toTar()));
      assertEmpty();
    }

    @Test
    void load_ownAncestor_refused() {
      assertThrows(
          InvalidImageException.class,
          () -> load(two("1.9.0").put("aa/json", description("bb", "1.9.0")).toTar()));
      assertEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../etc", "..", "a/b"})
    void load_parentThatIsPath_refused(String parent) {
      assertThrows(
          InvalidImageException.class,
          () -> load(two("1.9.0").put("aa/json", description(parent, "1.9.0")).toTar()));
      assertEmpty();
    }
  }

  @Nested
  class InDirectory {

    @TempDir private Path directory;

    @Test
    void load_pipeInPlaceOfLayer_refusedWithoutWaiting() throws IOException, InterruptedException {
      SampleImage image = SampleImage.small("a", 1);
      String path = ImageFiles.layerPath(image.layers().get(0));
      Path archive = ImageFiles.docker(image).remove(path).writeDirectory(directory.resolve("x"));
      Files.createDirectories(archive.resolve(path).getParent());
      Tool.require("mkfifo").run(archive.resolve(path));
      assertThrows(
          InvalidImageException.class,
          () -> store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT));
      assertEmpty();
    }

    @Test
    void load_linkOutOfDirectory_notFollowed() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      Path secret = Files.createDirectory(directory.resolve("secret"));
      Files.write(secret.resolve("layer.tar"), image.layers().get(0));
      String path = ImageFiles.layerPath(image.layers().get(0));
      String parent = path.substring(0, path.indexOf('/'));
      Path archive = ImageFiles.docker(image).remove(path).writeDirectory(directory.resolve("x"));
      Files.createSymbolicLink(archive.resolve(parent), secret);
      assertThrows(
          InvalidImageException.class,
          () -> store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT));
      assertEmpty();
    }
  }

  @Nested
  class Streams {

    @Test
    void load_manifestAfterIndexListsOtherImages_refused() throws IOException {
      SampleImage large = SampleImage.of(SampleImage.largeLayer("a", (1 << 20) + 1, 1));
      SampleImage other = SampleImage.small("b", 1);
      ImageFiles files = ImageFiles.oci(large, "").putAll(ImageFiles.docker(other, "demo:other"));
      InvalidImageException e =
          assertThrows(InvalidImageException.class, () -> load(files.toTar()));
      assertTrue(e.getMessage().contains("list different images"), e.getMessage());
      assertEmpty();
      loadFile(files.toTar());
      assertEquals(other.id(), store.images().list().get(0).id());
    }

    @Test
    void load_streamThatGivesOneByteAtATime_loaded() throws IOException {
      SampleImage image = SampleImage.small("a", 1);
      InputStream slow =
          new java.io.FilterInputStream(ImageFiles.docker(image).toStream()) {
            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              return in.read(target, offset, Math.min(length, 1));
            }
          };
      store.images().load(ImageSource.of(slow), LoadOptions.DEFAULT);
      assertEquals(image.id(), store.images().list().get(0).id());
    }

    @Test
    void load_streamFails_itsExceptionIsTheCause() {
      InputStream failing =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw new IOException("the network is down");
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              return read();
            }
          };
      LayerStoreException e =
          assertThrows(
              LayerStoreException.class,
              () -> store.images().load(ImageSource.of(failing), LoadOptions.DEFAULT));
      assertTrue(e.getMessage().contains("the network is down"), e.getMessage());
    }
  }

  @Nested
  class Damaged {

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void load_layerWithoutTarSplit_healedAndImageLoaded(int damaged) throws IOException {
      SampleImage old = SampleImage.small("a", 2);
      load(ImageFiles.docker(old, "demo:old").toTar());
      store.close();
      ChainId chainId = old.chainIds().get(damaged);
      Files.delete(
          root.resolve("image/vfs/layerdb/sha256")
              .resolve(chainId.digest().hex())
              .resolve("tar-split.json.gz"));
      store = LayerStore.builder(root).durability(Durability.NONE).open();
      SampleImage image =
          SampleImage.of(old.layers().get(0), old.layers().get(1), SampleImage.layer("n", "new"));
      load(ImageFiles.docker(image, "demo:new").toTar());
      try (Layer layer = store.get(chainId);
          InputStream archive = layer.tarStream()) {
        assertEquals(
            new String(old.layers().get(damaged), UTF_8),
            new String(archive.readAllBytes(), UTF_8));
      }
      assertEquals(
          Set.of(old.id(), image.id()),
          store.images().list().stream().map(Image::id).collect(Collectors.toSet()));
    }
  }
}
