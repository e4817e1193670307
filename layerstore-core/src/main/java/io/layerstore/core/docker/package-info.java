/**
 * What a dockerd keeps in its data root beside the layer database and the images, as far as it
 * refers to these: the records of containers, and the cache of BuildKit.
 */
@NullMarked
package io.layerstore.core.docker;

import org.jspecify.annotations.NullMarked;
