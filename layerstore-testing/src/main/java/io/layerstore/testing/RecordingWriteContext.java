package io.layerstore.testing;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A write context that remembers all it is told and knows exactly what was written.
 *
 * <p>What the store would do after each entry, noting that its path was written, is done with
 * {@link #wrote}.
 */
public final class RecordingWriteContext implements WriteContext {

  /**
   * Content that a writer handed back.
   *
   * @param path where it was
   * @param content what it was
   */
  public record Destroyed(LayerPath path, ByteString content) {}

  /**
   * An entry that links led to another place.
   *
   * @param path its own path
   * @param realPath where it was written
   * @param sizeBytes the size of a regular file
   */
  public record ThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) {}

  /**
   * Something a writer could not keep.
   *
   * @param path where
   * @param reason what and why
   */
  public record Warning(LayerPath path, String reason) {}

  private final Set<LayerPath> written = new HashSet<>();
  private final List<Destroyed> destroyed = Collections.synchronizedList(new ArrayList<>());
  private final List<LayerPath> redirected = Collections.synchronizedList(new ArrayList<>());
  private final List<ThroughLink> throughLinks = Collections.synchronizedList(new ArrayList<>());
  private final List<Warning> warnings = Collections.synchronizedList(new ArrayList<>());

  /** Notes that the archive has an entry of this path, after the writer took it. */
  public synchronized void wrote(LayerPath path) {
    written.add(path);
  }

  @Override
  public synchronized boolean isWritten(LayerPath realPath) {
    return written.contains(realPath);
  }

  @Override
  public void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) {
    throughLinks.add(new ThroughLink(path, realPath, sizeBytes));
    wrote(realPath);
  }

  @Override
  public void destroying(LayerPath realPath, long sizeBytes, InputStream content)
      throws IOException {
    ByteString bytes = ByteString.of(content.readAllBytes());
    if (bytes.length() != sizeBytes) {
      throw new IOException(
          "told of " + sizeBytes + " bytes at " + realPath + ", got " + bytes.length());
    }
    destroyed.add(new Destroyed(realPath, bytes));
  }

  @Override
  public void redirecting(LayerPath realPath) {
    redirected.add(realPath);
  }

  @Override
  public void warn(LayerPath path, String reason) {
    warnings.add(new Warning(path, reason));
  }

  /** The contents that were handed back, in order. */
  public List<Destroyed> destroyed() {
    return List.copyOf(destroyed);
  }

  /** The symbolic links that were about to go, in order. */
  public List<LayerPath> redirected() {
    return List.copyOf(redirected);
  }

  /** What was written through links, in order. */
  public List<ThroughLink> throughLinks() {
    return List.copyOf(throughLinks);
  }

  /** What could not be kept, in order. */
  public List<Warning> warnings() {
    return List.copyOf(warnings);
  }
}
