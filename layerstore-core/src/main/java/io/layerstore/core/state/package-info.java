/**
 * The state of one open store, which layers and images share: who holds its root, what it knows and
 * who holds that, and how this is loaded and mended when it is opened.
 *
 * <p>Start at {@link io.layerstore.core.state.StoreContext}, which lists the locks. Knows nothing
 * of archives and images.
 */
@NullMarked
package io.layerstore.core.state;

import org.jspecify.annotations.NullMarked;
