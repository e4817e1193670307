package io.layerstore.core;

import io.layerstore.Progress;
import io.layerstore.Progress.Phase;
import io.layerstore.ProgressListener;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a listener how far one operation has come: at every change of phase, and about ten times a
 * second in between. Safe for use by many threads, of which one at a time calls the listener.
 */
final class ProgressReporter {

  private static final Logger log = LoggerFactory.getLogger(ProgressReporter.class);
  private static final long INTERVAL_NANOS = 100_000_000;

  private final ProgressListener listener;
  private final OptionalLong totalBytes;
  private Phase phase = Phase.UNPACKING;
  private long bytes;
  private long entries;
  private long lastNanos = System.nanoTime();

  ProgressReporter(ProgressListener listener, OptionalLong totalBytes) {
    this.listener = listener;
    this.totalBytes = totalBytes;
  }

  /** Counts bytes taken from the source. */
  synchronized void addBytes(long count) {
    bytes += count;
    reportIfDue();
  }

  /** Counts one archive entry. */
  synchronized void addEntry() {
    entries++;
    reportIfDue();
  }

  /** Begins a phase. */
  synchronized void phase(Phase next) {
    phase = next;
    report();
  }

  private void reportIfDue() {
    if (listener != ProgressListener.NONE && System.nanoTime() - lastNanos >= INTERVAL_NANOS) {
      report();
    }
  }

  private void report() {
    if (listener == ProgressListener.NONE) {
      return;
    }
    lastNanos = System.nanoTime();
    try {
      listener.onProgress(new Progress(phase, bytes, entries, totalBytes));
    } catch (RuntimeException e) {
      log.warn("a progress listener failed", e);
    }
  }
}
