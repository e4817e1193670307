package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/**
 * The operations that change a store, to be tried while something goes wrong: each is carried out
 * on the same store, and afterwards it has been done or it has not.
 *
 * <p>The store has two layers, one of them {@link #OTHER}, and on the other a read-write layer
 * {@code rw} with changes.
 */
public enum StoreOperation {
  REGISTER(3, 1) {
    @Override
    public void run(LayerStore store) throws IOException {
      store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(BASE_ID)).close();
    }
  },
  RELEASE(1, 1) {
    @Override
    public void run(LayerStore store) throws IOException {
      try {
        store.release(store.get(OTHER_ID));
      } catch (LayerNotFoundException e) {
        // Given back already, by a call that could not remove it.
      }
    }
  },
  CREATE_RW_LAYER(2, 2) {
    @Override
    public void run(LayerStore store) throws IOException {
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(root -> Files.writeString(root.resolve("init"), "1"))
              .build();
      store.createRWLayer(NEW, options.toBuilder().parent(BASE_ID).build()).close();
    }
  },
  /** Mounts, too: the mount is undone before the end, so nothing is to be seen of it. */
  COMMIT(3, 1) {
    @Override
    public void run(LayerStore store) throws IOException {
      try (RWLayer rw = store.getRWLayer(RW)) {
        try (Mount mount = rw.mount()) {
          assertTrue(Files.exists(mount.path().resolve("changed")));
        }
        rw.commit().close();
      }
    }
  },
  /** Takes the layer below with it, which nothing else holds. */
  RELEASE_RW_LAYER(1, 0) {
    @Override
    public void run(LayerStore store) throws IOException {
      try {
        store.releaseRWLayer(store.getRWLayer(RW));
      } catch (RWLayerNotFoundException e) {
        // Gone already, but not what was below.
      }
    }
  },
  /** Leaves the store as it was, and everything in it. */
  TEMPORARY_RW_LAYER(2, 1) {
    @Override
    public void run(LayerStore store) throws IOException {
      RWLayerOptions options =
          RWLayerOptions.builder().initializer(root -> root.file("init").writeString("1")).build();
      store.createTemporaryRWLayer(options.toBuilder().parent(BASE_ID).build()).close();
    }
  };

  private static final byte[] BASE =
      new TarBuilder().directory("d").file("d/f", "base").file("gone", "x").end().toBytes();

  /** The archive of a layer on which nothing stands. */
  public static final byte[] OTHER = new TarBuilder().file("other", "other").end().toBytes();

  private static final byte[] CHILD =
      new TarBuilder()
          .directory("d")
          .file("d/g", "child")
          .symlink("l", "d/g")
          .hardLink("h", "d/g")
          .file(".wh.gone", "")
          .end()
          .toBytes();

  private static final ChainId BASE_ID = chainId(null, BASE);

  /** The layer of {@link #OTHER}. */
  public static final ChainId OTHER_ID = chainId(null, OTHER);

  private static final Map<ChainId, byte[]> CONTENT =
      Map.of(BASE_ID, BASE, chainId(BASE_ID, CHILD), CHILD, OTHER_ID, OTHER);
  private static final String RW = "rw";
  private static final String NEW = "new";

  private final int layersAfter;
  private final int rwLayersAfter;

  StoreOperation(int layersAfter, int rwLayersAfter) {
    this.layersAfter = layersAfter;
    this.rwLayersAfter = rwLayersAfter;
  }

  private static ChainId chainId(ChainId parent, byte[] tar) {
    return ChainId.of(parent, new DiffId(Digest.sha256Of(tar)));
  }

  /** Brings a store, new or with operations behind it, into the state in which each begins. */
  public static void prepare(LayerStore store) throws IOException {
    for (RWLayerInfo info : store.rwLayers()) {
      if (info.name().equals(NEW)) {
        store.releaseRWLayer(store.getRWLayer(NEW));
      }
    }
    for (ChainId id : List.of(BASE_ID, OTHER_ID)) {
      RegisterOptions options = RegisterOptions.builder().expectedChainId(id).build();
      store.register(LayerSource.of(CONTENT.get(id)), options).close();
    }
    if (store.rwLayers().isEmpty()) {
      try (RWLayer rw = store.createRWLayer(RW, BASE_ID);
          Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("changed"), "mine");
        Files.delete(mount.path().resolve("gone"));
      }
    }
    for (LayerInfo info : store.layers()) {
      if (!info.chainId().equals(BASE_ID) && !info.chainId().equals(OTHER_ID)) {
        try {
          store.release(store.get(info.chainId()));
        } catch (LayerNotFoundException e) {
          // Gone with one above it.
        }
      }
    }
  }

  /** Does it. */
  public abstract void run(LayerStore store) throws IOException;

  /** Whether it has been done. */
  public boolean isDoneIn(LayerStore store) {
    return store.layers().size() == layersAfter && store.rwLayers().size() == rwLayersAfter;
  }

  /**
   * Whether it is done once it succeeds after a failure in the same store: a layer that could not
   * be removed is out of reach until the next open.
   */
  public boolean isDoneWhenRepeated() {
    return this != RELEASE && this != RELEASE_RW_LAYER;
  }

  /** Looks at what the next process finds: the operation undone or done, and all else whole. */
  public void assertFound(LayerStore store, boolean isDone, String when) throws IOException {
    int layers = store.layers().size();
    int rwLayers = store.rwLayers().size();
    boolean isHalfway = this == RELEASE_RW_LAYER && rwLayers == 0;
    boolean isBefore = layers == 2 && (rwLayers == 1 || isHalfway);
    assertTrue(
        isDoneIn(store) || (isBefore && !isDone),
        when + ": " + layers + " layers, " + rwLayers + " rw");
    assertExports(store, when);
    if (rwLayers > 0) {
      assertRWLayerWhole(store, when);
    }
    assertTrue(
        store.recoveryReport().findings().stream()
            .noneMatch(finding -> finding.kind().name().startsWith("DAMAGED")),
        () -> when + ": " + store.recoveryReport());
  }

  private static void assertRWLayerWhole(LayerStore store, String when) throws IOException {
    try (RWLayer rw = store.getRWLayer(RW);
        Mount mount = rw.mount()) {
      assertEquals("mine", Files.readString(mount.path().resolve("changed")), when);
      assertEquals("base", Files.readString(mount.path().resolve("d/f")), when);
      assertFalse(Files.exists(mount.path().resolve("gone")), when);
      assertEquals(2, rw.changes().count(), when);
    }
  }

  /** Every layer that was registered gives its exact bytes. */
  public static void assertExports(LayerStore store, String when) throws IOException {
    for (LayerInfo info : store.layers()) {
      try (Layer layer = store.get(info.chainId());
          InputStream tar = layer.tarStream()) {
        byte[] exported = tar.readAllBytes();
        byte[] expected = CONTENT.get(info.chainId());
        if (expected != null) {
          assertArrayEquals(expected, exported, when);
        }
      }
    }
  }
}
