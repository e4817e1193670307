/**
 * JSON as Go reads and writes it: values, structs that are filled from them, times.
 *
 * <p>Start at {@code JsonValue}. Knows nothing of layers, and of images only how a bad document is
 * reported.
 */
@NullMarked
package io.layerstore.core.json;

import org.jspecify.annotations.NullMarked;
