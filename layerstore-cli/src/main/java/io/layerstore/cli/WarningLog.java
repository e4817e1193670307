package io.layerstore.cli;

import org.slf4j.ILoggerFactory;
import org.slf4j.IMarkerFactory;
import org.slf4j.helpers.BasicMarkerFactory;
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

  private final ILoggerFactory loggers = name -> new WarningLogger(System.err);
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
}
