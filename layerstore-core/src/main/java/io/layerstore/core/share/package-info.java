/**
 * How many processes use one root at the same time: who has it open, what each of them holds, and
 * locks by key that end with their process. Knows nothing of layers.
 *
 * <p>Start at {@link io.layerstore.core.share.Party}; {@code docs/sharing.md} has the protocol to
 * the byte, and why each failure does no harm.
 */
@NullMarked
package io.layerstore.core.share;

import org.jspecify.annotations.NullMarked;
