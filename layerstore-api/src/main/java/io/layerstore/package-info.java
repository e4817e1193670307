/**
 * Content-addressed file-system layers with read-write layers on top, stored as Docker's layer
 * store stores them.
 *
 * <p>Start at {@link io.layerstore.LayerStore}, which tells the life of a layer.
 */
@NullMarked
package io.layerstore;

import org.jspecify.annotations.NullMarked;
