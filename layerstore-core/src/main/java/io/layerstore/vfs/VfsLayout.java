package io.layerstore.vfs;

import java.nio.file.Path;

/**
 * Where the driver keeps what below its home.
 *
 * @param home the driver's directory
 */
record VfsLayout(Path home) {

  /** The directory of all layers. */
  Path layers() {
    return home.resolve("dir");
  }

  /** The files of the layer {@code id}. */
  Path layer(String id) {
    return layers().resolve(id);
  }

  /** The directory of all records. */
  Path tables() {
    return home.resolve("attributes");
  }

  /** The records of the layer {@code id}. */
  Path table(String id) {
    return tables().resolve(id);
  }

  /** Which names are escaped; not there if none are. */
  NamesFile names() {
    return new NamesFile(home.resolve("names"));
  }

  /** Work in progress. */
  Path staging() {
    return home.resolve("staging");
  }
}
