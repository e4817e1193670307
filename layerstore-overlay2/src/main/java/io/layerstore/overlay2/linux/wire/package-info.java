/**
 * Talking to the helper: the server of a store, the processes that it forks, frames, questions and
 * answers, and what becomes of them when either side goes wrong.
 *
 * <p>Start at {@link io.layerstore.overlay2.linux.wire.HelperServer#start}, which begins a
 * conversation with a confined process.
 *
 * <p>Knows nothing of layers, only what {@code docs/formats/helper.md} says of every conversation.
 */
@NullMarked
package io.layerstore.overlay2.linux.wire;

import org.jspecify.annotations.NullMarked;
