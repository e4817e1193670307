/**
 * Splitting a layer's tar into file entries and raw bytes, and putting the identical bytes back
 * together.
 *
 * <p>Start at {@code Disassembler}. Knows nothing of drivers and stores: the contents of files come
 * through {@code FileGetter}.
 */
@NullMarked
package io.layerstore.core.tarsplit;

import org.jspecify.annotations.NullMarked;
