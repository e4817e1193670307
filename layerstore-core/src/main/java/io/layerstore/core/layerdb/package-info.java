/**
 * The file metadata store: Docker's {@code layerdb}.
 *
 * <p>Start at {@link io.layerstore.core.layerdb.FileMetadataStore}; {@link
 * io.layerstore.core.layerdb.LayerDbLayout} describes what is on disk.
 *
 * <p>Knows nothing of who holds a layer, and of the files of drivers.
 */
@NullMarked
package io.layerstore.core.layerdb;

import org.jspecify.annotations.NullMarked;
