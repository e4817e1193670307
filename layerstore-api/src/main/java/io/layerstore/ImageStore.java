package io.layerstore;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;

/**
 * The images of a layer store, kept as Docker keeps them: {@code imagedb}, {@code
 * repositories.json} and {@code distribution} beside the layer database. See {@link
 * LayerStore#images}.
 *
 * <p>An image is a configuration that names its layers. The store holds the top layer of every
 * image, so that its layers stay until the image is deleted. Images come in through {@link #load},
 * {@link #pull}, {@link #importRootFs}, {@link #commit} or {@link #create}, and go out through
 * {@link #save} and {@link #push}.
 *
 * <p>Safe for use by many threads. A damaged image is reported and left alone; the others can still
 * be used.
 */
public interface ImageStore {

  /**
   * Adds an image whose layers are in the store; one that exists is returned as it is.
   *
   * @param config the configuration, kept verbatim
   * @throws LayerNotFoundException if a layer is missing; nothing is added
   * @throws InvalidImageException if the configuration is no image configuration; nothing is added
   */
  Image create(byte[] config) throws LayerStoreException;

  /**
   * An image.
   *
   * @throws ImageNotFoundException if there is none of that id
   */
  Image get(ImageId id) throws LayerStoreException;

  /**
   * The image that {@code text} means: a reference, or the beginning of an id, with or without
   * {@code sha256:}. A reference wins over an id.
   *
   * @throws ImageNotFoundException if there is none
   * @throws AmbiguousIdException if the beginning fits several ids
   */
  Image resolve(String text) throws LayerStoreException;

  /**
   * All images at this moment, sorted by id. One whose configuration has become unreadable since
   * the store was opened is left out.
   */
  List<Image> list();

  /** The images whose parent is {@code id}, sorted by id. */
  List<Image> children(ImageId id) throws LayerStoreException;

  /**
   * Records which image another was made from.
   *
   * @throws ImageNotFoundException if one of them is missing
   * @throws IllegalArgumentException if {@code parent} is the image itself or was made from it
   */
  void setParent(ImageId id, ImageId parent) throws LayerStoreException;

  /**
   * Deletes an image with its references, and the layers that nothing else holds. Images made from
   * it lose their parent.
   *
   * <p>An image is needed if others were made from it, if read-write layers stand on its top layer,
   * or if it has several references: more than one tag, or references in more than one repository.
   *
   * @param force whether to delete it although images were made from it or it has several
   *     references; layers below read-write layers stay in any case
   * @return the layers that were deleted, child before parent
   * @throws ImageInUseException if something needs it and {@code force} is not set; nothing is
   *     deleted
   */
  List<LayerInfo> delete(ImageId id, boolean force) throws LayerStoreException;

  /**
   * The manifests of an image, and the indexes that it came in, newest first: the bytes that were
   * pulled, or loaded from an OCI layout. They go with the image. Empty for an image that came
   * otherwise; of many only the newest are kept.
   *
   * @throws ImageNotFoundException if there is none of that id
   */
  List<ImageManifest> manifests(ImageId id) throws LayerStoreException;

  /** The names of images. */
  ReferenceStore references();

  /** What is known about compressed forms of layers in registries. */
  DistributionMetadata distribution();

  /** The files of an image with {@link ViewOptions#DEFAULT}. */
  default FileSystem fileSystem(String image) throws LayerStoreException {
    return fileSystem(image, ViewOptions.DEFAULT);
  }

  /**
   * Shows the files of an image as a file system to read; see {@link
   * Layer#fileSystem(ViewOptions)}. An image that is in no store has one too: {@link
   * ImageSource#fileSystem(ViewOptions)}.
   *
   * <pre>{@code
   * try (FileSystem files = store.images().fileSystem("alpine:3");
   *     Stream<Path> all = Files.walk(files.getPath("/"))) {
   *   all.filter(path -> path.toString().endsWith(".jar")).forEach(System.out::println);
   * }
   * }</pre>
   *
   * @param image a reference or an id, as {@link #resolve} takes it
   * @return an open file system; it holds the layers until it is closed, at the latest by the store
   * @throws ImageNotFoundException if there is none
   * @throws LayerNotFoundException if one of its layers is missing
   */
  FileSystem fileSystem(String image, ViewOptions options) throws LayerStoreException;

  /** Loads the archive in a file, or the layout in a directory, whichever {@code path} is. */
  default LoadReport load(Path path) throws IOException {
    return load(ImageSource.of(path), LoadOptions.DEFAULT);
  }

  /**
   * Adds the images of an archive: docker-archive (with or without manifest), OCI layout, what
   * skopeo writes as {@code dir:}; as a directory or a tar, compressed as a whole or layer by
   * layer.
   *
   * <p>If a layout offers an image for several platforms, the one for this machine, or the one
   * asked for, is added; or all, of which that one gets the name. Anything that is not an image
   * (signatures, attestations, charts) or is for another platform is left out; the report says why.
   * If several images claim the same name, the last one in the archive gets it.
   *
   * <p>Nothing is published before all layers are verified against the configurations. After a
   * failure no new layer, image or reference remains.
   *
   * @throws InvalidImageException if it is no image archive, contradicts itself, or has no image to
   *     add; or if a name is given and not exactly one image lacks one
   * @throws IllegalArgumentException if the given name is a digest; nothing has been read
   */
  LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException;

  /** Pulls an image for this machine; see {@link #pull(ImageReference, PullOptions)}. */
  default LoadReport pull(ImageReference reference) throws LayerStoreException {
    return pull(reference, PullOptions.DEFAULT);
  }

  /**
   * Pulls an image from its registry, as {@code docker pull} does; all of its tags if the options
   * say so. Layers that the store has are not fetched. Layers are unpacked while they arrive, and
   * nothing is visible before manifest, configuration and layers are verified. Then the tag, and
   * the digest that it names in the registry, name the image here.
   *
   * <p>Needs {@code layerstore-registry} on the path. What arrived of a blob before a failure is
   * kept in this store for a while, and the next pull resumes there.
   *
   * @throws RegistryException if the registry does not give it; its kind says why
   * @throws InvalidImageException if it is not an image, or not for the platform asked for
   * @throws LayerStoreException if that module is missing, or something cannot be written; no new
   *     layer, image or reference remains
   */
  LoadReport pull(ImageReference reference, PullOptions options) throws LayerStoreException;

  /** Pushes an image; see {@link #push(List, ImageReference, PushOptions)}. */
  default PushReport push(String image, ImageReference target, PushOptions options)
      throws LayerStoreException {
    return push(List.of(image), target, options);
  }

  /**
   * Pushes an image to a registry, as {@code docker push} does, or several for different platforms
   * under one tag. Layers that the registry has are not sent, whether in this repository or in
   * another one that it can mount them from. Manifest and index are the bytes that the images came
   * with, if the registry has their layers, or they can be compressed to the same bytes.
   *
   * <p>Needs {@code layerstore-registry} on the path.
   *
   * @param images references or ids, as {@link #resolve} takes them
   * @param target the tag they get there
   * @throws RegistryException if the registry does not take it; its kind says why. Layers that were
   *     sent may stay there, unused
   * @throws ImageNotFoundException if there is no such image
   * @throws InvalidImageException if two of them are for one platform, or one is not here for the
   *     platform that is asked for
   */
  PushReport push(List<String> images, ImageReference target, PushOptions options)
      throws LayerStoreException;

  /** Looks at an image in its registry, as this machine is set up to reach it. */
  default RemoteImage remote(ImageReference reference) throws LayerStoreException {
    return remote(reference, RegistryOptions.DEFAULT);
  }

  /**
   * Looks at an image in its registry, without pulling it: manifests, platforms, configurations,
   * sizes. Its files can be read from there, too: {@link RemoteImage#fileSystem(ViewOptions)}.
   *
   * <p>Needs {@code layerstore-registry} on the path.
   *
   * @throws RegistryException if the registry does not give it; its kind says why
   */
  RemoteImage remote(ImageReference reference, RegistryOptions options) throws LayerStoreException;

  /** Writes the image {@code image}, a reference or an id, into the tar {@code file}. */
  default SaveReport save(String image, Path file) throws LayerStoreException {
    return save(List.of(image), ImageTarget.file(file), SaveOptions.DEFAULT);
  }

  /**
   * Writes images as one archive or directory; shared layers are written once. The same images and
   * options give the same bytes.
   *
   * @param images references or ids, as {@link #resolve} takes them; a repository without tag means
   *     all its tags
   * @throws ImageNotFoundException if there is no such image
   * @throws InvalidImageException if the format cannot express it, if two of an index are for one
   *     platform, or one is not here for the platform that is asked for
   */
  SaveReport save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException;

  /**
   * Makes an image with one layer from the archive of a root file system, as {@code docker import}
   * does. A tag that names another image is moved.
   *
   * @throws IllegalArgumentException if a change or the time is not valid; nothing has been read
   * @throws InvalidImageException if the platform is not Linux; nothing has been read
   * @throws LayerStoreException if the archive is refused, or something cannot be written; no
   *     layer, image or reference remains
   */
  Image importRootFs(LayerSource rootFs, ImportOptions options) throws LayerStoreException;

  /**
   * Makes an image of a base and layers that are made of files, or of archives. Each layer makes a
   * step of history; without layers the image differs in how it is run. A tag that names another
   * image is moved. Layers of the base are not copied.
   *
   * <pre>{@code
   * Image image =
   *     store
   *         .images()
   *         .build(
   *             BuildOptions.builder()
   *                 .base("debian:12")
   *                 .layer(LayerContent.builder().tree("app", Path.of("build/app")).build())
   *                 .entrypoint("/app/run")
   *                 .reference(ImageReference.parse("mine:1"))
   *                 .build());
   * }</pre>
   *
   * @throws ImageNotFoundException if there is no such base; nothing has been read
   * @throws IllegalArgumentException if a change is not valid; nothing has been read
   * @throws LayerStoreException if a layer is refused, or something cannot be read or written; no
   *     layer, image or reference remains
   */
  Image build(BuildOptions options) throws LayerStoreException;

  /** Commits a read-write layer as an image called {@code reference}. */
  default Image commit(RWLayer rwLayer, ImageReference reference) throws LayerStoreException {
    return commit(rwLayer, CommitImageOptions.builder().reference(reference).build());
  }

  /**
   * Makes an image from the changes of a read-write layer, as {@code docker commit} does. The
   * read-write layer stays usable; a tag that names another image is moved.
   *
   * <p>The configuration is the parent's with the changes, one more history step and one more
   * layer; if no file has changed, the step is empty and there is no new layer. Without a parent
   * image the layers below are used as they are.
   *
   * @throws IllegalArgumentException if a change or the time is not valid, if the read-write layer
   *     does not stand on the parent, or if it is of another store; nothing has been read
   * @throws ImageNotFoundException if there is no such parent
   * @throws LayerStoreException if several images may be the parent and none is named, or if
   *     something cannot be read or written; no layer, image or reference remains
   */
  Image commit(RWLayer rwLayer, CommitImageOptions options) throws LayerStoreException;

  /** The disk space that images and layers take. */
  DiskUsage diskUsage() throws LayerStoreException;

  /**
   * What {@link #prune} would delete.
   *
   * <p>An image is deleted only together with all images made from it. As long as an image on disk
   * cannot be read, layers without an image stay, since they may belong to it.
   */
  PrunePlan planPrune(PruneOptions options) throws LayerStoreException;

  /**
   * Deletes what {@code plan} names, unless something refers to it by now. Everything else stays.
   *
   * <p>If something cannot be deleted, the rest still is, and the report says what {@linkplain
   * PruneReport#failed() failed}.
   *
   * @throws LayerStoreException if the store is read-only; nothing was deleted
   */
  PruneReport prune(PrunePlan plan) throws LayerStoreException;

  /** Deletes what {@link #planPrune} finds at this moment; see {@link #prune(PrunePlan)}. */
  default PruneReport prune(PruneOptions options) throws LayerStoreException {
    return prune(planPrune(options));
  }

  /** The images that could not be used when the store was opened, and why. */
  RecoveryReport recoveryReport();
}
