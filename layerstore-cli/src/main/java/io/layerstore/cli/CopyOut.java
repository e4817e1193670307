package io.layerstore.cli;

import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Copies files of an image to the host. Every name is made in a directory that is held open and
 * none of the host's links, and what is in the way of a file is removed, never written through.
 * Used by one thread.
 */
final class CopyOut {
  private final Console console;
  private final Map<Object, First> firstNames = new HashMap<>();
  private boolean setsOwners = true;
  private long entries;
  private long bytes;
  private long leftOut;

  CopyOut(Console console) {
    this.console = console;
  }

  /** The first name that a file got here, and what tells it from others. */
  private record First(Path path, @Nullable Object key) {}

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

  /** Copies what is in the directory {@code source} into {@code target}. */
  void entries(Path source, HostDirectory target) throws IOException {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(source)) {
      for (Path entry : all) {
        as(entry, target, hostName(entry, FileSystems.getDefault()));
      }
    }
  }

  /** The name that {@code source} has here. */
  static Path hostName(Path source, FileSystem host) throws IOException {
    String name = String.valueOf(source.getFileName());
    boolean isPlain = name.chars().allMatch(c -> c >= 0x20 && c < 0x7f);
    Path here;
    if (isPlain) {
      here = host.getPath(name);
    } else {
      // By its bytes, whatever the charset of this machine is.
      String uri = source.toUri().toString();
      Path root = host.getRootDirectories().iterator().next();
      here =
          Path.of(URI.create(root.toUri() + uri.substring(uri.lastIndexOf('/') + 1))).getFileName();
    }
    if (here == null || here.isAbsolute() || here.getRoot() != null || here.getNameCount() != 1) {
      throw new FileSystemException(name, null, "no name of one file here");
    }
    return here;
  }

  /** Copies {@code source}, which becomes {@code name} in {@code target}. */
  void as(Path source, HostDirectory target, Path name) throws IOException {
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
      try (HostDirectory directory = target.directory(name)) {
        entries(source, directory);
        // In the end, for then nothing is made in it any more.
        setsOwners = directory.setAttributes(null, attributes, setsOwners);
      }
      return;
    }
    target.clear(name);
    First first = firstNames.get(attributes.fileKey());
    if (first != null && target.link(name, first.path, first.key)) {
      return;
    }
    if (attributes.isSymbolicLink()) {
      String text = Files.readSymbolicLink(source).toString();
      target.symlink(name, name.getFileSystem().getPath(text));
    } else {
      try (InputStream in = Files.newInputStream(source);
          OutputStream out = target.file(name)) {
        bytes += in.transferTo(out);
      }
    }
    if (attributes.linkCount() > 1) {
      firstNames.put(attributes.fileKey(), new First(target.path(name), target.key(name)));
    }
    setsOwners = target.setAttributes(name, attributes, setsOwners);
  }
}
