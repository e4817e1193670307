/**
 * What a dockerd keeps in its data root beside the layer database and the images, as far as it
 * refers to these: the records of containers, and the cache of BuildKit.
 *
 * <p>Start at {@code BuildKitCache}. Knows nothing of the tables of a store: it is asked about
 * chain IDs and image IDs, and answers in words.
 */
@NullMarked
package io.layerstore.core.docker;

import org.jspecify.annotations.NullMarked;
