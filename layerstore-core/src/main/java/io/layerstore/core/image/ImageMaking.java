package io.layerstore.core.image;

import io.layerstore.BuildOptions;
import io.layerstore.ChainId;
import io.layerstore.CommitImageOptions;
import io.layerstore.CommitOptions;
import io.layerstore.DiffId;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.core.docker.ContainerRecords;
import io.layerstore.core.image.config.ConfigWriter;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.driver.Closing;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes images: of a root file system, as {@code docker import} does, and of the changes of a
 * read-write layer, as {@code docker commit} does.
 *
 * <p>Whatever the caller asks for is checked before a byte is read. After a failure no new layer,
 * image or reference remains.
 */
final class ImageMaking {

  private static final String IMPORT_COMMENT = "Imported from -";

  private final LayerAccess access;
  private final ImageTable table;
  private final ImageCatalog catalog;
  private final ImageCreation creation;
  private final ImageDeletion deletion;
  private final DefaultReferenceStore references;
  private final ContainerRecords containers;

  ImageMaking(
      LayerAccess access,
      ImageTable table,
      ImageCatalog catalog,
      ImageCreation creation,
      ImageDeletion deletion,
      DefaultReferenceStore references,
      ContainerRecords containers) {
    this.access = access;
    this.table = table;
    this.catalog = catalog;
    this.creation = creation;
    this.deletion = deletion;
    this.references = references;
    this.containers = containers;
  }

  /** Makes an image of one layer. */
  ImageNode importRootFs(LayerSource rootFs, ImportOptions options) throws LayerStoreException {
    ImageReference tag = requireTag(options.reference().orElse(null));
    ConfigWriter config =
        new ConfigWriter(
            Obj.EMPTY, List.of(), options.changes(), options.created().orElseGet(Instant::now));
    Platform platform = options.platform().orElse(null);
    if (platform != null) {
      requireLinux(platform);
      config.setPlatform(platform);
    }
    String comment = options.message().filter(text -> !text.isEmpty()).orElse(IMPORT_COMMENT);
    config.setComment(comment);
    config.addHistory(null, null, comment, false);
    Set<ChainId> before = chainIds();
    RegisterOptions registerOptions =
        RegisterOptions.builder().progress(options.progress().orElse(null)).build();
    Layer layer = access.register(rootFs, registerOptions, title(tag));
    config.addLayer(layer.diffId());
    return publish(config.toBytes(), null, tag, layer, before);
  }

  private static void requireLinux(Platform platform) throws InvalidImageException {
    if (!platform.os().equalsIgnoreCase(ImageConfigReader.OS)) {
      throw new InvalidImageException(
          "an image for the operating system "
              + platform.os()
              + " cannot be made here; the layers of this store are for "
              + ImageConfigReader.OS);
    }
  }

  /** Makes an image of the changes of a read-write layer. */
  ImageNode commit(RWLayer rwLayer, CommitImageOptions options) throws LayerStoreException {
    if (!access.owns(rwLayer)) {
      throw new IllegalArgumentException("not a handle of this store: " + rwLayer);
    }
    ImageReference tag = requireTag(options.reference().orElse(null));
    ChainId ground = rwLayer.parent().orElse(null);
    ImageNode parent = parent(rwLayer, ground, options.parent().orElse(null));
    String author = options.author().orElse(null);
    ConfigWriter config =
        new ConfigWriter(
            parent == null ? Obj.EMPTY : document(parent),
            parent == null ? diffIds(ground) : catalog.content(parent).config().diffIds(),
            options.changes(),
            options.created().orElseGet(Instant::now));
    config.setAuthor(author);
    Set<ChainId> before = chainIds();
    CommitOptions commitOptions =
        CommitOptions.builder()
            .progress(options.progress().orElse(null))
            .latestTime(options.latestTime().orElse(null))
            .build();
    Layer layer = access.commit(rwLayer, commitOptions, title(tag));
    // A layer without files says nothing, and Docker leaves it out.
    boolean isEmpty = layer.diffId().equals(DiffId.EMPTY_TAR);
    if (!isEmpty) {
      config.addLayer(layer.diffId());
    }
    config.addHistory(
        options.createdBy().orElse(null), author, options.comment().orElse(null), isEmpty);
    return publish(config.toBytes(), parent == null ? null : parent.id(), tag, layer, before);
  }

  /** Makes an image of a base and layers on it. */
  ImageNode build(BuildOptions options, @Nullable ImageNode base) throws LayerStoreException {
    ImageReference tag = requireTag(options.reference().orElse(null));
    ConfigWriter config =
        new ConfigWriter(
            base == null ? Obj.EMPTY : document(base),
            base == null ? List.of() : catalog.content(base).config().diffIds(),
            options.changes(),
            options.created());
    if (options.platform().isPresent()) {
      requireLinux(options.platform().get());
      config.setPlatform(options.platform().get());
    }
    config.setRun(options);
    String author = options.author().orElse(null);
    if (author != null) {
      config.setAuthor(author);
    }
    Set<ChainId> before = chainIds();
    List<Layer> layers = new ArrayList<>();
    ImageCreation.Created made;
    try {
      ChainId top = base == null ? null : base.topLayer();
      for (BuildOptions.Step step : options.layers()) {
        RegisterOptions registerOptions =
            RegisterOptions.builder().parent(top).progress(options.progress().orElse(null)).build();
        Layer layer = access.register(step.source(), registerOptions, title(tag));
        layers.add(layer);
        top = layer.chainId();
        config.addLayer(layer.diffId());
        config.addHistory(step.createdBy(), author, null, false);
      }
      if (layers.isEmpty()) {
        config.addHistory("layerstore build", author, null, true);
      }
      made = creation.create(config.toBytes(), base == null ? null : base.id());
      if (tag != null) {
        tag(made, tag);
      }
    } catch (LayerStoreException | RuntimeException e) {
      Closing.after(e, () -> giveBack(layers, before));
      throw e;
    }
    giveBack(layers, before);
    return made.node();
  }

  /**
   * Gives handles back, the highest first, and with each a layer that is new and that nothing
   * needs. What was there before is held until then.
   */
  private void giveBack(List<Layer> layers, Set<ChainId> before) throws LayerStoreException {
    List<Layer> kept = new ArrayList<>();
    try {
      for (int i = layers.size() - 1; i >= 0; i--) {
        if (before.contains(layers.get(i).chainId())) {
          kept.add(layers.get(i));
        } else {
          access.layers().release(layers.get(i));
        }
      }
    } finally {
      kept.forEach(Layer::close);
    }
  }

  private @Nullable ImageNode parent(
      RWLayer rwLayer, @Nullable ChainId ground, @Nullable ImageId named)
      throws LayerStoreException {
    if (named != null) {
      ImageNode node = table.find(named);
      if (node == null) {
        throw new ImageNotFoundException(named.toString());
      }
      boolean isGround = ground == null ? node.topLayer() == null : ground.equals(node.topLayer());
      if (!isGround) {
        throw new IllegalArgumentException(
            "read-write layer " + rwLayer.name() + " does not stand on image " + named);
      }
      return node;
    }
    List<ImageId> found = ground == null ? List.of() : table.withTopLayer(ground);
    ImageId ofContainer = containers.imageOf(rwLayer.name()).orElse(null);
    if (ofContainer != null && found.contains(ofContainer)) {
      return table.find(ofContainer);
    }
    if (found.size() > 1) {
      throw new LayerStoreException(
          "read-write layer "
              + rwLayer.name()
              + " stands on the layers of several images: "
              + found.stream().map(ImageId::toString).collect(Collectors.joining(", "))
              + "; say which of them it was made from: CommitImageOptions.parent,"
              + " or --from on the command line");
    }
    return found.isEmpty() ? null : table.find(found.get(0));
  }

  private Obj document(ImageNode node) throws LayerStoreException {
    JsonValue document = ImageConfigReader.parse(catalog.content(node).bytes().toByteArray());
    return document instanceof Obj object ? object : Obj.EMPTY;
  }

  /** The diff IDs of layers that are of no image. */
  private List<DiffId> diffIds(@Nullable ChainId top) {
    Map<ChainId, LayerInfo> layers = new HashMap<>();
    access.layers().layers().forEach(layer -> layers.put(layer.chainId(), layer));
    return LayerUse.chain(layers, top).stream().map(LayerInfo::diffId).toList();
  }

  private Set<ChainId> chainIds() {
    return access.layers().layers().stream()
        .map(LayerInfo::chainId)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static @Nullable String title(@Nullable ImageReference tag) {
    return tag == null ? null : tag.toString();
  }

  private static @Nullable ImageReference requireTag(@Nullable ImageReference reference) {
    if (reference != null) {
      DefaultReferenceStore.requireTag(reference);
    }
    return reference;
  }

  /** Adds the image and its tag, and gives the handle on its layer back. */
  private ImageNode publish(
      byte[] config,
      @Nullable ImageId parent,
      @Nullable ImageReference tag,
      Layer layer,
      Set<ChainId> before)
      throws LayerStoreException {
    ImageCreation.Created made;
    try {
      made = creation.create(config, parent);
      if (tag != null) {
        tag(made, tag);
      }
    } catch (LayerStoreException | RuntimeException e) {
      Closing.after(e, () -> giveBack(layer, before));
      throw e;
    }
    giveBack(layer, before);
    return made.node();
  }

  private void tag(ImageCreation.Created made, ImageReference tag) throws LayerStoreException {
    ImageId id = made.node().id();
    try {
      references.addTag(tag, id, true);
    } catch (LayerStoreException e) {
      if (made.isNew()) {
        Closing.after(e, () -> deletion.delete(id, true));
      }
      throw e;
    }
  }

  /** A layer that was there before is not ours to delete, held by others or not. */
  private void giveBack(Layer layer, Set<ChainId> before) throws LayerStoreException {
    if (before.contains(layer.chainId())) {
      layer.close();
    } else {
      access.layers().release(layer);
    }
  }
}
