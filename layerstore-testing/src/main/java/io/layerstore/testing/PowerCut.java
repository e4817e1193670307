package io.layerstore.testing;

import io.layerstore.testing.FileOperation.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a power cut would take at this moment, by the rules of POSIX and no file system's kindness:
 * a name is safe once its directory was forced to the disk after it came there, content once its
 * file was forced after the last write.
 *
 * <p>Names that went are not looked at; that an old name comes back is for recovery to deal with.
 */
public final class PowerCut {

  private final Set<Path> names = new HashSet<>();
  private final Set<Path> contents = new HashSet<>();

  private PowerCut() {}

  /**
   * What would be lost of what is below {@code root} after {@code operations}: {@code name PATH} or
   * {@code content PATH}, relative to it.
   */
  public static Set<String> losses(List<FileOperation> operations, Path root) throws IOException {
    PowerCut cut = new PowerCut();
    operations.forEach(cut::apply);
    Set<String> losses = new TreeSet<>();
    for (Path path : cut.names) {
      if (path.startsWith(root) && Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        losses.add("name " + root.relativize(path));
      }
    }
    for (Path path : cut.contents) {
      if (path.startsWith(root)
          && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
          && Files.size(path) > 0) {
        losses.add("content " + root.relativize(path));
      }
    }
    return losses;
  }

  private void apply(FileOperation operation) {
    Path path = operation.path();
    switch (operation.kind()) {
      case CREATE_DIRECTORY, CREATE_FILE, CREATE_SYMBOLIC_LINK -> names.add(path);
      case CREATE_LINK -> names.add(target(operation));
      case COPY -> {
        names.add(target(operation));
        contents.add(target(operation));
      }
      case WRITE, TRUNCATE -> contents.add(path);
      case FORCE -> contents.remove(path);
      case FORCE_DIRECTORY -> names.removeIf(name -> path.equals(name.getParent()));
      case DELETE -> {
        names.removeIf(name -> name.startsWith(path));
        contents.removeIf(name -> name.startsWith(path));
      }
      case MOVE -> {
        move(names, path, target(operation));
        move(contents, path, target(operation));
        names.add(target(operation));
      }
      case SET_ATTRIBUTE -> {
        // Goes to the disk with the name or the content.
      }
    }
  }

  private static Path target(FileOperation operation) {
    return Objects.requireNonNull(operation.target(), operation::toString);
  }

  private static void move(Set<Path> paths, Path source, Path target) {
    Set<Path> inside =
        paths.stream().filter(path -> path.startsWith(source)).collect(Collectors.toSet());
    paths.removeIf(path -> path.startsWith(target));
    for (Path path : inside) {
      paths.remove(path);
      paths.add(target.resolve(source.relativize(path)));
    }
  }

  /** Whether {@code operations} force anything. */
  public static boolean forcesAnything(List<FileOperation> operations) {
    return operations.stream()
        .anyMatch(
            operation ->
                operation.kind() == Kind.FORCE || operation.kind() == Kind.FORCE_DIRECTORY);
  }
}
