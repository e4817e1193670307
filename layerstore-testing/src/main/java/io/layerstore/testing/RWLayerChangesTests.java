package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.CommitOptions;
import io.layerstore.Compression;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.TarOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What was changed in a read-write layer: as an archive, as a layer, and from an archive. */
abstract class RWLayerChangesTests extends StoreTests {

  @Test
  void tarStream_fileCutWhileItIsRead_isAConcurrentChange() throws IOException {
    try (RWLayer rw = store().createRWLayer("rw");
        Mount mount = rw.mount()) {
      Path file = mount.path().resolve("file");
      Files.write(file, new byte[32 << 20]);
      try (InputStream tar = rw.tarStream()) {
        assertEquals(512, tar.readNBytes(512).length);
        Files.write(file, new byte[1]);
        assertThrows(
            ConcurrentChangeException.class, () -> tar.transferTo(OutputStream.nullOutputStream()));
      }
    }
  }

  @Test
  void commit_fileMovedInTheMount_bothLayersAreRight() throws IOException {
    try (Layer base = register(tar("old", "content"));
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      try (Mount mount = rw.mount()) {
        Files.move(mount.path().resolve("old"), mount.path().resolve("new"));
      }
      try (Layer moved = rw.commit();
          Mount below = base.mount();
          Mount above = moved.mount()) {
        assertEquals(List.of("old=content"), tree(below.path()));
        assertEquals(List.of("new=content"), tree(above.path()));
      }
    }
  }

  @Test
  void commit_changes_newLayerThatReproducesTheTree() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId());
        Mount mount = rw.mount()) {
      Files.writeString(mount.path().resolve("etc/new"), "four");
      Files.delete(mount.path().resolve("etc/a"));
      Files.delete(mount.path().resolve("dirx/f"));
      Files.delete(mount.path().resolve("dirx"));
      Files.writeString(mount.path().resolve("dirx"), "file now");
      Files.delete(mount.path().resolve("filey"));
      Files.createDirectory(mount.path().resolve("filey"));
      Files.writeString(mount.path().resolve("filey/in"), "dir now");
      try (Layer top = rw.commit();
          Mount committed = top.mount()) {
        assertEquals(base.chainId(), top.parent().orElseThrow());
        assertEquals(tree(mount.path()), tree(committed.path()));
        assertNotEquals(rw.mountId(), top.cacheId());
        assertArrayEquals(export(top), export(top));
      }
      Files.writeString(mount.path().resolve("still"), "writable");
    }
  }

  @Test
  void commit_directoryReplacedByEmptyOne_lowerContentStaysHidden() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId());
        Mount mount = rw.mount()) {
      Files.delete(mount.path().resolve("dirx/f"));
      Files.delete(mount.path().resolve("dirx"));
      Files.createDirectory(mount.path().resolve("dirx"));
      try (Layer top = rw.commit();
          Mount committed = top.mount()) {
        assertEquals(List.of(), names(committed.path().resolve("dirx")));
      }
    }
  }

  /** A read-write layer with the same changes as every other one, made at another time. */
  private RWLayer changedAt(String name, ChainId parent, Instant time) throws IOException {
    RWLayer rw = store().createRWLayer(name, parent);
    try (Mount mount = rw.mount()) {
      Path etc = mount.path().resolve("etc");
      Files.delete(etc.resolve("a"));
      Files.writeString(etc.resolve("old"), "old");
      Files.writeString(etc.resolve("new"), "new");
      Files.setLastModifiedTime(etc.resolve("old"), FileTime.from(EARLY));
      Files.setLastModifiedTime(etc.resolve("new"), FileTime.from(time));
      Files.setLastModifiedTime(etc, FileTime.from(time));
    }
    return rw;
  }

  @Test
  void commit_sameChangesAtOtherTimesWithLatestTime_oneLayer() throws IOException {
    CommitOptions options = CommitOptions.builder().latestTime(LATEST).build();
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer first = changedAt("first", base.chainId(), LATEST.plusSeconds(1));
        RWLayer second = changedAt("second", base.chainId(), LATEST.plusSeconds(99));
        Layer one = first.commit(options);
        Layer two = second.commit(options);
        Layer unlimited = second.commit()) {
      assertEquals(one.chainId(), two.chainId());
      assertNotEquals(one.chainId(), unlimited.chainId());
    }
  }

  @Test
  void commit_latestTime_lowersLaterTimesAndRaisesNone() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = changedAt("rw", base.chainId(), LATEST.plusSeconds(1));
        Layer top = rw.commit(CommitOptions.builder().latestTime(LATEST).build());
        Mount mount = top.mount()) {
      assertEquals(LATEST, modified(mount, "etc/new"));
      assertEquals(LATEST, modified(mount, "etc"));
      assertEquals(EARLY, modified(mount, "etc/old"));
    }
  }

  @ParameterizedTest
  @EnumSource(Compression.class)
  void tarStream_latestTime_isTheLayerThatCommitMakes(Compression compression) throws IOException {
    TarOptions options = TarOptions.builder().latestTime(LATEST).compression(compression).build();
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer first = changedAt("first", base.chainId(), LATEST.plusSeconds(1));
        RWLayer second = changedAt("second", base.chainId(), LATEST.plusSeconds(99));
        Layer top = first.commit(CommitOptions.builder().latestTime(LATEST).build())) {
      byte[] exported = export(first, options);
      assertArrayEquals(exported, export(second, options));
      try (Layer again = register(exported, base.chainId())) {
        assertEquals(top.chainId(), again.chainId());
      }
    }
  }

  @Test
  void tarStream_gzip_isWhatOthersRead() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = changedAt("rw", base.chainId(), EARLY);
        InputStream plain =
            new GZIPInputStream(
                rw.tarStream(TarOptions.builder().compression(Compression.GZIP).build()))) {
      assertArrayEquals(export(rw, TarOptions.DEFAULT), plain.readAllBytes());
    }
  }

  @Test
  void commit_andRelease_rwLayerIsGone() throws IOException {
    try (Layer base = register(tar("a", "1"))) {
      RWLayer rw = store().createRWLayer("rw", base.chainId());
      try (Layer top = rw.commit(CommitOptions.builder().releaseAfterwards(true).build())) {
        assertEquals(base.chainId(), top.parent().orElseThrow());
      }
      assertEquals(List.of(), store().rwLayers());
    }
  }

  @Test
  void commit_ofWhatExists_handleOnTheExistingLayer() throws IOException {
    try (Layer base = register(tar("a", "1"));
        RWLayer rw = store().createRWLayer("rw", base.chainId());
        Layer first = rw.commit();
        Layer second = rw.commit()) {
      assertEquals(first.chainId(), second.chainId());
      assertEquals(DiffId.EMPTY_TAR, first.diffId());
    }
  }

  @Test
  void applyDiff_layerArchive_whiteoutsIncluded() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      long size = rw.applyDiff(new ByteArrayInputStream(gzip(AppendixA.TWO_TOP.bytes())));
      assertEquals(11, size);
      try (Mount mount = rw.mount()) {
        assertEquals(
            List.of("dirx=now file", "etc/", "etc/b=B2", "filey/", "op/", "op/new=N"),
            tree(mount.path()));
      }
    }
  }

  @Test
  void applyDiff_overChanges_replacesAndDeletesThem() throws IOException {
    byte[] tar =
        new TarBuilder()
            .file("etc/b", "new")
            .file("etc/.wh.mine", "")
            .file("made/kept", "K")
            .file(".wh.gone", "")
            .directory("op/")
            .file("op/before", "1")
            .file("op/.wh..wh..opq", "")
            .file("op/after", "2")
            .end()
            .toBytes();
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("etc/b"), "a longer text than the new one");
        Files.writeString(mount.path().resolve("etc/mine"), "M");
        Files.writeString(mount.path().resolve("op/mine"), "M");
        Files.createDirectories(mount.path().resolve("gone/deep"));
        Files.writeString(mount.path().resolve("gone/deep/mine"), "M");
      }
      rw.applyDiff(new ByteArrayInputStream(tar));
      try (Mount mount = rw.mount()) {
        assertEquals(
            List.of(
                "dirx/",
                "dirx/f=F",
                "etc/",
                "etc/a=A",
                "etc/b=new",
                "filey=Y",
                "made/",
                "made/kept=K",
                "op/",
                "op/after=2",
                "op/before=1"),
            tree(mount.path()));
      }
    }
  }

  @Test
  void applyDiff_stream_readToItsEndAndNotClosed() throws IOException {
    AtomicInteger closed = new AtomicInteger();
    InputStream stream =
        new ByteArrayInputStream(AppendixA.GARBAGE.bytes()) {
          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    try (RWLayer rw = store().createRWLayer("rw")) {
      rw.applyDiff(stream);
      assertEquals(0, closed.get());
      assertEquals(-1, stream.read());
      assertEquals(List.of("A /a.txt"), changes(rw));
    }
  }

  @Test
  void applyDiff_refusedArchive_typedErrorAndTheLayerGoesOn() throws IOException {
    byte[] bad = new TarBuilder().file("a", "1").file("../b", "2").end().toBytes();
    try (RWLayer rw = store().createRWLayer("rw")) {
      Refusals.assertRefused(Kind.BREAKOUT, () -> rw.applyDiff(new ByteArrayInputStream(bad)));
      rw.applyDiff(new ByteArrayInputStream(tar("c", "3")));
      try (Mount mount = rw.mount()) {
        assertEquals("3", Files.readString(mount.path().resolve("c")));
      }
    }
  }

  @Test
  void applyDiff_thenCommit_ownersOfTheArchiveSurvive() throws IOException {
    assumeTrue(keepsOwners(), "all files belong to the user who runs the tests");
    byte[] tar =
        new TarBuilder()
            .file(TarHeaderBlock.named("owned").uid(1234).gid(5678).mode(04755), "x")
            .end()
            .toBytes();
    try (RWLayer rw = store().createRWLayer("rw")) {
      rw.applyDiff(new ByteArrayInputStream(tar));
      try (Layer layer = rw.commit()) {
        String header = new String(export(layer), 0, 512, UTF_8);
        assertEquals("0004755\0" + "0002322\0" + "0013056\0", header.substring(100, 124));
      }
    }
  }
}
