/**
 * Everything the overlay2 driver asks of the Linux kernel, through the native helper.
 *
 * <p>{@link io.layerstore.overlay2.linux.LinuxCalls} is the door; behind it each kind of work is a
 * conversation with a helper process of its own, in the frames that {@code docs/formats/helper.md}
 * describes.
 */
@NullMarked
package io.layerstore.overlay2.linux;

import org.jspecify.annotations.NullMarked;
