/**
 * How several processes use one root at the same time: who has it open (participants), what each of
 * them holds (claims in its lease), and locks by key that end with their process. Knows nothing of
 * layers.
 *
 * <p>Start at {@link io.layerstore.core.share.Participant}; {@code docs/sharing.md} has the
 * protocol to the byte, and why each failure does no harm.
 */
@NullMarked
package io.layerstore.core.share;

import org.jspecify.annotations.NullMarked;
