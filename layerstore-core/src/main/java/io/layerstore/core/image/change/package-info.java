/**
 * Changes to an image's configuration, written as Dockerfile instructions.
 *
 * <p>{@link io.layerstore.core.image.change.ConfigChanges} is the way in.
 */
@NullMarked
package io.layerstore.core.image.change;

import org.jspecify.annotations.NullMarked;
