/** JSON as Go reads and writes it. */
@NullMarked
package io.layerstore.core.json;

import org.jspecify.annotations.NullMarked;
