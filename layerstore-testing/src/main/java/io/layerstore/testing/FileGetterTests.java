package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** What {@link io.layerstore.spi.GraphDriver#files} opens, and what it refuses to. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
abstract class FileGetterTests extends DriverTests {

  private String read(String id, String path, long size) throws IOException {
    return read(id, LayerPath.of(path), size);
  }

  private String read(String id, LayerPath path, long size) throws IOException {
    try (FileGetter files = driver().files(id);
        InputStream content = files.open(path, size)) {
      return new String(content.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Fails unless {@code path} cannot be opened, not even with a size that would fit. */
  private void assertRefused(String id, String path) {
    for (long size : new long[] {0, 1, Canary.SECRET.length()}) {
      assertThrows(LayerVerificationException.class, () -> read(id, path, size));
    }
  }

  @Test
  void open_file_givesItsContent() throws IOException {
    assertEquals("hello", read(layer(null, file("d/f", "hello")), "d/f", 5));
  }

  @Test
  void open_emptyFile_isEmpty() throws IOException {
    assertEquals("", read(layer(null, file("f", "")), "f", 0));
  }

  @Test
  void open_severalFilesAtOnce_areIndependent() throws IOException {
    String id = layer(null, file("a", "first"), file("b", "second"));
    try (FileGetter files = driver().files(id);
        InputStream a = files.open(LayerPath.of("a"), 5);
        InputStream b = files.open(LayerPath.of("b"), 6)) {
      assertEquals('s', b.read());
      assertEquals('f', a.read());
    }
  }

  @Test
  void open_hardLink_givesTheContentOfTheFile() throws IOException {
    assertEquals("x", read(layer(null, file("a", "x"), hardLink("b", "a")), "b", 1));
  }

  @Test
  void open_fileWithoutPermissions_isOpened() throws IOException {
    String id = layer(null, dir("d").mode(0), file("d/f", "x").mode(0));
    assertEquals("x", read(id, "d/f", 1));
  }

  @Test
  void open_nameInAnyBytes_isOpened() throws IOException {
    LayerPath path = LayerPath.of(ByteString.of(new byte[] {'f', (byte) 0xe9}));
    assertEquals("x", read(layer(null, file(path, ByteString.utf8("x"))), path, 1));
  }

  @Test
  void open_fileOfLayerBelow_isOpened() throws IOException {
    String base = layer(null, dir("d"), file("d/f", "x"));
    String id = layer(layer(base, file("other", "y")), file("third", "z"));
    assertEquals("x", read(id, "d/f", 1));
    assertEquals("y", read(id, "other", 1));
  }

  @Test
  void open_fileReplacedInThisLayer_isTheNewOne() throws IOException {
    String base = layer(null, file("f", "old"));
    assertEquals("newer", read(layer(base, file("f", "newer")), "f", 5));
  }

  @Test
  void open_belowRelativeLink_followsIt() throws IOException {
    String id = written(dir("d"), file("d/f", "x"), symlink("l", "d"));
    assertEquals("x", read(id, "l/f", 1));
  }

  @Test
  void open_belowAbsoluteLink_startsAtTheRootOfTheLayer() throws IOException {
    String id = written(dir("real"), symlink("l", "/real"), file("l/f", "x"));
    assertEquals("x", read(id, "l/f", 1));
  }

  @Test
  void open_belowLinkOfLayerBelow_followsIt() throws IOException {
    String base = layer(null, dir("usr"), dir("usr/bin"), symlink("bin", "usr/bin"));
    String id = layer(base, dir("usr"), dir("usr/bin"), file("usr/bin/sh", "x"));
    assertEquals("x", read(id, "bin/sh", 1));
  }

  @Test
  void open_missing_throws() throws IOException {
    assertRefused(layer(null, dir("d")), "d/f");
  }

  @Test
  void open_belowFile_throws() throws IOException {
    assertRefused(layer(null, file("f", "x")), "f/g");
  }

  @Test
  void open_otherSize_throws() throws IOException {
    String id = layer(null, file("f", "hello"));
    assertThrows(LayerVerificationException.class, () -> read(id, "f", 4));
    assertThrows(LayerVerificationException.class, () -> read(id, "f", 6));
  }

  @Test
  void open_directory_throws() throws IOException {
    assertRefused(layer(null, dir("d")), "d");
  }

  @Test
  void open_root_throws() throws IOException {
    assertRefused(layer(null, dir("d")), "");
  }

  @Test
  void open_fifo_throwsWithoutWaiting() throws IOException {
    assertRefused(layer(null, fifo("p")), "p");
  }

  @Test
  void open_device_throws() throws IOException {
    assertRefused(layer(null, characterDevice("zero", 1, 5)), "zero");
  }

  @Test
  void open_linkToFile_throws() throws IOException {
    assertRefused(layer(null, file("f", "x"), symlink("l", "f")), "l");
  }

  @Test
  void open_linkToFileOutside_throws() throws IOException {
    String secret = kit().outside().resolve("canary").toString();
    assertRefused(written(symlink("l", secret)), "l");
  }

  @Test
  void open_belowLinkThatClimbsOut_throws() throws IOException {
    String climb = "";
    for (int levels = 1; levels <= 6; levels++) {
      climb += "../";
      String id = written(symlink("d", climb + "outside"));
      LayerStoreException thrown =
          assertThrows(
              LayerStoreException.class, () -> read(id, "d/canary", Canary.SECRET.length()));
      assertEquals(LayerVerificationException.class, thrown.getClass());
    }
  }

  @Test
  void open_belowAbsoluteLinkOutside_throws() throws IOException {
    assertRefused(written(symlink("d", kit().outside().toString())), "d/canary");
  }

  @Test
  void open_belowLoopOfLinks_throws() throws IOException {
    assertRefused(written(symlink("a", "b"), symlink("b", "a")), "a/f");
  }

  @Test
  void close_twice_doesNothing() throws IOException {
    FileGetter files = driver().files(layer(null, file("f", "x")));
    files.close();
    files.close();
  }

  @Test
  void files_missingLayer_throws() {
    assertThrows(LayerStoreException.class, () -> driver().files("missing"));
  }
}
