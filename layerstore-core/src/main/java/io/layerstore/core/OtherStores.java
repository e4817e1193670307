package io.layerstore.core;

import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.state.Sharing;
import io.layerstore.spi.DriverContext;
import java.util.List;

/** What a driver is told of the other stores on its root. */
record OtherStores(Sharing sharing) implements DriverContext.Others {

  @Override
  public boolean arePresent() {
    return !sharing.isFirst();
  }

  @Override
  public boolean areMany() {
    return sharing.hasOthers();
  }

  @Override
  public List<String> mounting(String id) {
    return sharing.holders(ClaimKind.MOUNT, id);
  }
}
