package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;

/**
 * What every layer store does, whatever driver and file system it works on; subclasses say which.
 *
 * <p>After every test the store must be closable and must have left nothing behind: no unfinished
 * transaction, no deletion half done, and as many directories in the driver as there are layers.
 *
 * <p>With {@code -Dlayerstore.beside=true} another process has the root open all the time, and must
 * see the same at the end.
 */
public abstract class LayerStoreContract {

  private Path root;
  private LayerStore store;

  /** An empty directory, or the path of one that can be made. */
  protected abstract Path newRoot() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  /** The directories that stand for layers in the driver, as names. */
  protected abstract Set<String> driverDirectories(Path root) throws IOException;

  /** Whether the driver keeps owners of files that are in no registered layer yet. */
  protected boolean keepsOwners() {
    return true;
  }

  /** Called when a test and all checks after it are done. */
  protected void discardRoot() throws IOException {}

  @BeforeEach
  void openStore() throws IOException {
    root = newRoot();
    store = builder(root).open();
    SecondProcess.open(store);
  }

  @AfterEach
  void nothingIsLeftBehind() throws IOException {
    assertFalse(Thread.interrupted(), "a test left its thread interrupted");
    store.close();
    try (LayerStore again = builder(root).open()) {
      assertEquals(List.of(), again.recoveryReport().findings());
      Set<String> expected = new TreeSet<>();
      again.layers().forEach(layer -> expected.add(layer.cacheId()));
      again
          .rwLayers()
          .forEach(
              layer -> {
                expected.add(layer.mountId());
                layer.initId().ifPresent(expected::add);
              });
      assertEquals(expected, driverDirectories(root));
      SecondProcess.expectTheSame(again);
    }
    SecondProcess.close(root);
    assertEquals(List.of(), StoreTests.names(layerDb().resolve("tmp")));
    discardRoot();
  }

  // Fixtures

  /** The store under test. */
  protected LayerStore store() {
    return store;
  }

  /** The root of the store under test. */
  protected Path root() {
    return root;
  }

  /** Has another open store take the place of the one under test, which is closed. */
  void use(LayerStore other) {
    store = other;
  }

  /** Closes the store and opens it again. */
  protected LayerStore reopen() throws IOException {
    store.close();
    SecondProcess.close(root);
    store = builder(root).open();
    SecondProcess.open(store);
    return store;
  }

  Path layerDb() {
    return root.resolve("image/" + store.driverName() + "/layerdb");
  }

  /** The state of the store that a failed call must leave as it was. */
  List<Object> state() throws IOException {
    return List.of(
        store.layers(),
        store.rwLayers(),
        driverDirectories(root),
        StoreTests.names(layerDb().resolve("sha256")),
        StoreTests.names(layerDb().resolve("mounts")),
        StoreTests.names(layerDb().resolve("tmp")));
  }

  /** See {@link RegisterTests}. */
  @Nested
  protected class Register extends RegisterTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link RegisterSourceTests}. */
  @Nested
  protected class RegisterFromSources extends RegisterSourceTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link DevicePolicyTests}. */
  @Nested
  protected class Devices extends DevicePolicyTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link GetTests}. */
  @Nested
  protected class Get extends GetTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link ReleaseTests}. */
  @Nested
  protected class Release extends ReleaseTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link ReadTests}. */
  @Nested
  protected class Read extends ReadTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link RWLayerTests}. */
  @Nested
  protected class ReadWrite extends RWLayerTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link RWLayerChangesTests}. */
  @Nested
  protected class ReadWriteChanges extends RWLayerChangesTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link TemporaryRWLayerTests}. */
  @Nested
  protected class Temporary extends TemporaryRWLayerTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link OpenAndCloseTests}. */
  @Nested
  protected class OpenAndClose extends OpenAndCloseTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }

  /** See {@link SharingTests}. */
  @Nested
  protected class Sharing extends SharingTests {

    @Override
    LayerStoreContract contract() {
      return LayerStoreContract.this;
    }
  }
}
