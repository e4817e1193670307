/**
 * Layers and images as a {@code java.nio.file.FileSystem} to read, without a mount.
 *
 * <p>Start at {@code LayerIndexer}, which makes an {@code Index} of the headers of layers, and at
 * {@code ViewFileSystem}, which shows it. What a layer holds is taken from its archive alone; the
 * files of a driver give nothing but contents. Layers that must be fetched come through {@code
 * OnDemand}. Knows nothing of stores and drivers, image archives and how they are opened.
 */
@NullMarked
package io.layerstore.core.view;

import org.jspecify.annotations.NullMarked;
