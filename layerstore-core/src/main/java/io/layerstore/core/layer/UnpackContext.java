package io.layerstore.core.layer;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.core.tarsplit.LinkedPaths;
import io.layerstore.core.tarsplit.SalvagedPayloads;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the unpacking of one archive knows about the paths it has written.
 *
 * <p>Tells whether the tar-split that was written on the way still describes the layer: it does not
 * when a file that it refers to was destroyed by a later entry, or when a name that led through a
 * link may lead elsewhere now.
 */
final class UnpackContext implements WriteContext {

  private static final Logger log = LoggerFactory.getLogger(UnpackContext.class);
  private static final int MAX_LOGGED_WARNINGS = 20;

  private final PathSet written = new PathSet();
  private final @Nullable SalvagedPayloads salvaged;
  private final @Nullable LinkedPaths linked;
  private final @Nullable Consumer<Step> postponed;
  private final String title;
  private long destroyedCount;
  private boolean wroteThroughLink;
  private boolean redirected;
  private boolean repeatedPayload;
  private long warnings;

  /**
   * With places for what the tar-split may need, or null if there will be none.
   *
   * @param title what warnings call the layer
   * @param postponed takes what waits for the layers below; null if they are complete
   */
  UnpackContext(
      String title,
      @Nullable SalvagedPayloads salvaged,
      @Nullable LinkedPaths linked,
      @Nullable Consumer<Step> postponed) {
    this.postponed = postponed;
    this.linked = linked;
    this.title = title;
    this.salvaged = salvaged;
  }

  /** Notes the name of an entry; returns whether it is the first of that name. */
  boolean addName(LayerPath name) {
    return written.add(name);
  }

  /** Notes that two entries of one name have content. */
  void noteRepeatedPayload() {
    repeatedPayload = true;
  }

  /** Whether the tar-split must be made anew. */
  boolean isRewriteNeeded() {
    return destroyedCount > 0 || repeatedPayload || (wroteThroughLink && redirected);
  }

  @Override
  public boolean isWritten(LayerPath realPath) {
    return written.contains(realPath);
  }

  @Override
  public void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes)
      throws IOException {
    if (linked != null && sizeBytes > 0) {
      linked.add(path, realPath);
    }
    wroteThroughLink = true;
    written.add(realPath);
  }

  @Override
  public void destroying(LayerPath realPath, long sizeBytes, InputStream content)
      throws IOException {
    destroyedCount++;
    if (salvaged != null) {
      salvaged.add(sizeBytes, content);
    }
  }

  @Override
  public void redirecting(LayerPath realPath) {
    redirected = true;
  }

  @Override
  public void warn(LayerPath path, String reason) {
    warnings++;
    if (warnings <= MAX_LOGGED_WARNINGS) {
      log.warn("{}: /{}: {}", title, path, reason);
    }
  }

  @Override
  public void whenBelowIsComplete(Step step) throws LayerStoreException {
    if (postponed == null) {
      step.run();
    } else {
      postponed.accept(step);
    }
  }

  /** Says how many warnings were not logged. */
  void logRemainingWarnings() {
    if (warnings > MAX_LOGGED_WARNINGS) {
      log.warn("{}: {} more warnings", title, warnings - MAX_LOGGED_WARNINGS);
    }
  }
}
