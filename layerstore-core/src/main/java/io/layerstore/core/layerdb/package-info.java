/**
 * The file metadata store: Docker's {@code layerdb}.
 *
 * <p>{@link io.layerstore.core.layerdb.LayerDbLayout} describes what is on disk, {@link
 * io.layerstore.core.layerdb.FileMetadataStore} is the way in.
 */
@NullMarked
package io.layerstore.core.layerdb;

import org.jspecify.annotations.NullMarked;
