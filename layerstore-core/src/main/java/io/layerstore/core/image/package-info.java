/**
 * The image store: Docker's {@code imagedb}, {@code repositories.json} and {@code distribution}
 * beside a layer database.
 *
 * <p>Start at {@link io.layerstore.core.image.DefaultImageStore}; {@link
 * io.layerstore.core.image.LayerAccess} is what it needs of the layer store.
 *
 * <p>Knows nothing of the files of layers and of tar.
 */
@NullMarked
package io.layerstore.core.image;

import org.jspecify.annotations.NullMarked;
