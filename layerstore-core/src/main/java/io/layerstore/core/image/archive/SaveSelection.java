package io.layerstore.core.image.archive;

import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
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
   */
  record Chosen(Image image, List<ImageReference> tags) {

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
   * @throws ImageNotFoundException if one means nothing
   * @throws IllegalArgumentException if one is neither reference nor id
   */
  static List<Chosen> of(ImageArchives.Host host, List<String> texts) throws LayerStoreException {
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("no image to save");
    }
    SaveSelection selection = new SaveSelection(host);
    for (String text : texts) {
      selection.add(text);
    }
    return List.copyOf(selection.chosen.values());
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
        chosen.computeIfAbsent(image.id(), id -> new Chosen(image, new ArrayList<>())).tags();
    if (reference != null && reference.tag().isPresent() && !tags.contains(reference)) {
      tags.add(reference);
    }
  }
}
