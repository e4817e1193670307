package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.Compression;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.Image;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.Layer;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.Progress;
import io.layerstore.Progress.Phase;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.SaveOptions;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Array;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Num;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.ProgressReporter;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import io.layerstore.spi.RegistryRepository.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pushes an image. Layers side by side: where it is known what one looks like in the registry, that
 * is used, otherwise it is compressed while it is sent. The manifest comes last.
 */
final class ImagePush {

  private static final Logger log = LoggerFactory.getLogger(ImagePush.class);
  private static final String OPERATION = "pushing an image";

  /** So many places of a layer are tried, newest first, before it is sent. */
  private static final int MAX_TRIES = 5;

  private final ArchiveLayers layers;
  private final ImageArchives.Host host;
  private final ImageReference target;
  private final PushOptions options;
  private final RegistryRepository repository;

  /** What each layer is in the registry. */
  private final Map<DiffId, Descriptor> pushed = new ConcurrentHashMap<>();

  private final AtomicInteger uploaded = new AtomicInteger();
  private final AtomicInteger mounted = new AtomicInteger();
  private final AtomicInteger present = new AtomicInteger();

  private ImagePush(
      ArchiveLayers layers,
      ImageArchives.Host host,
      ImageReference target,
      PushOptions options,
      RegistryRepository repository) {
    this.layers = layers;
    this.host = host;
    this.target = target;
    this.options = options;
    this.repository = repository;
  }

  static PushReport push(
      ArchiveLayers layers,
      ImageArchives.Host host,
      List<String> names,
      ImageReference to,
      PushOptions options)
      throws LayerStoreException {
    if (names.isEmpty()) {
      throw new IllegalArgumentException("no image to push");
    }
    if (options.compression() == Compression.ZSTD
        && options.format() == SaveOptions.Format.DOCKER) {
      throw new IllegalArgumentException(
          "Docker's manifests have no layers in zstd; push in the OCI's form, or with gzip");
    }
    ImageReference target = to.isRepository() ? to.withTag(ImageReference.DEFAULT_TAG) : to;
    List<Layer> held = new ArrayList<>();
    try {
      Map<String, Image> images = new LinkedHashMap<>();
      for (String name : names) {
        Image image = host.images().resolve(name);
        Image other = images.put(platform(image), image);
        if (other != null) {
          throw new InvalidImageException(
              "both "
                  + other.id()
                  + " and "
                  + image.id()
                  + " are for "
                  + platform(image)
                  + "; push them under different tags");
        }
        if (image.topLayer().isPresent()) {
          held.add(host.layers().get(image.topLayer().get()));
        }
      }
      try (RegistryRepository repository =
          RegistryProvider.find().open(target, RegistryProvider.Access.PUSH, options.registry())) {
        return new ImagePush(layers, host, target, options, repository)
            .push(List.copyOf(images.values()));
      }
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    } finally {
      held.forEach(Layer::close);
    }
  }

  private static String platform(Image image) {
    ImageConfig config = image.config();
    return PlatformChoice.name(
        new Platform(
            config.architecture(), config.os(), Optional.empty(), List.of(), config.variant()));
  }

  private PushReport push(List<Image> images) throws IOException {
    Map<DiffId, ChainId> chains = new LinkedHashMap<>();
    long total = 0;
    for (Image image : images) {
      ChainId chainId = null;
      for (DiffId diffId : image.config().diffIds()) {
        chainId = ChainId.of(chainId, diffId);
        if (chains.putIfAbsent(diffId, chainId) == null) {
          total += layers.archiveBytes(chainId);
        }
      }
    }
    ProgressReporter meter = layers.written(Progress.Kind.PUSH, options.progress(), total);
    meter.phase(Phase.WRITING);
    List<ArchiveLayers.Work> pieces = new ArrayList<>();
    chains.forEach(
        (diffId, chain) ->
            pieces.add(
                () -> {
                  try {
                    pushed.put(diffId, layer(diffId, chain, meter));
                  } catch (IOException e) {
                    throw Interrupts.translate(OPERATION, e);
                  }
                }));
    layers.runAll(OPERATION, pieces);
    Map<ImageReference, ImageId> names = new LinkedHashMap<>();
    List<JsonValue> entries = new ArrayList<>();
    Manifest top = manifest(images.get(0));
    if (images.size() > 1) {
      for (Image image : images) {
        Manifest manifest = manifest(image);
        ImageReference name = target.withDigest(manifest.descriptor().digest());
        repository.put(name, manifest);
        names.put(name, image.id());
        entries.add(entry(image, manifest.descriptor()));
      }
      top = index(entries);
    } else {
      names.put(target.withDigest(top.descriptor().digest()), images.get(0).id());
    }
    repository.put(target, top);
    meter.phase(Phase.DONE);
    return new PushReport(
        top.descriptor().digest(),
        target,
        uploaded.get(),
        mounted.get(),
        present.get(),
        noteNames(names));
  }

  /** An image in an index. */
  private static Obj entry(Image image, Descriptor manifest) {
    Map<String, JsonValue> platform = new LinkedHashMap<>();
    platform.put("architecture", new Text(image.config().architecture()));
    platform.put("os", new Text(image.config().os()));
    image.config().variant().ifPresent(variant -> platform.put("variant", new Text(variant)));
    Map<String, JsonValue> members = members(manifest);
    members.put("platform", V1Image.object(platform));
    return V1Image.object(members);
  }

  private Manifest index(List<JsonValue> entries) {
    String type = isDocker() ? MediaTypes.DOCKER_INDEX : MediaTypes.INDEX;
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("schemaVersion", new Num("2"));
    members.put("mediaType", new Text(type));
    members.put("manifests", new Array(entries));
    return document(type, V1Image.object(members));
  }

  private Manifest document(String type, Obj document) {
    byte[] bytes = isDocker() ? indented(document) : document.toBytes();
    return new Manifest(Descriptor.of(type, bytes.length, Digest.sha256Of(bytes)), bytes);
  }

  private Descriptor layer(DiffId diffId, ChainId chainId, ProgressReporter meter)
      throws IOException {
    Descriptor known = known(diffId);
    if (known == null) {
      long size = layers.archiveBytes(chainId);
      ProgressReporter.OfLayer counts = meter.writing(target.toString(), diffId, size);
      CompressionFormat format = CompressionFormat.of(options.compression());
      known =
          repository.upload(
              layerType(format),
              out -> SavedLayer.write(layers, chainId, format, counts::addBytes, out));
      uploaded.incrementAndGet();
    }
    noteSource(diffId, known.digest());
    return known;
  }

  /** What the layer is in the registry already, here or elsewhere; null if it is to be sent. */
  private @Nullable Descriptor known(DiffId diffId) throws LayerStoreException {
    List<Source> sources = host.images().distribution().sources(diffId);
    int tries = 0;
    for (int i = sources.size() - 1; i >= 0 && tries < MAX_TRIES; i--) {
      Source source = sources.get(i);
      String prefix = target.domain() + "/";
      if (!source.sourceRepository().startsWith(prefix)) {
        continue;
      }
      tries++;
      Descriptor found = present(source.digest());
      if (found != null) {
        present.incrementAndGet();
        return found;
      }
      String other = source.sourceRepository().substring(prefix.length());
      if (!source.sourceRepository().equals(target.canonicalRepository())
          && repository.mount(source.digest(), other)) {
        found = present(source.digest());
        if (found != null) {
          mounted.incrementAndGet();
          return found;
        }
      }
    }
    return null;
  }

  private @Nullable Descriptor present(Digest digest) throws LayerStoreException {
    OptionalLong size = repository.blobSize(digest);
    if (size.isEmpty()) {
      return null;
    }
    CompressionFormat format = format(Descriptor.of("", size.getAsLong(), digest));
    return format == null ? null : Descriptor.of(layerType(format), size.getAsLong(), digest);
  }

  /** How a blob is compressed, as it begins; null if a manifest cannot say it. */
  private @Nullable CompressionFormat format(Descriptor blob) throws LayerStoreException {
    byte[] start;
    try (InputStream in = repository.blob(blob, 0)) {
      start = in.readNBytes(CompressionFormat.MAGIC_BYTES);
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
    CompressionFormat format = CompressionFormat.detect(start, start.length);
    return switch (format) {
      case NONE, GZIP -> format;
      case ZSTD -> isDocker() ? null : format;
      default -> null;
    };
  }

  private boolean isDocker() {
    return options.format() == SaveOptions.Format.DOCKER;
  }

  private String layerType(CompressionFormat format) {
    if (format == CompressionFormat.NONE) {
      return isDocker() ? MediaTypes.DOCKER_LAYER : MediaTypes.LAYER;
    }
    String name = format == CompressionFormat.ZSTD ? "zstd" : "gzip";
    return isDocker() ? MediaTypes.DOCKER_LAYER + "." + name : MediaTypes.LAYER + "+" + name;
  }

  private Manifest manifest(Image image) throws IOException {
    byte[] config = image.configBytes().toByteArray();
    Descriptor configuration =
        Descriptor.of(
            isDocker() ? MediaTypes.DOCKER_CONFIG : MediaTypes.CONFIG,
            config.length,
            image.id().digest());
    if (repository.blobSize(configuration.digest()).isEmpty()) {
      repository.upload(configuration.mediaType(), out -> out.write(config));
    }
    List<JsonValue> layerDescriptors = new ArrayList<>();
    for (DiffId diffId : image.config().diffIds()) {
      Descriptor layer = pushed.get(diffId);
      if (layer == null) {
        throw new IllegalStateException("layer " + diffId + " was not pushed");
      }
      layerDescriptors.add(json(layer));
    }
    String type = isDocker() ? MediaTypes.DOCKER_MANIFEST : MediaTypes.MANIFEST;
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("schemaVersion", new Num("2"));
    members.put("mediaType", new Text(type));
    members.put("config", json(configuration));
    members.put("layers", new Array(layerDescriptors));
    return document(type, V1Image.object(members));
  }

  /** As dockerd writes it, so that it gives the same digest when it pushes the image again. */
  private static byte[] indented(Obj document) {
    StringBuilder text = new StringBuilder();
    indent(document, "\n", text);
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void indent(JsonValue value, String line, StringBuilder text) {
    String inner = line + "   ";
    String separator = "";
    if (value instanceof Obj object && !object.members().isEmpty()) {
      text.append('{');
      for (Member member : object.members()) {
        text.append(separator).append(inner).append('"').append(member.name()).append("\": ");
        indent(member.value(), inner, text);
        separator = ",";
      }
      text.append(line).append('}');
    } else if (value instanceof Array array && !array.elements().isEmpty()) {
      text.append('[');
      for (JsonValue element : array.elements()) {
        text.append(separator).append(inner);
        indent(element, inner, text);
        separator = ",";
      }
      text.append(line).append(']');
    } else {
      text.append(new String(value.toBytes(), StandardCharsets.UTF_8));
    }
  }

  private static Obj json(Descriptor descriptor) {
    return V1Image.object(members(descriptor));
  }

  private static Map<String, JsonValue> members(Descriptor descriptor) {
    Map<String, JsonValue> members = new LinkedHashMap<>();
    members.put("mediaType", new Text(descriptor.mediaType()));
    members.put("size", new Num(Long.toString(descriptor.sizeBytes())));
    members.put("digest", new Text(descriptor.digest().toString()));
    return members;
  }

  /** A cache, so a failure is no more than a slower push next time. */
  private void noteSource(DiffId diffId, Digest digest) {
    if (host.options().readOnly()) {
      return;
    }
    try {
      host.images()
          .distribution()
          .add(diffId, new Source(digest, target.canonicalRepository(), ""));
    } catch (LayerStoreException e) {
      log.warn("cannot note where layer {} is now", diffId, e);
    }
  }

  /** As Docker does: an image is known by its digest in that repository from now on. */
  private List<String> noteNames(Map<ImageReference, ImageId> names) {
    if (host.options().readOnly()) {
      return List.of();
    }
    try {
      host.tagLoaded(names);
      return List.of();
    } catch (LayerStoreException e) {
      return List.of("the digest was not noted as a name of the image: " + e.getMessage());
    }
  }
}
