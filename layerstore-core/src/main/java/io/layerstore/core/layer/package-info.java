/**
 * The way of a layer: in from an archive, published, read, mounted, and deleted.
 *
 * <p>Start at {@link io.layerstore.core.layer.LayerRegistration}. Knows nothing of the formats of
 * images.
 */
@NullMarked
package io.layerstore.core.layer;

import org.jspecify.annotations.NullMarked;
