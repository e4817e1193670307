/** The layer store: what {@code LayerStore.open} finds. */
@NullMarked
package io.layerstore.core;

import org.jspecify.annotations.NullMarked;
