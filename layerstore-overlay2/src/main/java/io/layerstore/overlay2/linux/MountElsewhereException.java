package io.layerstore.overlay2.linux;

import io.layerstore.MountBusyException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Other processes use a mount of the layer in another mount namespace, where it cannot be shared.
 */
public final class MountElsewhereException extends MountBusyException {

  private static final long serialVersionUID = 1L;

  /** Carries the facts. */
  public MountElsewhereException(String id, @Nullable Throwable cause) {
    super(id, List.of("a process in another mount namespace"), cause);
  }
}
