/** What the streams of this library have in common. */
@NullMarked
package io.layerstore.core.io;

import org.jspecify.annotations.NullMarked;
