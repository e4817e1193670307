package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Image;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the command line says of a store that a program has open at the same time. */
final class SharedStoreCommandsTest {

  private static final String SELF = "process " + ProcessHandle.current().pid() + " ";

  @TempDir private Path temp;
  private Cli cli;
  private LayerStore store;

  @BeforeEach
  void open() throws IOException {
    cli = new Cli(temp.resolve("root"));
    store = LayerStore.builder(cli.root()).driver("vfs").open();
  }

  @AfterEach
  void close() throws IOException {
    store.close();
  }

  /** Loads the sample, and gives its top layer. */
  private Layer load() throws IOException {
    store.images().load(Files.write(temp.resolve("image.tar"), Sample.image()));
    Image image = store.images().resolve(Sample.REFERENCE);
    return store.get(image.topLayer().orElseThrow());
  }

  private List<String> explain(Object id) {
    List<String> lines = cli.run("explain", id.toString()).succeeded().lines();
    return lines.subList(1, lines.size()).stream().map(String::strip).toList();
  }

  private static void expectOne(List<String> lines, String beginning) {
    assertEquals(
        1, lines.stream().filter(line -> line.startsWith(beginning)).count(), lines::toString);
  }

  @Test
  void explain_layer_namesItsImageItsReadWriteLayerAndWhoHoldsIt() throws IOException {
    try (Layer top = load()) {
      store.createRWLayer("work", top.chainId()).close();

      List<String> reasons = explain(top.chainId());
      expectOne(reasons, "top layer of image ");
      expectOne(reasons, "read-write layer work stands on it");
      expectOne(reasons, "held by " + SELF);
      assertEquals(3, reasons.size(), reasons::toString);
    }
  }

  @Test
  void explain_layerThatNothingHolds_namesNobody() throws IOException {
    Layer top = load();
    top.close();

    List<String> reasons = explain(top.chainId());
    expectOne(reasons, "top layer of image ");
    assertEquals(1, reasons.size(), reasons::toString);
  }

  @Test
  void explain_layerBelowAnother_namesThatOne() throws IOException {
    try (Layer top = load()) {
      List<String> reasons = explain(top.parent().orElseThrow());
      expectOne(reasons, "layer " + top.chainId() + " stands on it");
    }
  }

  @Test
  void explain_mountedReadWriteLayer_namesWhoHasItOpenAndMounted() throws IOException {
    try (Layer top = load();
        RWLayer work = store.createRWLayer("work", top.chainId());
        Mount mount = work.mount()) {
      assertTrue(mount.path().isAbsolute());

      List<String> reasons = explain("work");
      expectOne(reasons, "open in " + SELF);
      expectOne(reasons, "mounted by " + SELF);
    }
  }

  @Test
  void explain_image_namesItsReferencesAndReadWriteLayers() throws IOException {
    try (Layer top = load()) {
      store.createRWLayer("work", top.chainId()).close();
    }
    List<String> reasons = explain(Sample.REFERENCE);
    expectOne(reasons, "has the name " + Sample.REFERENCE);
    expectOne(reasons, "read-write layer work stands on it");
    assertEquals(2, reasons.size(), reasons::toString);
  }

  @Test
  void info_namesWhoHasTheRootOpenAndWhatItHolds() throws IOException {
    try (Layer top = load()) {
      String text = cli.run("info").succeeded().out();
      assertTrue(text.contains(SELF), text);
      assertTrue(text.contains("layer " + top.chainId()), text);
    }
  }

  @Test
  void release_layerThatAProgramHolds_failsAndNamesIt() throws IOException {
    try (Layer top = load()) {
      store.images().delete(store.images().resolve(Sample.REFERENCE).id(), true);

      String failure = cli.run("release", top.chainId().toString()).failed(1);
      assertTrue(failure.contains(SELF), failure);
    }
  }
}
