package io.layerstore.core.docker;

import io.layerstore.ImageId;
import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Member;
import io.layerstore.core.json.JsonValue.Obj;
import io.layerstore.core.json.JsonValue.Text;
import io.layerstore.driver.AtomicFiles;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What dockerd has noted about its containers, as far as it says which image each is of: {@code
 * containers/<id>/config.v2.json}. The read-write layer of a container has its ID as its name.
 *
 * <p>A record that is missing or cannot be read says nothing, and is no reason to fail. Immutable,
 * and read anew with each call.
 */
public final class ContainerRecords {

  private static final Logger log = LoggerFactory.getLogger(ContainerRecords.class);

  /** An environment, labels and mounts; this is the limit for every JSON document of a store. */
  private static final int MAX_BYTES = 4 << 20;

  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");
  private static final String FILE = "config.v2.json";

  private final Path directory;

  /** The containers in the data root {@code root}, if there are any. */
  public ContainerRecords(Path root) {
    this.directory = root.resolve("containers");
  }

  /** The image that the container {@code id} was made from; nothing if there is no such note. */
  public Optional<ImageId> imageOf(String id) {
    if (!ID.matcher(id).matches()) {
      return Optional.empty();
    }
    Path file = directory.resolve(id).resolve(FILE);
    try {
      return image(JsonValue.parse(AtomicFiles.read(file, MAX_BYTES)));
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Optional.empty();
    } catch (IOException | IllegalArgumentException e) {
      log.debug("the image of container {} is not known", id, e);
      return Optional.empty();
    }
  }

  private static Optional<ImageId> image(JsonValue document) {
    List<Member> members = document instanceof Obj object ? object.members() : List.of();
    return members.stream()
        .filter(member -> member.name().equals("Image") && member.value() instanceof Text)
        .map(member -> ((Text) member.value()).text())
        // Containers of no image, which dockerd can make, have an empty text.
        .filter(text -> !text.isEmpty())
        .map(ImageId::parse)
        .reduce((first, last) -> last);
  }

  /** The images of all containers, by the container's ID, sorted. */
  public Map<String, ImageId> images() {
    Map<String, ImageId> images = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String id = String.valueOf(entry.getFileName());
        imageOf(id).ifPresent(image -> images.put(id, image));
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Map.of();
    } catch (IOException | DirectoryIteratorException e) {
      log.debug("the containers in {} cannot be listed", directory, e);
    }
    return images;
  }
}
