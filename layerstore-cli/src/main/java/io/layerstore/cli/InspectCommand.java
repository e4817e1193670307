package io.layerstore.cli;

import io.layerstore.AmbiguousIdException;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RemoteImage;
import io.layerstore.spi.RegistryProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code inspect}: all that is known of one layer or read-write layer. */
final class InspectCommand extends Subcommand {
  private final PositionalParamSpec idParameter =
      parameter("ID", "A chain ID, the name of a read-write layer, or an image's reference or ID.");

  private final OptionSpec remoteOption =
      flag("--remote", "Ask the registry of the reference ID, and pull nothing.");
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);

  InspectCommand(Layerstore layerstore) {
    super(layerstore, "Show all that is known of a layer, a read-write layer or an image.");
  }

  @Override
  public Integer call() throws IOException {
    String id = idParameter.getValue();
    if (isGiven(remoteOption)) {
      inspect(
          RegistryProvider.find()
              .inspect(
                  ImageReference.parse(id), RegistryNames.options(layerstore(), insecureOption)));
      return 0;
    }
    try (LayerStore store = layerstore().openToRead()) {
      if (Target.isReadWrite(store, id)) {
        try (RWLayer layer = store.getRWLayer(id)) {
          inspect(layer);
        }
        return 0;
      }
      Optional<Image> image = Target.findImage(store, id);
      Optional<ChainId> chainId = Target.findLayer(store, id);
      if (image.isPresent() && chainId.isPresent()) {
        throw new AmbiguousIdException(
            id, List.of("image " + image.get().id(), "layer " + chainId.get()));
      }
      if (image.isPresent()) {
        inspect(store, image.get());
      } else {
        try (Layer layer = store.get(Target.layer(store, id))) {
          inspect(layer);
        }
      }
    }
    return 0;
  }

  private void inspect(Layer layer) throws IOException {
    Map<String, String> metadata = new TreeMap<>(layer.metadata());
    LayerInfo.Usage usage = layer.usage();
    Optional<Descriptor> descriptor = layer.descriptor();
    print(
        out -> {
          out.line("Chain ID: " + layer.chainId());
          out.line("Diff ID: " + layer.diffId());
          out.line("Parent: " + text(layer.parent()));
          out.line("Depth: " + layer.depth());
          out.line("Size: " + layer.diffSizeBytes());
          out.line("Chain size: " + layer.sizeBytes());
          out.line("Cache ID: " + layer.cacheId());
          for (ChainId child : usage.children()) {
            out.line("Used by layer: " + child);
          }
          for (String name : usage.rwLayers()) {
            out.line("Used by read-write layer: " + name);
          }
          for (String holder : usage.otherHolders()) {
            out.line("Used by: " + holder);
          }
          if (descriptor.isPresent()) {
            Descriptor from = descriptor.get();
            out.line(
                ("Descriptor: " + from.mediaType() + " " + from.digest() + " ") + from.sizeBytes());
          }
          printMetadata(out, metadata);
        },
        json -> {
          json.writeStringField("type", "layer");
          Show.layer(json, layer);
          Show.usage(json, usage);
          if (descriptor.isPresent()) {
            Show.descriptor(json, descriptor.get());
          }
          Show.map(json, "metadata", metadata);
        });
  }

  private void inspect(LayerStore store, Image image) throws IOException {
    List<ImageReference> references = store.images().references().of(image.id());
    List<ImageManifest> manifests = store.images().manifests(image.id());
    ImageConfig config = image.config();
    long size = ShowImage.sizes(store).applyAsLong(image);
    String configuration = new String(image.configBytes().toByteArray(), StandardCharsets.UTF_8);
    print(
        out -> {
          out.line("Image ID: " + image.id());
          for (ImageReference reference : references) {
            out.line("Reference: " + reference);
          }
          for (ImageManifest manifest : manifests) {
            Descriptor descriptor = manifest.descriptor();
            out.line("Came with: " + descriptor.digest() + " " + descriptor.mediaType());
          }
          out.line("Parent: " + image.parent().map(ImageId::toString).orElse("none"));
          out.line("Platform: " + config.os() + "/" + config.architecture());
          out.line("Created: " + config.created().map(Instant::toString).orElse("unknown"));
          out.line("Size: " + size);
          for (DiffId diffId : config.diffIds()) {
            out.line("Layer: " + diffId);
          }
          out.line("Top layer: " + text(image.topLayer()));
          out.line("Configuration: " + Failure.oneLine(configuration));
        },
        json -> {
          json.writeStringField("type", "image");
          ShowImage.image(json, image, references);
          json.writeNumberField("sizeBytes", size);
          json.writeFieldName("config");
          json.writeRawValue(configuration);
          json.writeArrayFieldStart("manifests");
          for (ImageManifest manifest : manifests) {
            json.writeStartObject();
            json.writeStringField("digest", manifest.descriptor().digest().toString());
            json.writeStringField("mediaType", manifest.descriptor().mediaType());
            json.writeNumberField("sizeBytes", manifest.descriptor().sizeBytes());
            json.writeFieldName("document");
            json.writeRawValue(new String(manifest.bytes().toByteArray(), StandardCharsets.UTF_8));
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private void inspect(RemoteImage image) throws IOException {
    print(
        out -> {
          out.line("Reference: " + image.reference());
          out.line("Digest: " + image.manifest().digest());
          out.line("Media type: " + Failure.oneLine(image.manifest().mediaType()));
          for (RemoteImage.Variant variant : image.variants()) {
            out.line("Platform: " + Failure.oneLine(platform(variant)));
            out.line("  Manifest: " + variant.manifest().digest());
            out.line("  Image ID: " + variant.config().digest());
            out.line("  Size: " + variant.sizeBytes());
            for (Descriptor layer : variant.layers()) {
              out.line(
                  "  Layer: "
                      + layer.digest()
                      + " "
                      + layer.sizeBytes()
                      + " "
                      + Failure.oneLine(layer.mediaType()));
            }
          }
        },
        json -> {
          json.writeStringField("type", "remoteImage");
          json.writeStringField("reference", image.reference().toString());
          json.writeStringField("digest", image.manifest().digest().toString());
          json.writeStringField("mediaType", image.manifest().mediaType());
          json.writeArrayFieldStart("variants");
          for (RemoteImage.Variant variant : image.variants()) {
            json.writeStartObject();
            json.writeStringField("platform", platform(variant));
            json.writeStringField("manifest", variant.manifest().digest().toString());
            json.writeStringField("id", variant.config().digest().toString());
            json.writeNumberField("sizeBytes", variant.sizeBytes());
            json.writeArrayFieldStart("layers");
            for (Descriptor layer : variant.layers()) {
              json.writeStartObject();
              json.writeStringField("digest", layer.digest().toString());
              json.writeNumberField("sizeBytes", layer.sizeBytes());
              json.writeStringField("mediaType", layer.mediaType());
              json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private static String platform(RemoteImage.Variant variant) {
    return variant
        .manifest()
        .platform()
        .map(
            platform ->
                platform.os()
                    + "/"
                    + platform.architecture()
                    + platform.variant().map(name -> "/" + name).orElse(""))
        .orElse("not said");
  }

  private void inspect(RWLayer layer) throws IOException {
    Map<String, String> metadata = new TreeMap<>(layer.metadata());
    long size = layer.sizeBytes();
    print(
        out -> {
          out.line("Name: " + layer.name());
          out.line("Parent: " + text(layer.parent()));
          out.line("Size: " + size);
          out.line("Mount ID: " + layer.mountId());
          printMetadata(out, metadata);
        },
        json -> {
          json.writeStringField("type", "rwLayer");
          json.writeStringField("name", layer.name());
          Show.optional(json, "parent", layer.parent());
          json.writeNumberField("sizeBytes", size);
          json.writeStringField("mountId", layer.mountId());
          Show.map(json, "metadata", metadata);
        });
  }

  private static String text(Optional<ChainId> chainId) {
    return chainId.map(ChainId::toString).orElse("none");
  }

  private static void printMetadata(Output out, Map<String, String> metadata) throws IOException {
    for (Map.Entry<String, String> entry : metadata.entrySet()) {
      out.line(entry.getKey() + ": " + entry.getValue());
    }
  }
}
