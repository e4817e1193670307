/**
 * What a graph driver or a metadata store implements; application code does not need this package.
 *
 * <p>Drivers work on trees, never on tar: the store parses each archive once and drives a {@link
 * io.layerstore.spi.TreeWriter}; in the other direction a {@link io.layerstore.spi.TreeReader}
 * gives entries and the store writes the archive.
 *
 * <p>What may be absent is null here, and marked so: there is a {@link io.layerstore.spi.TreeEntry}
 * for every file of a layer, and its records are made without wrappers.
 *
 * <p>Start at {@code GraphDriver}. Knows nothing of archives, images and the tables of a store.
 */
@NullMarked
package io.layerstore.spi;

import org.jspecify.annotations.NullMarked;
