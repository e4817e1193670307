package io.layerstore.cli;

import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Copies files of an image to the host. Every name is made in a directory that is none of the
 * host's links and was looked at, and what is in the way of a file is removed, never written
 * through. Used by one thread.
 */
final class CopyOut {
  private static final int PERMISSIONS = 07777;

  private final Console console;
  private final Map<Object, Path> firstNames = new HashMap<>();

  /** Directories whose attributes are set in the end, the deepest first. */
  private final Deque<Runnable> directories = new ArrayDeque<>();

  private boolean setsOwners = true;
  private long entries;
  private long bytes;
  private long leftOut;

  CopyOut(Console console) {
    this.console = console;
  }

  long entries() {
    return entries;
  }

  long bytes() {
    return bytes;
  }

  /** How many devices and pipes there were. */
  long leftOut() {
    return leftOut;
  }

  /** Copies what is in the directory {@code source} into the directory {@code target}. */
  void entries(Path source, Path target) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(source)) {
      for (Path entry : all) {
        into(entry, target);
      }
    }
  }

  /** Copies {@code source} into the directory {@code directory}, under its own name. */
  void into(Path source, Path directory) throws IOException {
    as(source, child(directory, source));
  }

  /** The path of the same name in a directory of the host. */
  private static Path child(Path directory, Path source) throws IOException {
    String name = String.valueOf(source.getFileName());
    Path child;
    boolean isPlain = name.chars().allMatch(c -> c >= 0x20 && c < 0x7f);
    if (isPlain || !directory.getFileSystem().equals(FileSystems.getDefault())) {
      child = directory.resolve(name);
    } else {
      // By its bytes, whatever the charset of this machine is.
      String uri = source.toUri().toString();
      String parent = directory.toAbsolutePath().toUri().toString();
      child =
          Path.of(
              URI.create(
                  parent
                      + (parent.endsWith("/") ? "" : "/")
                      + uri.substring(uri.lastIndexOf('/') + 1)));
    }
    if (child.getNameCount() != directory.resolve("x").getNameCount()
        && child.getNameCount() != directory.toAbsolutePath().getNameCount() + 1) {
      throw new FileSystemException(name, null, "no name of one file here");
    }
    return child;
  }

  /** Copies {@code source}, which becomes {@code target}. */
  void as(Path source, Path target) throws IOException {
    LayerEntryAttributes attributes = ShowEntry.attributes(source);
    if (attributes.isOther()) {
      leftOut++;
      console.complain(
          "warning: "
              + ShowEntry.printable(source)
              + " is left out: it is a "
              + ShowEntry.type(attributes));
      return;
    }
    entries++;
    if (attributes.isDirectory()) {
      if (!Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
        Files.createDirectory(target);
      }
      entries(source, target);
      directories.add(() -> setAttributes(target, attributes));
      return;
    }
    removeOld(target);
    Path first = firstNames.putIfAbsent(attributes.fileKey(), target);
    if (first != null && link(target, first)) {
      return;
    }
    if (attributes.isSymbolicLink()) {
      String text = Files.readSymbolicLink(source).toString();
      Files.createSymbolicLink(target, target.getFileSystem().getPath(text));
    } else {
      try (InputStream in = Files.newInputStream(source);
          OutputStream out =
              Files.newOutputStream(
                  target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        bytes += in.transferTo(out);
      }
    }
    setAttributes(target, attributes);
  }

  private static void removeOld(Path target) throws IOException {
    if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(target.toString(), null, "a directory is in the way");
    }
    Files.deleteIfExists(target);
  }

  private static boolean link(Path target, Path first) {
    try {
      Files.createLink(target, first);
      return true;
    } catch (IOException | UnsupportedOperationException e) {
      return false; // There are no such links here: a copy does.
    }
  }

  /** Sets what this user may set; the content is there in any case. */
  private void setAttributes(Path target, LayerEntryAttributes attributes) {
    if (setsOwners) {
      setsOwners =
          attempt(
              () -> {
                Files.setAttribute(
                    target, "unix:uid", (int) attributes.uid(), LinkOption.NOFOLLOW_LINKS);
                Files.setAttribute(
                    target, "unix:gid", (int) attributes.gid(), LinkOption.NOFOLLOW_LINKS);
              });
    }
    if (!attributes.isSymbolicLink()) {
      // Without the special bits where the file is not its owner's.
      int mode = attributes.mode() & (setsOwners ? PERMISSIONS : 0777);
      attempt(() -> Files.setAttribute(target, "unix:mode", mode, LinkOption.NOFOLLOW_LINKS));
    }
    attempt(
        () ->
            Files.getFileAttributeView(
                    target, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .setTimes(attributes.lastModifiedTime(), attributes.lastAccessTime(), null));
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  private static boolean attempt(Step step) {
    try {
      step.run();
      return true;
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false;
    }
  }

  /** Gives directories their attributes. */
  void finish() {
    directories.forEach(Runnable::run);
  }
}
