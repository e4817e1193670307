package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/** Looks at a tree through a helper process that sees nothing else. */
final class ScanHelper implements TreeScan {

  private final HelperProcess helper;

  ScanHelper(HelperProcess helper) {
    this.helper = helper;
  }

  @Override
  public NodeReader scan(LayerPath directory, boolean withContent, XattrChoice xattrs)
      throws LayerStoreException {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<TreeNode> list(LayerPath directory, XattrChoice xattrs) throws LayerStoreException {
    throw new UnsupportedOperationException();
  }

  @Override
  public Optional<TreeNode> find(LayerPath path, XattrChoice xattrs) throws LayerStoreException {
    throw new UnsupportedOperationException();
  }

  @Override
  public InputStream open(LayerPath path, long sizeBytes, boolean followsLinks)
      throws LayerStoreException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    helper.close();
  }
}
