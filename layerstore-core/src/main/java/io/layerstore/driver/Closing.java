package io.layerstore.driver;

import com.google.common.io.Closer;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
    List<@Nullable Closeable> lastFirst = new ArrayList<>(resources);
    Collections.reverse(lastFirst);
    Closer closer = Closer.create();
    lastFirst.forEach(closer::register);
    closer.close();
  }

  /**
   * Closes, or takes back, what a failed operation leaves; what fails here too is suppressed in
   * {@code failure}.
   */
  public static void after(Throwable failure, Closeable left) {
    try {
      left.close();
    } catch (IOException | RuntimeException | Error e) {
      if (e != failure) {
        failure.addSuppressed(e);
      }
    }
  }
}
