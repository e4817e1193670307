package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageTarget;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerStoreException;
import io.layerstore.Progress;
import io.layerstore.Progress.Phase;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.image.archive.LayoutDocuments.Document;
import io.layerstore.core.image.archive.SaveSelection.Chosen;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.ProgressReporter;
import io.layerstore.core.tar.PlainTarWriter;
import io.layerstore.core.work.Interrupts;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Saves images.
 *
 * <p>Layers are read from the store, and written, without a copy in between. In a tar a file's name
 * and size come before its content, and here the name is its digest: of a plain layer both are
 * known beforehand, but a compressed one is compressed twice, side by side with others the first
 * time, to learn them. A directory takes every layer once, under a name that is changed when it is
 * complete.
 *
 * <p>The layers are held meanwhile, so images may be deleted while they are saved.
 */
final class ImageSave extends LayoutWriter {

  private static final String OPERATION = "saving images";
  private static final String OS = "linux";

  private final ArchiveLayers layers;
  private final ImageArchives.Host host;
  private final List<Chosen> images;
  private final SaveOptions options;
  private final CompressionFormat format;

  /** What {@code docker load} will refuse layers for. */
  private final Map<ChainId, String> refusals = new ConcurrentHashMap<>();

  /** The layers that are to be written, each once. */
  private final Map<DiffId, Source> sources = new LinkedHashMap<>();

  /**
   * Where a layer is in the store.
   *
   * @param chainId a layer with the archive
   * @param created when the first image with it was made
   * @param archiveBytes the size of its archive
   * @param image what people call that image
   */
  private record Source(ChainId chainId, Instant created, long archiveBytes, String image) {}

  private ImageSave(
      ArchiveLayers layers, ImageArchives.Host host, List<Chosen> images, SaveOptions options)
      throws LayerStoreException {
    this.layers = layers;
    this.host = host;
    this.images = images;
    this.options = options;
    this.format = CompressionFormat.of(options.compression());
    for (Chosen chosen : images) {
      for (Image image : chosen.images()) {
        addSources(image, chosen.title());
      }
    }
  }

  private void addSources(Image image, String title) throws LayerStoreException {
    ChainId chainId = null;
    for (DiffId diffId : image.config().diffIds()) {
      chainId = ChainId.of(chainId, diffId);
      if (!sources.containsKey(diffId)) {
        sources.put(
            diffId,
            new Source(chainId, LayoutDocuments.time(image), layers.archiveBytes(chainId), title));
      }
    }
  }

  static SaveReport save(
      ArchiveLayers layers,
      ImageArchives.Host host,
      List<String> names,
      ImageTarget target,
      SaveOptions options)
      throws LayerStoreException {
    requirePossible(options);
    List<Layer> held = new ArrayList<>();
    try {
      List<String> notes = new ArrayList<>();
      List<Chosen> images = SaveSelection.of(host, names, options, notes);
      for (Chosen chosen : images) {
        for (Image image : chosen.images()) {
          hold(host, image, options, held);
        }
      }
      ImageSave save = new ImageSave(layers, host, images, options);
      save.write(target);
      return save.report(notes);
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    } finally {
      held.forEach(Layer::close);
    }
  }

  private static void requirePossible(SaveOptions options) {
    ImageReference index = options.index().orElse(null);
    if (index == null) {
      return;
    }
    if (options.format() == SaveOptions.Format.DOCKER) {
      throw new IllegalArgumentException(
          "Docker's layout has no index of several images; save in the OCI's format");
    }
    if (index.digest().isPresent()) {
      throw new IllegalArgumentException("an index gets a tag, and not the digest " + index);
    }
  }

  private static void hold(
      ImageArchives.Host host, Image image, SaveOptions options, List<Layer> held)
      throws LayerStoreException {
    ChainId top = image.topLayer().orElse(null);
    if (top != null) {
      held.add(host.layers().get(top));
    } else if (options.format() == SaveOptions.Format.DOCKER) {
      throw new InvalidImageException(
          "image "
              + image.id()
              + " has no layers, which Docker's layout cannot express; save it as OCI layout");
    }
  }

  private SaveReport report(List<String> notes) {
    for (Chosen chosen : images) {
      for (Image image : chosen.images()) {
        String os = image.config().os();
        if (!os.isEmpty() && !os.equals(OS)) {
          notes.add(
              "the image "
                  + image.id()
                  + " has the operating system "
                  + ArchiveText.quoted(os)
                  + ": dockerd up to 20.10 fails to load it");
        }
      }
    }
    for (Source source : sources.values()) {
      String refusal = refusals.get(source.chainId());
      if (refusal != null) {
        notes.add("layer " + source.chainId() + ": " + refusal);
      }
    }
    return new SaveReport(notes);
  }

  @Override
  void writeInto(LayoutDirectory out) throws IOException {
    ProgressReporter progress = progress(1);
    progress.phase(Phase.WRITING);
    Map<DiffId, SavedLayer> saved =
        forEachLayer(
            (diffId, source) -> {
              try (LayoutDirectory.NewBlob blob = out.newBlob()) {
                DigestStream counted = new DigestStream(blob.stream());
                write(diffId, source, progress, counted);
                SavedLayer layer = saved(diffId, source, counted);
                blob.commit(layer.digest().hex(), layer.created());
                return layer;
              }
            });
    for (Map.Entry<String, Document> document : documents(saved).entrySet()) {
      out.write(document.getKey(), document.getValue());
    }
    progress.phase(Phase.DONE);
  }

  @Override
  void writeInto(PlainTarWriter tar) throws IOException {
    boolean isPlain = format == CompressionFormat.NONE;
    ProgressReporter progress = progress(isPlain ? 1 : 2);
    if (!isPlain) {
      progress.phase(Phase.COMPRESSING);
    }
    Map<DiffId, SavedLayer> saved =
        isPlain
            ? plainLayers()
            : forEachLayer((diffId, source) -> measure(diffId, source, progress));
    SortedMap<String, Document> documents = documents(saved);
    Map<String, SavedLayer> byPath = new TreeMap<>();
    saved.values().forEach(layer -> byPath.put(layer.path(), layer));
    SortedMap<String, Boolean> paths = new TreeMap<>();
    documents.keySet().forEach(path -> paths.put(path, false));
    byPath.keySet().forEach(path -> paths.put(path, true));
    progress.phase(Phase.WRITING);
    for (String path : paths.keySet()) {
      Document document = documents.get(path);
      SavedLayer layer = byPath.get(path);
      Source source = layer == null ? null : sources.get(layer.diffId());
      if (layer != null && source != null) {
        OutputStream content = tar.file(path, layer.sizeBytes(), layer.created());
        write(layer.diffId(), source, progress, content);
      } else if (document != null) {
        document.bytes().writeTo(tar.file(path, document.bytes().length(), document.modified()));
      }
    }
    progress.phase(Phase.DONE);
  }

  private SortedMap<String, Document> documents(Map<DiffId, SavedLayer> saved) throws IOException {
    return LayoutDocuments.of(host, images, options, saved);
  }

  private ProgressReporter progress(int passes) {
    long total = 0;
    for (Source source : sources.values()) {
      total += source.archiveBytes();
    }
    return layers.written(Progress.Kind.SAVE, options.progress(), total * passes);
  }

  private Map<DiffId, SavedLayer> plainLayers() {
    Map<DiffId, SavedLayer> saved = new LinkedHashMap<>();
    sources.forEach(
        (diffId, source) ->
            saved.put(
                diffId,
                new SavedLayer(
                    diffId,
                    source.chainId(),
                    source.created(),
                    diffId.digest(),
                    source.archiveBytes())));
    return saved;
  }

  private void write(DiffId diffId, Source source, ProgressReporter progress, OutputStream out)
      throws IOException {
    ProgressReporter.OfLayer counts =
        progress.writing(source.image(), diffId, source.archiveBytes());
    String refusal = SavedLayer.write(layers, source.chainId(), format, counts::addBytes, out);
    if (refusal != null) {
      refusals.put(source.chainId(), refusal);
    }
  }

  /** Compresses a layer for its digest and size alone. */
  private SavedLayer measure(DiffId diffId, Source source, ProgressReporter progress)
      throws IOException {
    DigestStream counted = new DigestStream(OutputStream.nullOutputStream());
    write(diffId, source, progress, counted);
    return saved(diffId, source, counted);
  }

  private static SavedLayer saved(DiffId diffId, Source source, DigestStream written) {
    return new SavedLayer(
        diffId, source.chainId(), source.created(), written.digest(), written.count());
  }

  /** Does something with a layer. */
  @FunctionalInterface
  private interface LayerWork {
    SavedLayer apply(DiffId diffId, Source source) throws IOException;
  }

  private Map<DiffId, SavedLayer> forEachLayer(LayerWork work) throws LayerStoreException {
    Map<DiffId, SavedLayer> saved = new ConcurrentHashMap<>();
    List<ArchiveLayers.Work> pieces = new ArrayList<>();
    sources.forEach(
        (diffId, source) ->
            pieces.add(
                () -> {
                  try {
                    saved.put(diffId, work.apply(diffId, source));
                  } catch (IOException e) {
                    throw Interrupts.translate(OPERATION, e);
                  }
                }));
    layers.runAll(OPERATION, pieces);
    return saved;
  }
}
