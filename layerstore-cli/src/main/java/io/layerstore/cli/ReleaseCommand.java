package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code release}: deletes a layer nobody uses, with the layers below that nobody uses then. */
final class ReleaseCommand extends Subcommand {
  private final PositionalParamSpec chainParameter = parameter("CHAIN", "The layer's chain ID.");

  ReleaseCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Delete a layer that nothing uses, and each layer below it that nothing uses any more.",
        "Prints the chain IDs of the deleted layers. Refuses to delete a layer that is in use, "
            + "and says by what.");
  }

  @Override
  public Integer call() throws IOException {
    String chain = chainParameter.getValue();
    try (LayerStore store = layerstore().openToChange()) {
      List<LayerInfo> deleted = release(store, store.resolve(chain));
      print(
          out -> {
            for (LayerInfo layer : deleted) {
              out.line(layer.chainId().toString());
            }
          },
          json -> Show.deleted(json, deleted));
    }
    return 0;
  }

  private static List<LayerInfo> release(LayerStore store, ChainId chainId)
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
