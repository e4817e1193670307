/**
 * Content-addressed file-system layers with read-write layers on top, stored as Docker's layer
 * store stores them.
 *
 * <p>Start at {@link io.layerstore.LayerStore}, which tells the life of a layer.
 *
 * <p>Knows nothing of what implements it, which is found at run time: {@code io.layerstore.spi} is
 * for those who write that.
 */
@NullMarked
package io.layerstore;

import org.jspecify.annotations.NullMarked;
