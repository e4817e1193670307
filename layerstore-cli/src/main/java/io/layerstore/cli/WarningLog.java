package io.layerstore.cli;

import java.io.PrintStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.BasicMarkerFactory;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.helpers.NOPMDCAdapter;
import org.slf4j.spi.MDCAdapter;
import org.slf4j.spi.SLF4JServiceProvider;

/**
 * The command's log: warnings go to the standard error as lines of the command's own, and
 * everything below a warning nowhere. A file that is not quite as its archive says is not an error,
 * and no result either, but must not pass in silence.
 *
 * <p>Found by SLF4J as a service. Safe for use by many threads.
 */
public final class WarningLog implements SLF4JServiceProvider {

  private final ILoggerFactory loggers = name -> new Warnings(System.err);
  private final IMarkerFactory markers = new BasicMarkerFactory();
  private final MDCAdapter contexts = new NOPMDCAdapter();

  /** For {@link java.util.ServiceLoader}. */
  public WarningLog() {}

  @Override
  public ILoggerFactory getLoggerFactory() {
    return loggers;
  }

  @Override
  public IMarkerFactory getMarkerFactory() {
    return markers;
  }

  @Override
  public MDCAdapter getMDCAdapter() {
    return contexts;
  }

  @Override
  public String getRequestedApiVersion() {
    return "2.0.99";
  }

  @Override
  public void initialize() {}

  /** Writes warnings and errors, each on one line, without where they come from in the code. */
  static final class Warnings extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;

    private final transient PrintStream err;

    Warnings(PrintStream err) {
      this.err = err;
      this.name = "layerstore";
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
      return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level,
        @Nullable Marker marker,
        String messagePattern,
        Object @Nullable [] arguments,
        @Nullable Throwable throwable) {
      String message = MessageFormatter.basicArrayFormat(messagePattern, arguments);
      String cause = throwable == null ? "" : ": " + throwable.getMessage();
      err.println("layerstore: warning: " + (message + cause).replaceAll("\\s*\\R\\s*", " "));
    }

    @Override
    public boolean isTraceEnabled() {
      return false;
    }

    @Override
    public boolean isDebugEnabled() {
      return false;
    }

    @Override
    public boolean isInfoEnabled() {
      return false;
    }

    @Override
    public boolean isWarnEnabled() {
      return true;
    }

    @Override
    public boolean isErrorEnabled() {
      return true;
    }
  }
}
