/**
 * JSON as Go reads and writes it.
 *
 * <p>Start at {@code JsonValue}. Knows nothing of images and layers.
 */
@NullMarked
package io.layerstore.core.json;

import org.jspecify.annotations.NullMarked;
