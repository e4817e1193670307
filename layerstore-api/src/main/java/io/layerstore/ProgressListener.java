package io.layerstore;

/** Is told how far an operation has come. */
@FunctionalInterface
public interface ProgressListener {

  /**
   * Called from a thread that works on the operation, one at a time, at every change of phase and
   * not more often than about ten times a second in between. Several operations may call at once.
   * An exception thrown here is logged and otherwise ignored.
   */
  void onProgress(Progress progress);
}
