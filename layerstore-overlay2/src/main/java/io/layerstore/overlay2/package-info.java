/** The {@code overlay2} graph driver. */
@NullMarked
package io.layerstore.overlay2;

import org.jspecify.annotations.NullMarked;
