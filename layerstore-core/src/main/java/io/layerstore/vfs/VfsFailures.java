package io.layerstore.vfs;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** Turns what the file system throws into the driver's own exceptions. */
final class VfsFailures {

  private VfsFailures() {}

  /** {@code e} as it is if it is of this library, else as the cause of one that says more. */
  static LayerStoreException of(@Nullable String id, String problem, IOException e) {
    if (e instanceof LayerStoreException known) {
      return known;
    }
    if (e instanceof ClosedByInterruptException || Thread.currentThread().isInterrupted()) {
      return new OperationInterruptedException(problem, e);
    }
    return new DriverException(VfsDriverProvider.NAME, id, problem + ": " + reason(e), e);
  }

  /** What went wrong, without names from the archive that nobody has made printable. */
  private static String reason(IOException e) {
    String kind = e.getClass().getSimpleName().replaceAll("Exception$", "");
    String reason = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
    return reason == null ? kind : reason;
  }
}
