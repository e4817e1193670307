package io.layerstore.vfs;

import io.layerstore.LayerPath;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** Asks and tells the context of a writer, and marks what the context throws as its own. */
final class ContextCalls {

  private final WriteContext context;

  ContextCalls(WriteContext context) {
    this.context = context;
  }

  @FunctionalInterface
  private interface Call {
    void run() throws IOException;
  }

  private static void call(Call call) throws CallerException {
    try {
      call.run();
    } catch (IOException e) {
      throw new CallerException(e);
    }
  }

  boolean isWritten(LayerPath realPath) {
    return context.isWritten(realPath);
  }

  void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) throws CallerException {
    call(() -> context.wroteThroughLink(path, realPath, sizeBytes));
  }

  void destroying(LayerPath realPath, long sizeBytes, InputStream content) throws CallerException {
    call(() -> context.destroying(realPath, sizeBytes, content));
  }

  void redirecting(LayerPath realPath) throws CallerException {
    call(() -> context.redirecting(realPath));
  }

  void warn(LayerPath path, String reason) {
    context.warn(path, reason);
  }

  /** What the caller's own content or context threw, on its way back to the caller as it was. */
  static final class CallerException extends IOException {

    private static final long serialVersionUID = 1L;

    CallerException(IOException cause) {
      super(cause);
    }

    @Override
    public synchronized IOException getCause() {
      return (IOException) Objects.requireNonNull(super.getCause());
    }
  }
}
