package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.IdMaps;

/**
 * The user namespace of all helpers: the one that was asked for or, if that may be and the first
 * helper does not get its ids, one of the user alone.
 *
 * <p>Safe for use by many threads. What one helper got, all others get, or fail.
 */
final class NamespaceChoice {

  /** Starts a helper. */
  @FunctionalInterface
  interface Start {
    HelperProcess in(UserNamespace namespace) throws LayerStoreException;
  }

  private UserNamespace namespace;
  private boolean isSettled;

  /**
   * Nothing was tried yet.
   *
   * @param isPreferred whether the user's own id will do where there are no others
   */
  NamespaceChoice(UserNamespace namespace, boolean isPreferred) {
    this.namespace = namespace;
    this.isSettled = !isPreferred || !namespace.hasRanges();
  }

  /** The namespace as far as is known. */
  synchronized UserNamespace likely() {
    return namespace;
  }

  /** Whether helpers are known to work in it. */
  synchronized boolean isSettled() {
    return isSettled;
  }

  /** Starts a helper in the namespace. */
  HelperProcess start(Start start) throws LayerStoreException {
    if (isSettled()) {
      return start.in(likely());
    }
    return startFirst(start);
  }

  /** One at a time, until it is known what works. */
  private synchronized HelperProcess startFirst(Start start) throws LayerStoreException {
    if (isSettled) {
      return start.in(namespace);
    }
    HelperProcess helper;
    try {
      helper = start.in(namespace);
    } catch (IdMaps.FailureException e) {
      UserNamespace alone = UserNamespace.ofUser(String.valueOf(e.getMessage()));
      helper = start.in(alone);
      namespace = alone;
    }
    isSettled = true;
    return helper;
  }
}
