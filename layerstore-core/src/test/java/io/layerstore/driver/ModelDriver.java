package io.layerstore.driver;

import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.testing.TreeModel;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Shows models as layers; all it can do is {@link GraphDriver#tree}. Counts the trees in use. */
final class ModelDriver {

  private final Map<String, LayerTree> trees = new HashMap<>();
  private int openTrees;

  ModelDriver add(String id, TreeModel model) {
    return add(id, model.tree());
  }

  ModelDriver add(String id, LayerTree tree) {
    trees.put(id, tree);
    return this;
  }

  int openTrees() {
    return openTrees;
  }

  GraphDriver driver() {
    return (GraphDriver)
        Proxy.newProxyInstance(
            GraphDriver.class.getClassLoader(),
            new Class<?>[] {GraphDriver.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("tree")) {
                return tree((String) arguments[0]);
              }
              throw new UnsupportedOperationException(method.getName());
            });
  }

  private LayerTree tree(String id) throws LayerStoreException {
    LayerTree tree = trees.get(id);
    if (tree == null) {
      throw new DriverException("model", id, "no such layer", null);
    }
    openTrees++;
    return new Counted(tree);
  }

  private final class Counted implements LayerTree {
    private final LayerTree tree;
    private boolean isClosed;

    Counted(LayerTree tree) {
      this.tree = tree;
    }

    @Override
    public Optional<Node> find(LayerPath path) throws LayerStoreException {
      return tree.find(path);
    }

    @Override
    public List<Node> list(LayerPath path) throws LayerStoreException {
      return tree.list(path);
    }

    @Override
    public InputStream open(Node node) throws LayerStoreException {
      return tree.open(node);
    }

    @Override
    public void close() {
      if (!isClosed) {
        isClosed = true;
        openTrees--;
      }
    }
  }
}
