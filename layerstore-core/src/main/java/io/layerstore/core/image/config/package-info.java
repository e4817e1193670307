/**
 * Image configurations: read as Go fills a struct, checked for what dockerd needs, written as
 * dockerd writes them.
 *
 * <p>Start at {@link io.layerstore.core.image.config.ImageConfigReader}. Knows nothing of where
 * configurations are kept.
 */
@NullMarked
package io.layerstore.core.image.config;

import org.jspecify.annotations.NullMarked;
