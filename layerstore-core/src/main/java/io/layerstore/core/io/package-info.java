/**
 * What the streams of this library have in common.
 *
 * <p>Start at {@code MadeStream}. Knows nothing of what the bytes are.
 */
@NullMarked
package io.layerstore.core.io;

import org.jspecify.annotations.NullMarked;
