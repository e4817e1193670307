package io.layerstore.core.image.archive;

import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.SaveOptions;
import io.layerstore.core.image.archive.PlatformVariants.Variant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which images are to be saved, and under which names, as {@code docker save} reads its arguments:
 * an id saves an image without a name, a tag with this one, a repository with all its tags.
 */
final class SaveSelection {

  private static final Pattern ID = Pattern.compile("(?:sha256:)?[0-9a-f]{64}|sha256:[0-9a-f]+");

  private final ImageArchives.Host host;
  private final Map<ImageId, Chosen> chosen = new LinkedHashMap<>();

  /**
   * An image to be saved.
   *
   * @param image the image
   * @param tags the names to save it under
   * @param index the images for several platforms that it stands for; empty if it is by itself
   */
  record Chosen(Image image, List<ImageReference> tags, List<Variant> index) {

    /** All images. */
    List<Image> images() {
      return index.isEmpty() ? List.of(image) : index.stream().map(Variant::image).toList();
    }

    /** What people call it: its first tag, or else its ID. */
    String title() {
      return tags.isEmpty() ? image.id().toString() : tags.get(0).toString();
    }
  }

  private SaveSelection(ImageArchives.Host host) {
    this.host = host;
  }

  /**
   * The images that {@code texts} mean, in their order.
   *
   * @param notes gets what is not here
   * @throws ImageNotFoundException if one means nothing
   * @throws IllegalArgumentException if one is neither reference nor id
   */
  static List<Chosen> of(
      ImageArchives.Host host, List<String> texts, SaveOptions options, List<String> notes)
      throws LayerStoreException {
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("no image to save");
    }
    SaveSelection selection = new SaveSelection(host);
    for (String text : texts) {
      selection.add(text);
    }
    PlatformVariants variants = new PlatformVariants(host);
    List<Chosen> wanted = new ArrayList<>();
    for (Chosen chosen : selection.chosen.values()) {
      List<Variant> meant =
          variants.of(
              chosen.title(),
              chosen.image(),
              options.platform().orElse(null),
              options.allPlatforms());
      boolean isIndex = options.index().isPresent() || meant.size() > 1;
      wanted.add(
          isIndex
              ? new Chosen(chosen.image(), chosen.tags(), PlatformVariants.distinct(meant, true))
              : new Chosen(meant.get(0).image(), chosen.tags(), List.of()));
    }
    notes.addAll(variants.notes());
    if (options.index().isPresent()) {
      return List.of(index(wanted, options.index().get(), options.allPlatforms()));
    }
    return options.format() == SaveOptions.Format.DOCKER ? apart(wanted, notes) : wanted;
  }

  private static Chosen index(List<Chosen> images, ImageReference tag, boolean all)
      throws InvalidImageException {
    List<Variant> members = new ArrayList<>();
    images.forEach(chosen -> members.addAll(chosen.index()));
    return new Chosen(images.get(0).image(), List.of(tag), PlatformVariants.distinct(members, all));
  }

  /** The same for a layout without indexes, in which the further images have no name. */
  private static List<Chosen> apart(List<Chosen> images, List<String> notes) {
    Map<ImageId, Chosen> apart = new LinkedHashMap<>();
    for (Chosen chosen : images) {
      apart.merge(
          chosen.image().id(),
          new Chosen(chosen.image(), chosen.tags(), List.of()),
          (first, again) ->
              new Chosen(
                  first.image(),
                  Stream.concat(first.tags().stream(), again.tags().stream()).distinct().toList(),
                  List.of()));
    }
    for (Chosen chosen : images) {
      if (!chosen.index().isEmpty()) {
        notes.add(
            "Docker's layout cannot say that images are one for several platforms: "
                + chosen.title()
                + " names the image "
                + chosen.image().id()
                + ", and the others have no name; save it as OCI layout to keep the index");
      }
      for (Image image : chosen.images()) {
        apart.putIfAbsent(image.id(), new Chosen(image, List.of(), List.of()));
      }
    }
    return List.copyOf(apart.values());
  }

  private void add(String text) throws LayerStoreException {
    if (ID.matcher(text).matches()) {
      add(host.images().resolve(text), null);
      return;
    }
    ImageReference reference = ImageReference.parseRepository(text);
    if (reference.isRepository()) {
      addRepository(text, reference);
      return;
    }
    ImageId id =
        host.images()
            .references()
            .find(reference)
            .orElseThrow(() -> new ImageNotFoundException(text));
    add(host.images().get(id), reference);
  }

  private void addRepository(String text, ImageReference repository) throws LayerStoreException {
    boolean isFound = false;
    for (Map.Entry<ImageReference, ImageId> entry : host.images().references().list().entrySet()) {
      ImageReference reference = entry.getKey();
      if (reference.canonicalRepository().equals(repository.canonicalRepository())) {
        add(host.images().get(entry.getValue()), reference);
        isFound = true;
      }
    }
    if (!isFound) {
      add(host.images().resolve(text), null);
    }
  }

  private void add(Image image, @Nullable ImageReference reference) {
    List<ImageReference> tags =
        chosen
            .computeIfAbsent(image.id(), id -> new Chosen(image, new ArrayList<>(), List.of()))
            .tags();
    if (reference != null && reference.tag().isPresent() && !tags.contains(reference)) {
      tags.add(reference);
    }
  }
}
