package io.layerstore.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerEntryAttributes;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.ViewOptions;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What views hold, find out and are opened by. */
final class ViewOfStoreTest {

  private static final byte[] LAYER =
      new TarBuilder().directory("etc/").file("etc/motd", "hello").end().toBytes();

  @TempDir Path directory;
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    store =
        LayerStore.builder(directory.resolve("store"))
            .driver("vfs")
            .durability(Durability.NONE)
            .open();
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
  }

  private Layer register(byte[] archive) throws IOException {
    return store.register(LayerSource.of(archive), RegisterOptions.DEFAULT);
  }

  @Test
  void view_open_holdsItsLayer() throws IOException {
    Layer layer = register(LAYER);
    FileSystem files = layer.fileSystem();
    assertEquals(List.of(), store.release(layer));
    assertEquals("hello", Files.readString(files.getPath("/etc/motd")));
    files.close();
    assertEquals(1, store.release(register(LAYER)).size());
  }

  @Test
  void view_storeThatCloses_isClosed() throws IOException {
    FileSystem files;
    try (Layer layer = register(LAYER)) {
      files = layer.fileSystem();
    }
    store.close();
    assertFalse(files.isOpen());
    assertThrows(ClosedFileSystemException.class, () -> files.getPath("/"));
  }

  private Path fileOfDriver() throws IOException {
    try (Stream<Path> all = Files.walk(directory.resolve("store/vfs"))) {
      return all.filter(path -> path.endsWith("etc/motd")).findFirst().orElseThrow();
    }
  }

  @Test
  void read_contentThatWasChanged_fails() throws IOException {
    try (Layer layer = register(LAYER);
        FileSystem files = layer.fileSystem()) {
      Files.writeString(fileOfDriver(), "hallo");
      Path motd = files.getPath("/etc/motd");
      assertThrows(LayerVerificationException.class, () -> Files.readString(motd));
      try (InputStream in = Files.newInputStream(motd)) {
        assertEquals("hal", new String(in.readNBytes(3), UTF_8));
        assertThrows(LayerVerificationException.class, () -> in.readNBytes(2));
        assertThrows(LayerVerificationException.class, () -> in.readNBytes(1));
      }
      ViewOptions trusting = ViewOptions.builder().verify(false).build();
      try (FileSystem unchecked = layer.fileSystem(trusting)) {
        assertEquals("hallo", Files.readString(unchecked.getPath("/etc/motd")));
      }
    }
  }

  @Test
  void read_fileThatIsGone_fails() throws IOException {
    try (Layer layer = register(LAYER);
        FileSystem files = layer.fileSystem()) {
      Files.delete(fileOfDriver());
      assertEquals(5, Files.size(files.getPath("/etc/motd")));
      assertThrows(
          LayerVerificationException.class, () -> Files.readString(files.getPath("/etc/motd")));
    }
  }

  @Test
  void view_ofRWLayer_showsItsChangesAtOpening() throws IOException {
    try (Layer layer = register(LAYER);
        RWLayer work = store.createTemporaryRWLayer(layer.chainId())) {
      try (Mount mount = work.mount()) {
        mount.file("etc/new").writeString("new");
        mount.file("etc/motd").delete();
      }
      try (FileSystem files = work.fileSystem()) {
        assertEquals("new", Files.readString(files.getPath("/etc/new")));
        assertFalse(Files.exists(files.getPath("/etc/motd")));
        LayerEntryAttributes attributes =
            Files.readAttributes(files.getPath("/etc/new"), LayerEntryAttributes.class);
        assertEquals(1, attributes.layerIndex());
        assertTrue(attributes.diffId().isEmpty());
      }
      ViewOptions alone = ViewOptions.builder().onlyThisLayer(true).build();
      try (FileSystem files = work.fileSystem(alone)) {
        assertTrue(
            Files.readAttributes(files.getPath("/etc/motd"), LayerEntryAttributes.class)
                .isWhiteout());
      }
    }
  }

  @Test
  void hardLink_toFileOfALayerBelow_isACopyOfIt() throws IOException {
    byte[] top = new TarBuilder().hardLink("link", "etc/motd").file("x", "x").end().toBytes();
    try (Layer base = register(LAYER);
        Layer layer = store.register(LayerSource.of(top), RegisterOptions.onTopOf(base.chainId()));
        FileSystem files = layer.fileSystem();
        FileSystem ofArchive =
            ImageSource.of(ImageFiles.docker(SampleImage.of(LAYER, top), "a:1").toStream())
                .fileSystem()) {
      for (FileSystem each : List.of(files, ofArchive)) {
        Path link = each.getPath("/link");
        assertEquals("hello", Files.readString(link));
        assertFalse(Files.isSameFile(link, each.getPath("/etc/motd")));
        assertEquals(1, Files.getAttribute(link, "layer:layerIndex"));
      }
    }
  }

  @Test
  void sparseFile_isReadWithItsHoles() throws IOException {
    byte[] sparse =
        new TarBuilder()
            .pax(
                "GNU.sparse.major", "1",
                "GNU.sparse.minor", "0",
                "GNU.sparse.name", "holes",
                "GNU.sparse.realsize", "1000")
            .file("GNUSparseFile.0/holes", sparseMap("1\n500\n4\n") + "data")
            .end()
            .toBytes();
    byte[] expected = new byte[1000];
    System.arraycopy("data".getBytes(UTF_8), 0, expected, 500, 4);
    try (Layer layer = register(sparse);
        FileSystem files = layer.fileSystem();
        FileSystem ofArchive =
            ImageSource.of(ImageFiles.docker(SampleImage.of(sparse), "a:1").toStream())
                .fileSystem()) {
      assertArrayEquals(expected, Files.readAllBytes(files.getPath("/holes")));
      assertArrayEquals(expected, Files.readAllBytes(ofArchive.getPath("/holes")));
    }
  }

  private static String sparseMap(String map) {
    return map + "\0".repeat(512 - map.length());
  }

  // Of an image.

  private Image load() throws IOException {
    store
        .images()
        .load(ImageFiles.docker(SampleImage.of(LAYER), "a:1").writeTar(directory.resolve("a.tar")));
    return store.images().resolve("a:1");
  }

  @Test
  void image_ofAStore_hasItsFiles() throws IOException {
    Image image = load();
    for (Image each :
        List.of(image, store.images().get(image.id()), store.images().list().get(0))) {
      try (FileSystem files = each.fileSystem()) {
        assertEquals("hello", Files.readString(files.getPath("/etc/motd")));
      }
    }
  }

  @Test
  void image_thatWasDeleted_hasNone() throws IOException {
    Image image = load();
    FileSystem open = image.fileSystem();
    store.images().delete(image.id(), true);
    assertThrows(ImageNotFoundException.class, image::fileSystem);
    assertEquals("hello", Files.readString(open.getPath("/etc/motd")));
    open.close();
    store.close();
    assertThrows(IllegalStateException.class, image::fileSystem);
  }

  @Test
  void image_madeByHand_hasNoneAndIsEqual() throws IOException {
    Image image = load();
    Image made = new Image(image.id(), image.configBytes(), image.config(), image.parent());
    IllegalStateException e = assertThrows(IllegalStateException.class, made::fileSystem);
    assertTrue(e.getMessage().contains("ImageStore.get"), e.getMessage());
    assertEquals(image, made);
    assertEquals(image.hashCode(), made.hashCode());
    assertEquals(image.toString(), made.toString());
    assertNotEquals(
        image, new Image(image.id(), image.configBytes(), image.config(), Optional.of(image.id())));
  }

  // By URI.

  @Test
  void uri_ofArchive_opensIt() throws IOException {
    Path archive =
        ImageFiles.docker(SampleImage.of(LAYER), "a:1").writeTar(directory.resolve("a b.tar"));
    URI uri = URI.create("layerstore:" + archive.toUri());
    try (FileSystem files = FileSystems.newFileSystem(uri, Map.of())) {
      Path motd = files.getPath("/etc/motd");
      assertEquals("hello", Files.readString(motd));
      assertEquals(motd, Path.of(motd.toUri()));
      assertEquals("hello", Files.readString(Path.of(URI.create(uri + "!/etc/motd"))));
      assertThrows(
          FileSystemAlreadyExistsException.class, () -> FileSystems.newFileSystem(uri, Map.of()));
      assertEquals(files, FileSystems.getFileSystem(uri));
    }
    assertThrows(FileSystemNotFoundException.class, () -> FileSystems.getFileSystem(uri));
    FileSystems.newFileSystem(uri, Map.of("verify", false)).close();
    assertThrows(
        IllegalArgumentException.class,
        () -> FileSystems.newFileSystem(uri, Map.of("nonsense", 1)));
  }

  @Test
  void uri_ofStore_opensTheImage() throws IOException {
    load();
    URI uri = URI.create("layerstore:" + store.root().toUri() + "?image=a:1");
    try (FileSystem files = FileSystems.newFileSystem(uri, Map.of())) {
      assertEquals("hello", Files.readString(files.getPath("/etc/motd")));
    }
    URI none = URI.create("layerstore:" + store.root().toUri());
    assertThrows(IllegalArgumentException.class, () -> FileSystems.newFileSystem(none, Map.of()));
  }

  // Archives.

  private ImageSource twoImages() throws IOException {
    SampleImage first = SampleImage.of(LAYER);
    SampleImage second = SampleImage.of(SampleImage.layer("other", "x"));
    return ImageSource.of(
        ImageFiles.docker(
                List.of(first, second),
                ImageFiles.item(first, "a:1"),
                ImageFiles.item(second, "b:1"))
            .writeTar(directory.resolve("two.tar")));
  }

  @Test
  void archive_ofSeveralImages_wantsToKnowWhich() throws IOException {
    ImageSource source = twoImages();
    InvalidImageException e = assertThrows(InvalidImageException.class, source::fileSystem);
    assertTrue(e.getMessage().contains("b:1"), e.getMessage());
    ViewOptions options = ViewOptions.builder().image("b:1").build();
    try (FileSystem files = source.fileSystem(options)) {
      assertEquals("x", Files.readString(files.getPath("/other")));
    }
    assertThrows(
        InvalidImageException.class,
        () -> source.fileSystem(ViewOptions.builder().image("c:1").build()));
  }

  @Test
  void archive_layerThatIsAnother_isFound() throws IOException {
    SampleImage image = SampleImage.of(LAYER);
    byte[] other = SampleImage.layer("other", "x");
    ImageFiles files = ImageFiles.docker(image, "a:1").put(ImageFiles.layerPath(LAYER), other);
    Path archive = files.writeTar(directory.resolve("bad.tar"));
    assertThrows(LayerVerificationException.class, () -> ImageSource.of(archive).fileSystem());
  }

  @Test
  void archive_compressed_isSpooledAndDeletedAtClose() throws IOException {
    Path spool = Files.createDirectory(directory.resolve("spool"));
    Path archive = directory.resolve("image.tar.gz");
    Files.write(archive, ImageFiles.gzip(ImageFiles.docker(SampleImage.of(LAYER), "a:1").toTar()));
    ViewOptions options = ViewOptions.builder().temporaryDirectory(spool).build();
    try (FileSystem files = ImageSource.of(archive).fileSystem(options)) {
      assertEquals("hello", Files.readString(files.getPath("/etc/motd")));
      assertEquals(1, count(spool));
    }
    assertEquals(0, count(spool));
    ViewOptions small =
        options.toBuilder().limits(Limits.builder().maxUnpackedBytes(100).build()).build();
    assertThrows(IOException.class, () -> ImageSource.of(archive).fileSystem(small));
    assertEquals(0, count(spool));
  }

  @Test
  void archive_openedAndClosedByManyThreads_leavesNothing() throws Exception {
    Path spool = Files.createDirectory(directory.resolve("spool"));
    Path archive =
        ImageFiles.oci(
                SampleImage.of(LAYER, SampleImage.layer("x", "y")),
                "",
                "tar+gzip",
                ImageFiles::gzip)
            .writeTar(directory.resolve("image.tar"));
    ViewOptions options = ViewOptions.builder().temporaryDirectory(spool).build();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<String>> results = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        results.add(
            threads.submit(
                () -> {
                  try (FileSystem files = ImageSource.of(archive).fileSystem(options)) {
                    return Files.readString(files.getPath("/etc/motd"))
                        + Files.readString(files.getPath("/x"));
                  }
                }));
      }
      for (Future<String> result : results) {
        assertEquals("helloy", result.get());
      }
    } finally {
      threads.shutdown();
    }
    assertEquals(0, count(spool));
  }

  private static long count(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.count();
    }
  }
}
