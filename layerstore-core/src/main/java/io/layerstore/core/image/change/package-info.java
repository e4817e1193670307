/**
 * Changes to an image's configuration, written as Dockerfile instructions.
 *
 * <p>Start at {@link io.layerstore.core.image.change.ConfigChanges}.
 *
 * <p>Knows nothing of stores and files.
 */
@NullMarked
package io.layerstore.core.image.change;

import org.jspecify.annotations.NullMarked;
