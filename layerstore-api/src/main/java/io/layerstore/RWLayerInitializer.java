package io.layerstore;

import java.io.IOException;

/**
 * Code that fills the init layer of a new read-write layer, as Docker does for {@code /etc/hosts}
 * and its like.
 *
 * <p>What it writes is part of what the read-write layer starts from, so it appears neither in its
 * changes nor in its size.
 */
@FunctionalInterface
public interface RWLayerInitializer {

  /**
   * Runs once, while the read-write layer is created.
   *
   * @param root the mounted init layer with the files of the layers below; usable until this
   *     returns
   * @throws IOException to refuse: nothing of the read-write layer remains
   */
  void initialize(RootDirectory root) throws IOException;
}
