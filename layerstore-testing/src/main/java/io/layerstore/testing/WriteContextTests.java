package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.testing.RecordingWriteContext.Destroyed;
import io.layerstore.testing.RecordingWriteContext.ThroughLink;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a {@link io.layerstore.spi.TreeWriter} tells its context. */
abstract class WriteContextTests extends DriverTests {

  private RecordingWriteContext write(TreeChange... changes) throws IOException {
    return kit().write(kit().emptyLayer(null), null, changes);
  }

  private static Destroyed destroyed(String path, String content) {
    return new Destroyed(LayerPath.of(path), ByteString.utf8(content));
  }

  private static List<LayerPath> paths(String... paths) {
    return List.of(paths).stream().map(LayerPath::of).toList();
  }

  private static List<Destroyed> sorted(List<Destroyed> destroyed) {
    return destroyed.stream().sorted(Comparator.comparing(Destroyed::path)).toList();
  }

  @Test
  void destroying_plainArchive_isNotTold() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), file("d/a", "1"), hardLink("d/b", "d/a"), symlink("l", "d"), fifo("p"));
    assertEquals(List.of(), context.destroyed());
    assertEquals(List.of(), context.redirected());
    assertEquals(List.of(), context.throughLinks());
  }

  @Test
  void destroying_fileWrittenTwice_handsBackTheFirst() throws IOException {
    RecordingWriteContext context = write(file("f", "first"), file("f", "second"));
    assertEquals(List.of(destroyed("f", "first")), context.destroyed());
  }

  @Test
  void destroying_fileWrittenThreeTimes_handsBackTheFirstTwo() throws IOException {
    RecordingWriteContext context = write(file("f", "1"), file("f", "2"), file("f", "3"));
    assertEquals(List.of(destroyed("f", "1"), destroyed("f", "2")), context.destroyed());
  }

  @Test
  void destroying_fileReplacedByAnyOtherType_handsItBack() throws IOException {
    for (TreeChange change :
        List.of(dir("f"), symlink("f", "x"), fifo("f"), hardLink("f", "other"))) {
      RecordingWriteContext context = write(file("other", "o"), file("f", "mine"), change);
      assertEquals(List.of(destroyed("f", "mine")), context.destroyed(), change.toString());
    }
  }

  @Test
  void destroying_fileOverPopulatedDirectory_handsBackAllOfIt() throws IOException {
    RecordingWriteContext context =
        write(file("d/a", "1"), file("d/e/b", "2"), symlink("d/l", "a"), file("d", "x"));
    assertEquals(
        List.of(destroyed("d/a", "1"), destroyed("d/e/b", "2")), sorted(context.destroyed()));
  }

  @Test
  void destroying_emptyFile_losesNothing() throws IOException {
    RecordingWriteContext context = write(file("f", ""), file("f", "x"));
    assertTrue(
        context.destroyed().isEmpty() || context.destroyed().equals(List.of(destroyed("f", ""))));
  }

  @Test
  void destroying_oneNameOfTwo_handsItBack() throws IOException {
    RecordingWriteContext context = write(file("a", "1"), hardLink("b", "a"), file("a", "2"));
    assertTrue(context.destroyed().contains(destroyed("a", "1")));
  }

  @Test
  void destroying_throughLink_tellsTheRealPath() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), file("d/f", "first"), symlink("l", "d"), file("l/f", "second"));
    assertEquals(List.of(destroyed("d/f", "first")), context.destroyed());
  }

  @Test
  void destroying_fileThatCameThroughLink_isTold() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), symlink("l", "d"), file("l/f", "first"), file("d/f", "second"));
    assertEquals(List.of(destroyed("d/f", "first")), context.destroyed());
  }

  @Test
  void destroying_largeFile_handsBackAllOfIt() throws IOException {
    String content = "0123456789abcdef".repeat(50_000);
    RecordingWriteContext context = write(file("f", content), file("f", "second"));
    assertEquals(List.of(destroyed("f", content)), context.destroyed());
  }

  @Test
  void destroying_contentOfDirectoryWithoutEntry_isTold() throws IOException {
    RecordingWriteContext context = write(file("d/f", "1"), symlink("d", "x"));
    assertEquals(List.of(destroyed("d/f", "1")), context.destroyed());
  }

  @Test
  void destroying_whiteoutOfOwnFile_handsItBack() throws IOException {
    kit().require(traits().executesWhiteouts(), "a stored whiteout cannot take the name");
    RecordingWriteContext context = write(file("d/f", "mine"), remove("d/f"));
    assertEquals(List.of(destroyed("d/f", "mine")), context.destroyed());
  }

  @Test
  void destroying_whiteoutOfOwnDirectory_handsBackAllOfIt() throws IOException {
    kit().require(traits().executesWhiteouts(), "a stored whiteout cannot take the name");
    RecordingWriteContext context = write(file("d/a", "1"), file("d/e/b", "2"), remove("d"));
    assertEquals(
        List.of(destroyed("d/a", "1"), destroyed("d/e/b", "2")), sorted(context.destroyed()));
  }

  @Test
  void destroying_opaqueAfterOwnFiles_isNotTold() throws IOException {
    RecordingWriteContext context = write(dir("d"), file("d/a", "1"), opaque("d"));
    assertEquals(List.of(), context.destroyed());
  }

  @Test
  void destroying_filesOfParentLayer_isNotTold() throws IOException {
    String parent =
        layer(null, dir("d"), file("d/a", "1"), file("f", "2"), dir("e"), file("e/g", "3"));
    RecordingWriteContext context =
        kit().write(kit().emptyLayer(parent), parent, file("f", "new"), remove("d"), opaque("e"));
    assertEquals(List.of(), context.destroyed());
  }

  @Test
  void redirecting_linkReplaced_isTold() throws IOException {
    for (TreeChange change : List.of(symlink("l", "e"), dir("l"), file("l", "x"))) {
      RecordingWriteContext context = write(dir("d"), dir("e"), symlink("l", "d"), change);
      assertEquals(paths("l"), context.redirected(), change.toString());
    }
  }

  @Test
  void redirecting_linkInReplacedDirectory_isTold() throws IOException {
    RecordingWriteContext context = write(dir("d"), symlink("d/l", "x"), file("d", "x"));
    assertEquals(paths("d/l"), context.redirected());
  }

  @Test
  void redirecting_linkOfParentLayerReplaced_isTold() throws IOException {
    kit().require(traits().executesWhiteouts(), "the layers below are not seen");
    String parent = layer(null, dir("d"), symlink("l", "d"));
    RecordingWriteContext context =
        kit().write(kit().emptyLayer(parent), parent, symlink("l", "e"));
    assertEquals(paths("l"), context.redirected());
  }

  @Test
  void redirecting_linkRemovedByWhiteout_isTold() throws IOException {
    kit().require(traits().executesWhiteouts(), "the layers below are not seen");
    String parent = layer(null, dir("d"), symlink("l", "d"));
    RecordingWriteContext context = kit().write(kit().emptyLayer(parent), parent, remove("l"));
    assertEquals(paths("l"), context.redirected());
  }

  @Test
  void redirecting_linkRemovedByOpaqueMark_isTold() throws IOException {
    kit().require(traits().executesWhiteouts(), "the layers below are not seen");
    String parent = layer(null, dir("d"), symlink("d/l", "x"));
    RecordingWriteContext context =
        kit().write(kit().emptyLayer(parent), parent, dir("d"), opaque("d"));
    assertEquals(paths("d/l"), context.redirected());
  }

  private static ThroughLink led(String path, String realPath, long sizeBytes) {
    return new ThroughLink(LayerPath.of(path), LayerPath.of(realPath), sizeBytes);
  }

  @Test
  void wroteThroughLink_relativeLink_tellsPathAndSize() throws IOException {
    RecordingWriteContext context = write(dir("d"), symlink("l", "d"), file("l/f", "12345"));
    assertEquals(List.of(led("l/f", "d/f", 5)), context.throughLinks());
  }

  @Test
  void wroteThroughLink_absoluteLink_tellsPath() throws IOException {
    RecordingWriteContext context = write(dir("d"), dir("e"), symlink("e/l", "/d"), dir("e/l/f"));
    assertEquals(List.of(led("e/l/f", "d/f", 0)), context.throughLinks());
  }

  @Test
  void wroteThroughLink_hardLinkBelowLink_tellsPath() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), symlink("l", "d"), file("f", "1"), hardLink("l/h", "f"));
    assertEquals(List.of(led("l/h", "d/h", 0)), context.throughLinks());
  }

  @Test
  void wroteThroughLink_directoryThatIsThere_isTold() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), dir("d/e"), symlink("l", "d"), dir("l/e").mode(0700));
    assertEquals(List.of(led("l/e", "d/e", 0)), context.throughLinks());
  }

  @Test
  void wroteThroughLink_severalEntries_areToldInTheirOrder() throws IOException {
    RecordingWriteContext context =
        write(dir("d"), symlink("l", "d"), file("l/b", "1"), file("d/c", "2"), file("l/a", "333"));
    assertEquals(List.of(led("l/b", "d/b", 1), led("l/a", "d/a", 3)), context.throughLinks());
  }

  @Test
  void wroteThroughLink_nameThatIsALink_isNotTold() throws IOException {
    RecordingWriteContext context = write(dir("d"), symlink("l", "d"), file("l", "1"));
    assertEquals(List.of(), context.throughLinks());
  }
}
