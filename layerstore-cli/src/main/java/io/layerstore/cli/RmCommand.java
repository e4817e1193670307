package io.layerstore.cli;

import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code rm}: deletes a read-write layer, and nothing else. */
final class RmCommand extends Subcommand {
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");

  RmCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Delete a read-write layer and everything written to it. The layers below " + "it stay.");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    try (LayerStore store = layerstore().openToChange()) {
      try (RWLayer layer = store.getRWLayer(name)) {
        // In a process that ends right away nothing else holds the layer below, and it would be
        // deleted too.
        Optional<Layer> kept = parent(store, layer);
        try {
          store.releaseRWLayer(layer);
        } finally {
          kept.ifPresent(Layer::close);
        }
      }
      print(out -> out.line(name), json -> json.writeStringField("name", name));
    }
    return 0;
  }

  /**
   * A handle on the layer below; empty if there is none, or if it is damaged and the store does not
   * know it.
   */
  private static Optional<Layer> parent(LayerStore store, RWLayer layer)
      throws LayerStoreException {
    if (layer.parent().isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(store.get(layer.parent().get()));
    } catch (LayerNotFoundException e) {
      return Optional.empty();
    }
  }
}
