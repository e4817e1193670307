/**
 * Everything the overlay2 driver asks of the Linux kernel, through the native helper.
 *
 * <p>Start at {@link io.layerstore.overlay2.linux.LinuxCalls}, the door; behind it each kind of
 * work is a conversation with a helper process of its own, begun and held in {@code wire}.
 *
 * <p>Knows nothing of layers on layers: it is told directories and links.
 */
@NullMarked
package io.layerstore.overlay2.linux;

import org.jspecify.annotations.NullMarked;
