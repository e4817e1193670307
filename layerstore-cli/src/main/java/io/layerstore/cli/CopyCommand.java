package io.layerstore.cli;

import io.layerstore.Digest;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.RegistryOptions;
import io.layerstore.SaveOptions;
import io.layerstore.spi.RegistryProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code copy}: an image from one place to another: registry, archive, layout, store. */
final class CopyCommand extends Subcommand {
  private static final String DOCKER = ShownFiles.REMOTE;
  private static final String ARCHIVE = "archive:";
  private static final String LAYOUT = "oci:";
  private static final String STORE = "store:";

  /** What the image of a layout is called that has no name there, in a store that is deleted. */
  private static final ImageReference UNNAMED = ImageReference.parse("copy:1");

  private final OptionSpec allPlatformsOption =
      flag(
          "--all-platforms",
          "Copy the images for all platforms also where a store or an archive is the source or the "
              + "target, as far as that can have them.");
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);
  private final PositionalParamSpec sourceParameter = parameter("SOURCE", "Where the image is.");
  private final PositionalParamSpec targetParameter = parameter("TARGET", "Where to copy it.");

  CopyCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Copy an image between registries, archives, layouts and the store.",
        "A place is docker://REFERENCE in a registry, archive:FILE of 'docker save', oci:DIR or "
            + "oci:FILE for an OCI layout, or store:IMAGE. From a registry to another one or to an "
            + "OCI layout all platforms are copied, byte for byte, with the same digests; else the "
            + "one for this machine, or all if that is asked for.");
  }

  @Override
  public Integer call() throws IOException {
    String source = place(sourceParameter.getValue());
    String target = place(targetParameter.getValue());
    RegistryOptions registry = RegistryNames.options(layerstore(), insecureOption);
    String result;
    if (source.startsWith(DOCKER) && target.startsWith(DOCKER)) {
      ProgressBar progress = layerstore().progressBar();
      Digest digest =
          RegistryProvider.find()
              .copy(reference(source), reference(target), registry, progress::showCopied);
      result = reference(target) + "@" + digest;
    } else if (source.startsWith(DOCKER) && target.startsWith(LAYOUT)) {
      RegistryProvider.find().inspect(reference(source), registry).save(layout(target));
      result = target.substring(LAYOUT.length());
    } else if (source.startsWith(STORE)) {
      try (LayerStore store =
          target.startsWith(STORE) ? layerstore().openToChange() : layerstore().openToPush()) {
        result = out(store, source.substring(STORE.length()), target, registry);
      }
    } else if (target.startsWith(STORE)) {
      try (LayerStore store = layerstore().openToAdd()) {
        result =
            in(store, source, registry, ImageReference.parse(target.substring(STORE.length())));
      }
    } else {
      result = through(source, target, registry);
    }
    print(out -> out.line(result), json -> json.writeStringField("result", result));
    return 0;
  }

  private String place(String text) {
    if (List.of(DOCKER, ARCHIVE, LAYOUT, STORE).stream()
        .noneMatch(prefix -> text.startsWith(prefix) && text.length() > prefix.length())) {
      throw layerstore()
          .wrongUsage(
              "no place for an image: "
                  + text
                  + "; give docker://REFERENCE, archive:FILE, oci:DIR or store:IMAGE");
    }
    return text;
  }

  private static ImageReference reference(String place) {
    return ImageReference.parse(place.substring(DOCKER.length()));
  }

  private static ImageTarget layout(String place) {
    String file = place.substring(LAYOUT.length());
    Path path = Path.of(file);
    return file.endsWith("/") || Files.isDirectory(path) || !file.contains(".tar")
        ? ImageTarget.directory(path)
        : ImageTarget.file(path);
  }

  /** By way of a store that is deleted again. */
  private String through(String source, String target, RegistryOptions registry)
      throws IOException {
    try (ScratchDirectory scratch = ScratchDirectory.create();
        LayerStore store = layerstore().openScratch(scratch.path().resolve("store"))) {
      return out(store, in(store, source, registry, null), target, registry);
    }
  }

  private String in(
      LayerStore store,
      String source,
      RegistryOptions registry,
      @org.jspecify.annotations.Nullable ImageReference name)
      throws IOException {
    boolean areAll = isGiven(allPlatformsOption);
    LoadReport report;
    if (source.startsWith(DOCKER)) {
      PullOptions options =
          PullOptions.builder()
              .allPlatforms(areAll)
              .registry(registry)
              .progress(layerstore().progressBar().listener())
              .build();
      report = store.images().pull(reference(source), options);
    } else {
      ImageSource archive = ImageSource.of(Path.of(source.substring(source.indexOf(':') + 1)));
      LoadOptions options =
          LoadOptions.builder()
              .allPlatforms(areAll)
              .progress(layerstore().progressBar().listener())
              .build();
      report = store.images().load(archive, options);
      if (report.images().size() > 1 && named(report).isEmpty()) {
        // Fails unless all of them are one image, for several platforms.
        ImageReference own = name == null ? UNNAMED : name;
        report = store.images().load(archive, options.toBuilder().reference(own).build());
      }
    }
    List<LoadReport.LoadedImage> named = named(report);
    if (named.isEmpty()) {
      named = report.images();
    }
    if (named.size() != 1) {
      throw new LayerStoreException(
          source + " has " + named.size() + " images, and one can be copied");
    }
    LoadReport.LoadedImage image = named.get(0);
    if (name != null) {
      store.images().references().addTag(name, image.id(), true);
      return image.id() + " " + name;
    }
    return tag(image).map(ImageReference::toString).orElse(image.id().toString());
  }

  /** Those with a tag; of an image for several platforms that is one. */
  private static List<LoadReport.LoadedImage> named(LoadReport report) {
    return report.images().stream().filter(image -> tag(image).isPresent()).toList();
  }

  private static Optional<ImageReference> tag(LoadReport.LoadedImage image) {
    return image.references().stream().filter(reference -> reference.tag().isPresent()).findFirst();
  }

  private String out(LayerStore store, String name, String target, RegistryOptions registry)
      throws IOException {
    if (target.startsWith(DOCKER)) {
      PushOptions options =
          PushOptions.builder()
              .allPlatforms(isGiven(allPlatformsOption))
              .registry(registry)
              .progress(layerstore().progressBar().listener())
              .build();
      ImageReference to = reference(target);
      return to + "@" + store.images().push(name, to, options).digest();
    }
    if (target.startsWith(STORE)) {
      Image image = store.images().resolve(name);
      ImageReference to = ImageReference.parse(target.substring(STORE.length()));
      store.images().references().addTag(to, image.id(), true);
      return image.id() + " " + to;
    }
    String file = target.substring(target.indexOf(':') + 1);
    SaveOptions options =
        SaveOptions.builder()
            .format(target.startsWith(LAYOUT) ? SaveOptions.Format.OCI : SaveOptions.Format.DOCKER)
            .allPlatforms(isGiven(allPlatformsOption))
            .progress(layerstore().progressBar().listener())
            .build();
    store
        .images()
        .save(
            List.of(name),
            target.startsWith(LAYOUT) ? layout(target) : ImageTarget.file(Path.of(file)),
            options);
    return file;
  }
}
