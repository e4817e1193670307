package io.layerstore.driver.rooted;

import java.io.Closeable;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Closes several things, each whatever becomes of the others. */
public final class Closing {

  private Closing() {}

  /** Closes all that are not null, in this order; see {@link #all(List)}. */
  public static void all(@Nullable Closeable... resources) throws IOException {
    all(Arrays.asList(resources));
  }

  /**
   * Closes all that are not null, in this order.
   *
   * @throws IOException the first failure, the others suppressed in it
   */
  public static void all(List<? extends @Nullable Closeable> resources) throws IOException {
    IOException failure = null;
    for (Closeable resource : resources) {
      try {
        if (resource != null) {
          resource.close();
        }
      } catch (IOException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
