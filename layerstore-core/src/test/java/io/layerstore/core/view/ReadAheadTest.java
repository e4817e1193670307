package io.layerstore.core.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which files are announced, when which are opened. */
final class ReadAheadTest {

  private static final int EACH = 100;

  /** The first one, and eight that show that it is a walk, are not. */
  private static final int FIRST_ANNOUNCED = 9;

  /** Too long to be announced. */
  private static final String LONG = "d2/f150";

  private final List<String> announced = new ArrayList<>();
  private final List<String> inOrder = new ArrayList<>();
  private final ReadAhead ahead = new ReadAhead();
  private Shown shown;

  /** Announces to {@link #announced}. */
  private final class Recorded implements LayerContents {
    private final int layer;

    Recorded(int layer) {
      this.layer = layer;
    }

    @Override
    public InputStream open(LayerPath path, int node, long sizeBytes, long place, long from) {
      throw new AssertionError("nothing is opened");
    }

    @Override
    public void announce(LayerPath path, int node, long sizeBytes) throws LayerStoreException {
      assertEquals(layer, shown.index().layer(node));
      assertEquals(sizeBytes, shown.index().size(node));
      announced.add(path.toString());
      if (path.toString().endsWith("damaged")) {
        throw new LayerStoreException("a damaged layer");
      }
    }

    @Override
    public boolean isByPath() {
      return true;
    }

    @Override
    public void close() {}
  }

  /** Two layers that have every other file of three directories, and a link among them. */
  @BeforeEach
  void showLayers() throws IOException {
    TarBuilder[] layers = {new TarBuilder(), new TarBuilder()};
    for (int i = 0; i < 3 * EACH; i++) {
      String name = "d" + (i / EACH + 1) + "/f" + i;
      name = name.replaceFirst("f(\\d)$", "f00$1").replaceFirst("f(\\d\\d)$", "f0$1");
      int size = name.equals(LONG) ? 600_000 : i % 3;
      layers[i % 2].file(TarHeaderBlock.named(name), new byte[size]);
      inOrder.add(name);
    }
    layers[0].symlink("d1/f000-link", "f001");
    show(layers);
  }

  private void show(TarBuilder... layers) throws IOException {
    LayerIndexer indexer = new LayerIndexer();
    List<LayerContents> contents = new ArrayList<>();
    for (TarBuilder layer : layers) {
      byte[] tar = layer.end().toBytes();
      contents.add(new Recorded(contents.size()));
      indexer.add(
          new ArchivedLayer(
              DiffId.EMPTY_TAR,
              ChainId.of(null, DiffId.EMPTY_TAR),
              () -> new ByteArrayInputStream(tar)),
          Limits.NONE);
    }
    shown = new Shown(indexer.shown(0, false).index(), contents, 0, false);
  }

  private void open(String name) {
    LayerPath path = LayerPath.of(name);
    int node = shown.root();
    for (ByteString part : path.names()) {
      node = shown.index().node(shown.index().find(shown.range(node), part));
    }
    ahead.opening(new PathWalk.Place(shown, node, path));
  }

  @Test
  void filesOpenedAsOnAWalk_areAnnouncedOnceInThatOrder() {
    inOrder.forEach(this::open);
    List<String> expected = new ArrayList<>(inOrder.subList(FIRST_ANNOUNCED, inOrder.size()));
    expected.remove(LONG);
    assertEquals(expected, announced);
  }

  @Test
  void longFile_endsWhatIsAnnounced() {
    inOrder.subList(0, inOrder.indexOf(LONG)).forEach(this::open);
    assertEquals(inOrder.get(inOrder.indexOf(LONG) - 1), announced.get(announced.size() - 1));
    announced.clear();
    open(LONG);
    assertEquals(List.of(), announced);
    open(inOrder.get(inOrder.indexOf(LONG) + 1));
    assertEquals(inOrder.get(inOrder.indexOf(LONG) + 1), announced.get(0));
  }

  @Test
  void filesLeftOut_areNoEndOfTheWalk() {
    for (int i = 0; i < inOrder.size(); i++) {
      if (i % 4 != 0) {
        open(inOrder.get(i));
      }
    }
    assertTrue(announced.size() > 250, announced::toString);
    assertEquals(announced.size(), Set.copyOf(announced).size());
  }

  @Test
  void filesOfOneKind_areAnnouncedNoMore() {
    inOrder.subList(0, 50).forEach(this::open);
    int before = announced.size();
    for (int i = 50; i < inOrder.size(); i += 6) {
      open(inOrder.get(i));
    }
    assertTrue(announced.size() - before <= 64, announced::toString);
  }

  @Test
  void filesInNoOrder_areNotAnnounced() {
    List<String> mixed = new ArrayList<>(inOrder);
    Collections.shuffle(mixed, new Random(1));
    mixed.forEach(this::open);
    assertEquals(List.of(), announced);
  }

  @Test
  void filesOpenedTwice_areNotAnnounced() {
    for (String name : inOrder) {
      open(name);
      open(name);
    }
    assertEquals(List.of(), announced);
  }

  @Test
  void walkThatGoesOnElsewhere_isFollowedThere() {
    inOrder.subList(0, 60).forEach(this::open);
    announced.clear();
    List<String> rest = inOrder.subList(210, 300);
    rest.forEach(this::open);
    assertEquals(rest.subList(90 - announced.size(), 90), announced);
    assertTrue(announced.size() > 70, announced::toString);
  }

  @Test
  void announcementThatFails_isNoFailureOfWhatIsOpened() throws IOException {
    TarBuilder layer = new TarBuilder();
    List<String> names = new ArrayList<>();
    for (int i = 10; i < 99; i++) {
      names.add(i == 30 ? "30damaged" : "" + i);
      layer.file(names.get(names.size() - 1), "");
    }
    show(layer);
    names.forEach(this::open);
    assertTrue(announced.contains("30damaged"), announced::toString);
    assertEquals("98", announced.get(announced.size() - 1));
  }
}
