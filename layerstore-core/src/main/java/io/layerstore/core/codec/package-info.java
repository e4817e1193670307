/** Undoing the compression of layer archives. */
@NullMarked
package io.layerstore.core.codec;

import org.jspecify.annotations.NullMarked;
