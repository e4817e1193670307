/**
 * The image store: Docker's {@code imagedb}, {@code repositories.json} and {@code distribution}
 * beside a layer database.
 *
 * <p>{@link io.layerstore.core.image.DefaultImageStore} is the way in, {@link
 * io.layerstore.core.image.LayerAccess} what it needs of the layer store.
 */
@NullMarked
package io.layerstore.core.image;

import org.jspecify.annotations.NullMarked;
