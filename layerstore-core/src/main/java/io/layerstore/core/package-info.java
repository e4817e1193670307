/**
 * The layer store: what {@code LayerStore.open} finds.
 *
 * <p>Start at {@code DefaultLayerStoreProvider}. Knows nothing of how a layer is made or read: it
 * opens a store, chooses its driver, and hands every call to those who do.
 */
@NullMarked
package io.layerstore.core;

import org.jspecify.annotations.NullMarked;
