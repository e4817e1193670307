/**
 * How work is done: on which thread, side by side or in the background, and what an interrupt does
 * to it. Knows nothing of layers.
 *
 * <p>Start at {@code CriticalWork}.
 */
@NullMarked
package io.layerstore.core.work;

import org.jspecify.annotations.NullMarked;
