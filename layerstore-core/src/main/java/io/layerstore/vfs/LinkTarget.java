package io.layerstore.vfs;

import io.layerstore.LayerPath;
import io.layerstore.driver.rooted.Look;
import io.layerstore.vfs.record.TrueEntry;
import java.nio.file.Path;

/**
 * An existing entry that a hard link is to name.
 *
 * @param real where it is, without links
 * @param file the same on the file system
 * @param look what it looked like in its directory
 * @param entry what it truly is
 */
record LinkTarget(LayerPath real, Path file, Look look, TrueEntry entry) {}
