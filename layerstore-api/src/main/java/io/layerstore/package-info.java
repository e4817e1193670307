/**
 * Content-addressed file-system layers with read-write layers on top, stored as Docker's layer
 * store stores them; and images, which are made of layers.
 *
 * <p>Start at {@link io.layerstore.LayerStore}, which tells the life of a layer.
 *
 * <h2>Glossary</h2>
 *
 * <dl>
 *   <dt>layer
 *   <dd>A change to a file system, made from an archive and never changed after that. It stands on
 *       its parent, or on nothing, and shows the files of all layers below with its own change.
 *   <dt>diff ID
 *   <dd>The digest of a layer's uncompressed archive: what the layer changes.
 *   <dt>chain, chain ID
 *   <dd>A layer with all those below it; the digest of their diff IDs in order. It names a layer in
 *       a store: the same diff on two parents is two layers.
 *   <dt>cache ID, mount ID, init ID
 *   <dd>The names, in the graph driver, of the files of a layer, of a read-write layer, and of what
 *       an initializer put below a read-write layer; Docker's words. Random, and of no meaning
 *       elsewhere.
 *   <dt>read-write layer
 *   <dd>A layer with a name that can be changed, on top of a chain. Committing it makes a layer of
 *       its changes.
 *   <dt>mount
 *   <dd>The files of a layer or read-write layer made visible in a directory, for as long as a
 *       {@link io.layerstore.Mount} is open. {@link io.layerstore.Mount#path()} is that directory.
 *       What the kernel makes of it, if anything, is called a kernel mount.
 *   <dt>image
 *   <dd>A configuration, and the chain of layers that it names. Its ID is the digest of the
 *       configuration.
 *   <dt>handle
 *   <dd>What a caller holds of something in a store, such as a {@link io.layerstore.Layer}. It
 *       keeps that from being deleted until it is closed; closing deletes nothing but what is
 *       temporary.
 *   <dt>driver, graph driver
 *   <dd>What keeps the files of layers and mounts them, in one of several ways. It knows only its
 *       own IDs.
 *   <dt>root
 *   <dd>The directory that a store is in. The root directory of a layer is always called that.
 * </dl>
 *
 * <p>What may be absent is {@link java.util.Optional} where it is returned, and may be null where
 * it is given and marked so. Options are immutable and made with a builder. Misuse is unchecked;
 * all else that can go wrong is a {@link io.layerstore.LayerStoreException}.
 *
 * <p>Knows nothing of what implements it, which is found at run time: {@code io.layerstore.spi} is
 * for those who write that.
 */
@NullMarked
package io.layerstore;

import org.jspecify.annotations.NullMarked;
