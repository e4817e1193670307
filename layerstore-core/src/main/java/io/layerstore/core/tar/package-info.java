/**
 * Layer archives: from tar bytes to entries and back.
 *
 * <p>Start at {@link io.layerstore.core.tar.TarReader}, which parses; {@link
 * io.layerstore.core.tar.EntryMapper} decides what an entry means for a layer and refuses what a
 * layer must not hold, {@link io.layerstore.core.tar.LayerPacker} writes. None of them touches a
 * file system, and none keeps more than one entry in memory.
 *
 * <p>Knows nothing of stores and drivers.
 */
@NullMarked
package io.layerstore.core.tar;

import org.jspecify.annotations.NullMarked;
