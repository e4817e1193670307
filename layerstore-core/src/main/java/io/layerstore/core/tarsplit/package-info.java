/**
 * Splitting a layer's tar into file entries and raw bytes, and putting the identical bytes back
 * together.
 */
@NullMarked
package io.layerstore.core.tarsplit;

import org.jspecify.annotations.NullMarked;
