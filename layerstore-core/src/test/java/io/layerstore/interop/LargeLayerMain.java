package io.layerstore.interop;

import io.layerstore.ArchiveException;
import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.testing.Sha256;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;

/**
 * Registers a {@link LargeLayer} in a store on disk, exports it, and prints three digests: of what
 * went in, the diff ID, and of what came out; or the limit that it exceeds. Run in a process of its
 * own with a small heap.
 */
final class LargeLayerMain {

  private LargeLayerMain() {}

  public static void main(String[] arguments) throws Exception {
    Path root = Path.of(arguments[0]);
    LargeLayer archive = LargeLayer.valueOf(arguments[1]);
    Path file = Path.of(arguments[2]);
    MessageDigest in = Sha256.start();
    try (LayerStore store = LayerStore.builder(root).driver("vfs").open();
        InputStream tar = new DigestInputStream(archive.open(file), in);
        Layer layer = store.register(tar, (ChainId) null);
        InputStream out = layer.tarStream()) {
      System.out.println(Sha256.text(in));
      System.out.println(layer.diffId());
      System.out.println(Sha256.of(out));
    } catch (ArchiveException e) {
      System.out.println(e.limitName().orElseThrow() + " " + e.limit().orElseThrow());
    }
  }
}
