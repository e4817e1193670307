package io.layerstore.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/** The image that a real dockerd wrote and the jar contains. */
final class Sample {
  /** What the image is called. */
  static final String REFERENCE = "layerstore/sample:latest";

  private Sample() {}

  /** The archive of the image. */
  static byte[] image() throws IOException {
    try (InputStream in = Sample.class.getResourceAsStream("sample-image.tar")) {
      return Objects.requireNonNull(in, "sample-image.tar").readAllBytes();
    }
  }

  /** The archive of one of its layers, the bottom one first. */
  static byte[] layer(int index) throws IOException {
    Map<?, ?> manifest = (Map<?, ?>) ((List<?>) document(file("manifest.json"))).get(0);
    return file((String) ((List<?>) manifest.get("Layers")).get(index));
  }

  /** The bytes of its configuration. */
  static byte[] config() throws IOException {
    Map<?, ?> manifest = (Map<?, ?>) ((List<?>) document(file("manifest.json"))).get(0);
    return file((String) manifest.get("Config"));
  }

  private static Object document(byte[] json) throws IOException {
    return Objects.requireNonNull(JsonTree.read(new ByteArrayInputStream(json)));
  }

  private static byte[] file(String name) throws IOException {
    try (TarArchiveInputStream tar = new TarArchiveInputStream(new ByteArrayInputStream(image()))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        if (entry.getName().equals(name)) {
          return tar.readAllBytes();
        }
      }
    }
    throw new IOException("sample-image.tar has no " + name);
  }
}
