package io.layerstore.registry;

import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import io.layerstore.LoadReport;
import io.layerstore.PullOptions;
import io.layerstore.RegistryOptions;
import java.nio.file.Path;
import java.util.Map;

/** Pulls an image, in a process of its own that others kill. */
final class PullMain {

  private PullMain() {}

  /**
   * Pulls the image {@code arguments[1]} into the root {@code arguments[0]}; prints how many layers
   * are new.
   */
  public static void main(String[] arguments) throws Exception {
    // What the kernel has received for a process that dies is lost, and not what is looked at here.
    System.setProperty("jdk.httpclient.receiveBufferSize", "16384");
    try (LayerStore store = open(Path.of(arguments[0]))) {
      LoadReport report = store.images().pull(ImageReference.parse(arguments[1]), options());
      System.out.println(report.images().get(0).newLayers().size());
    }
  }

  static LayerStore open(Path root) throws Exception {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE).open();
  }

  static PullOptions options() {
    return PullOptions.builder()
        .registry(
            RegistryOptions.builder()
                .environment(Map.of())
                .systemDirectory(Path.of("/nonexistent"))
                .build())
        .build();
  }
}
