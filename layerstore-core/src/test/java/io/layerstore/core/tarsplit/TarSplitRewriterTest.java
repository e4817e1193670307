package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.LayerVerificationException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Refusals;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class TarSplitRewriterTest {

  private FileSystem fileSystem;
  private SalvagedPayloads salvaged;
  private LinkedPaths linked;

  @BeforeEach
  void create() {
    fileSystem = Jimfs.newFileSystem(Configuration.unix());
    salvaged = new SalvagedPayloads(() -> fileSystem.getPath("/scratch"));
    linked = new LinkedPaths(() -> fileSystem.getPath("/linked"));
  }

  @AfterEach
  void close() throws IOException {
    salvaged.close();
    linked.close();
    fileSystem.close();
  }

  @Nested
  class Kept {

    @Test
    void rewrite_nothingDestroyed_isTheSameDocument() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.TWO_TOP.bytes());

      assertArrayEquals(layer.document(), rewrite(layer));
    }

    @Test
    void rewrite_secondFileOfOnePath_keepsTheLast() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.DUP.bytes());
      salvage("hello\n");

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("./a.txt"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_twiceTheSameContent_needsNoSalvage() throws IOException {
      SplitLayer layer =
          new SplitLayer().raw(new byte[512]).file("a", "same").file("./a", "same").end();

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("./a"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_fileReplacedByEmptyEntry_keepsTheEmptyOne() throws IOException {
      SplitLayer layer =
          new SplitLayer().file("a", "content").raw(new byte[9]).file("a/", "").end();
      layer.files().remove(LayerPath.of("a"));
      salvage("content");

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("a/"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_emptyEntriesOfOneName_keepsTheLast() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PG2.bytes());

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("a.txt", "pax_global_header", "b"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_emptyEntryOutsideTheRoot_isLeftOut() throws IOException {
      SplitLayer layer = new SplitLayer().file("../g", "").file("../g", "").file("a", "1").end();

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("a"), names(rewritten));
      assertAssembles(layer, rewritten);
    }
  }

  @Nested
  class Destroyed {

    @Test
    void rewrite_fileRemovedByALaterEntry_isASegment() throws IOException {
      SplitLayer layer =
          new SplitLayer()
              .raw(new byte[512])
              .file("d/a", "gone")
              .raw(new byte[508])
              .file("b", "here")
              .end();
      layer.files().remove(LayerPath.of("d/a"));
      salvage("gone");

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("b"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_fileOverwrittenThroughAnAlias_isASegment() throws IOException {
      SplitLayer layer = new SplitLayer().file("d/a", "first").file("l/a", "later").end();
      layer.files().put("d/a", bytes("later")); // l is a link to d
      salvage("first");

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of("l/a"), names(rewritten));
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_longContent_isManySegments() throws IOException {
      byte[] content = new byte[1_000_000];
      new Random(17).nextBytes(content);
      SplitLayer layer = new SplitLayer().file(ByteString.utf8("a"), content).file("a", "b").end();
      salvaged.add(content.length, new ByteArrayInputStream(content));

      byte[] rewritten = rewrite(layer);

      assertTrue(
          SplitLayer.entries(new ByteArrayInputStream(rewritten)).size() > 4, "the content is cut");
      assertAssembles(layer, rewritten);
    }

    @Test
    void rewrite_contentLost_cannotBeExported() throws IOException {
      SplitLayer layer = new SplitLayer().file("a", "lost").file("a", "kept").end();

      ArchiveException thrown =
          Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> rewrite(layer));

      assertEquals(Optional.of("a"), thrown.entryName());
      assertTrue(thrown.getMessage().contains("cannot be exported again"), thrown.getMessage());
      assertEquals(0, layer.files().open());
    }

    @Test
    void rewrite_fileOutsideTheRoot_isTakenFromWhatWasSalvaged() throws IOException {
      SplitLayer layer = new SplitLayer().file("../x", "odd").end();
      Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> rewrite(layer));
      salvage("odd");

      byte[] rewritten = rewrite(layer);

      assertEquals(List.of(), names(rewritten));
      assertAssembles(layer, rewritten);
    }
  }

  @Nested
  class Proof {

    @Test
    void rewrite_anotherArchive_isAMismatch() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());

      LayerVerificationException thrown =
          assertThrows(
              LayerVerificationException.class,
              () -> rewriter(layer).rewrite(new ByteArrayOutputStream(), DiffId.EMPTY_TAR));

      assertEquals(Optional.of(DiffId.EMPTY_TAR.digest()), thrown.expected());
      assertEquals(Optional.of(layer.diffId().digest()), thrown.actual());
    }

    @Test
    void rewrite_always_leavesTargetAndFilesOpen() throws IOException {
      SplitLayer layer = SplitLayer.of(AppendixA.PLAIN.bytes());
      boolean[] closed = {false};
      ByteArrayOutputStream target =
          new ByteArrayOutputStream() {
            @Override
            public void close() {
              closed[0] = true;
            }
          };
      rewriter(layer).rewrite(target, layer.diffId());

      assertFalse(closed[0]);
      assertFalse(layer.files().isClosed());
      assertEquals(0, layer.files().open());
    }

    @Test
    void rewrite_randomLayersWithDuplicates_assembleAndHaveNone() throws IOException {
      Random random = new Random(18);
      for (int i = 0; i < 300; i++) {
        SplitLayer layer = new SplitLayer();
        Map<LayerPath, byte[]> written = new HashMap<>();
        for (int k = random.nextInt(30); k > 0; k--) {
          layer.raw(new byte[random.nextInt(600)]);
          ByteString name =
              ByteString.utf8((random.nextBoolean() ? "./" : "") + "f" + random.nextInt(8));
          byte[] content = new byte[random.nextInt(4)];
          random.nextBytes(content);
          byte[] destroyed = written.put(LayerPath.normalise(name).orElseThrow(), content);
          if (destroyed != null) {
            salvaged.add(destroyed.length, new ByteArrayInputStream(destroyed));
          }
          layer.file(name, content);
        }
        layer.end();
        written.forEach(layer.files()::put);

        byte[] rewritten = rewrite(layer);

        assertAssembles(layer, rewritten);
        Set<LayerPath> paths = new HashSet<>();
        for (String name : names(rewritten)) {
          assertTrue(paths.add(LayerPath.normalise(ByteString.utf8(name)).orElseThrow()), name);
        }
      }
    }
  }

  @Test
  void rewrite_nameLedThroughLinkThatIsGone_contentFromWhereItReallyIs() throws IOException {
    SplitLayer layer = new SplitLayer().raw(new byte[512]).file("l/f", "two").end();
    layer.files().put("d/f", bytes("two"));
    layer.files().put("l/f", bytes("three"));
    linked.add(LayerPath.of("l/f"), LayerPath.of("d/f"));

    assertAssembles(layer, rewrite(layer));
  }

  private void salvage(String content) throws IOException {
    salvaged.add(bytes(content).length, new ByteArrayInputStream(bytes(content)));
  }

  private TarSplitRewriter rewriter(SplitLayer layer) {
    return new TarSplitRewriter(
        () -> new ByteArrayInputStream(layer.document()), layer.files(), salvaged, linked);
  }

  private byte[] rewrite(SplitLayer layer) throws IOException {
    ByteArrayOutputStream rewritten = new ByteArrayOutputStream();
    rewriter(layer).rewrite(rewritten, layer.diffId());
    return rewritten.toByteArray();
  }

  private static void assertAssembles(SplitLayer layer, byte[] document) throws IOException {
    try (InputStream assembled =
        new AssembledStream(
            new ByteArrayInputStream(document),
            SplitLayer.DOCUMENT,
            layer.files(),
            layer.diffId(),
            Runnable::run)) {
      assertArrayEquals(layer.tar(), assembled.readAllBytes());
    }
  }

  private static List<String> names(byte[] document) throws IOException {
    return SplitLayer.entries(new ByteArrayInputStream(document)).stream()
        .filter(FileEntry.class::isInstance)
        .map(entry -> ((FileEntry) entry).name().toString())
        .toList();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
