package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerMetadata;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code release}: deletes a layer nobody uses, with the layers below that nobody uses then. */
@Command(
    name = "release",
    description = {
      "Delete a layer that nothing stands on, and each layer below it that nothing stands on any more.",
      "Prints the chain IDs of what was deleted. Refuses a layer that is in use, and says by whom."
    })
final class ReleaseCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Parameters(paramLabel = "CHAIN", description = "The layer's chain ID.")
  private String chain = "";

  ReleaseCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore.openToWrite()) {
      List<LayerMetadata> deleted = release(store, store.resolve(chain));
      layerstore
          .output()
          .print(
              out -> {
                for (LayerMetadata layer : deleted) {
                  out.line(layer.chainId().toString());
                }
              },
              json -> Show.deleted(json, deleted));
    }
    return 0;
  }

  private static List<LayerMetadata> release(LayerStore store, ChainId chainId)
      throws LayerStoreException {
    try (Layer layer = store.get(chainId)) {
      String users = Show.users(layer.usage());
      if (!users.isEmpty()) {
        throw new LayerStoreException(
            "layer "
                + Show.shortId(chainId)
                + " is used by "
                + users
                + "; release or remove that first");
      }
      return store.release(layer);
    }
  }
}
