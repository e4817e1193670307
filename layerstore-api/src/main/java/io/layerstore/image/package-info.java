/**
 * Images on top of layers: a configuration that names a chain of layers, and references that name
 * images.
 *
 * <p>Start at {@link io.layerstore.image.ImageStore}.
 */
@NullMarked
package io.layerstore.image;

import org.jspecify.annotations.NullMarked;
