package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several stores at a time: in one process and in two, on two roots and on one. */
final class TwoStoresTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private final Set<ProcessHandle> others = Overlay2Testing.mountHelpers();

  @BeforeEach
  void requireOverlay() {
    Overlay2Testing.assumeSupported(directory);
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertEquals(List.of(), Overlay2Testing.mountsBelow(directory));
    assertEquals(others, Overlay2Testing.mountHelpers());
  }

  private static StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("overlay2");
  }

  private Path root(String name) {
    return directory.resolve(name);
  }

  private static RWLayer makeLayers(LayerStore store, String text) throws LayerStoreException {
    Layer base = store.register(new TarBuilder().file("f", text).end().toStream(), NO_PARENT);
    Layer top = store.register(new TarBuilder().file("g", text).end().toStream(), base.chainId());
    return store.createRWLayer("rw", top.chainId());
  }

  private static String read(Mount mount, String name) throws IOException {
    return Files.readString(mount.path().resolve(name));
  }

  @Test
  void mount_twoRootsInOneProcess_oneEndsWithoutTheOther() throws IOException {
    try (LayerStore two = builder(root("two")).open();
        Mount ofTwo = makeLayers(two, "two").mount()) {
      Path gone;
      try (LayerStore one = builder(root("one")).open()) {
        Mount ofOne = makeLayers(one, "one").mount();
        gone = ofOne.path();
        assertEquals("one", read(ofOne, "f"));
        assertEquals("two", read(ofTwo, "f"));
      }
      assertFalse(Files.exists(gone.resolve("f")));
      Files.writeString(ofTwo.path().resolve("f"), "still works");
      assertEquals("still works", read(ofTwo, "f"));
    }
  }

  @Test
  void mount_readerBesideTheWriter_neitherDisturbsTheOther() throws IOException {
    try (LayerStore writer = builder(root("one")).open()) {
      RWLayer rw = makeLayers(writer, "one");
      ChainId top = rw.parent().orElseThrow();
      try (Mount written = rw.mount()) {
        Path gone;
        try (LayerStore reader = builder(root("one")).readOnly(true).open()) {
          Mount seen = reader.get(top).mount();
          gone = seen.path();
          assertEquals("one", read(seen, "g"));
          assertThrows(IOException.class, () -> Files.writeString(gone.resolve("x"), "x"));
          assertThrows(ReadOnlyStoreException.class, () -> reader.createRWLayer("more", top));
          Files.writeString(written.path().resolve("new"), "2");
        }
        assertEquals("2", read(written, "new"));
        assertFalse(Files.exists(gone.resolve("g")));
      }
      try (Stream<Change> changes = rw.changes()) {
        assertEquals(List.of("A /new"), changes.map(Change::toString).toList());
      }
    }
  }

  /** Tries to write, then reads. */
  static final class Other {
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      try {
        builder(root).open().close();
        System.out.println("opened");
      } catch (StoreLockedException e) {
        System.out.println("locked");
      }
      try (LayerStore reader = builder(root).readOnly(true).open();
          Mount mount =
              reader
                  .get(
                      reader.layers().stream()
                          .filter(l -> l.depth() == 2)
                          .findFirst()
                          .orElseThrow()
                          .chainId())
                  .mount()) {
        System.out.println(read(mount, "f") + read(mount, "g"));
      }
    }
  }

  @Test
  void open_whileAnotherProcessWritesAlone_isLockedAndReadsBesideIt() throws Exception {
    try (LayerStore writer = builder(root("one")).exclusive().open();
        Mount mount = makeLayers(writer, "x").mount()) {
      assertEquals(
          List.of("locked", "xx"), ChildJvm.run(List.of(), Other.class, root("one")).lines());
      Files.writeString(mount.path().resolve("f"), "y");
      assertEquals("y", read(mount, "f"));
    }
  }
}
