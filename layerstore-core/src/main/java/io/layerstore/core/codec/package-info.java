/**
 * The compression of layer archives: undone, and done.
 *
 * <p>Start at {@code Decompression}; {@code Compressor} is the way back. Knows nothing of tar and
 * layers.
 */
@NullMarked
package io.layerstore.core.codec;

import org.jspecify.annotations.NullMarked;
