/**
 * Undoing the compression of layer archives.
 *
 * <p>Start at {@code Decompression}. Knows nothing of tar and layers.
 */
@NullMarked
package io.layerstore.core.codec;

import org.jspecify.annotations.NullMarked;
