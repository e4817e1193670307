/**
 * Blobs on their way from a registry: fetched side by side into files that outlive a failure, and
 * read while they come.
 *
 * <p>Start at {@code BlobDownloads}. Knows nothing of images, layers and HTTP: what a blob is for
 * is its reader's, and how it is fetched that of {@link io.layerstore.spi.RegistryRepository}.
 */
@NullMarked
package io.layerstore.core.image.download;

import org.jspecify.annotations.NullMarked;
