/**
 * Image archives: reading what Docker, skopeo, buildah, umoci and others write, and writing what
 * they read.
 *
 * <p>{@code ImageLoad} is the way in. It opens the archive as a set of named members ({@code
 * Members}: a directory, a tar file read in place, or a stream), finds out which images it holds
 * ({@code Contents}), has the layers that are missing unpacked side by side, and publishes all of
 * it or nothing. {@code ImageSave} is the way out: it works out what is to be written ({@code
 * LayoutDocuments}), and writes it as a tar or a directory ({@code LayoutWriter}).
 *
 * <p>{@code ImagePull} and {@code ImagePush} do the same with registries. {@code RemoteView} and
 * {@code RemoteSave} read an image of a registry without a store. Images that are one for several
 * platforms are found together by {@code PlatformVariants}, and get the index they came in if
 * {@code KeptIndexes} finds that it is still true.
 *
 * <p>Nothing in an archive is trusted. Names lead nowhere but to its own members, documents are
 * bounded and read strictly, and content counts only after its digest was checked.
 *
 * <p>Start at {@code ImageLoad}. Knows nothing of the files of layers and of drivers: layers go
 * through {@code ArchiveLayers}.
 */
@NullMarked
package io.layerstore.core.image.archive;

import org.jspecify.annotations.NullMarked;
