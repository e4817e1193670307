package io.layerstore.vfs;

import java.io.IOException;

/**
 * Whether a layer's place is known to its driver alone, so that nobody else can change what is in
 * it.
 *
 * <p>That is so from its creation until the driver first tells where it is; no unmounting brings it
 * back. Safe for use by many threads.
 */
final class Seclusion {

  /** Something to do to files of the layer by their paths. */
  @FunctionalInterface
  interface Action {
    void run() throws IOException;
  }

  private boolean holds;

  private Seclusion(boolean holds) {
    this.holds = holds;
  }

  /** Of a layer that was made just now. */
  static Seclusion ofNewLayer() {
    return new Seclusion(true);
  }

  /** Of a layer whose place may be known. */
  static Seclusion none() {
    return new Seclusion(false);
  }

  /**
   * Runs {@code action} if nobody else can be in the layer before it ends; tells whether it ran.
   */
  synchronized boolean perform(Action action) throws IOException {
    if (holds) {
      action.run();
    }
    return holds;
  }

  /** Ends it, after an action that is under way. */
  synchronized void end() {
    holds = false;
  }
}
