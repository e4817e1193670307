package io.layerstore.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The content of layers forced to the disk, before they are published. */
@Name("io.layerstore.Sync")
@Label("Layer Sync")
@Category("layerstore")
@Description("The files of layers were forced to the disk")
@StackTrace(false)
public final class SyncEvent extends Event {

  @Label("Layers")
  int layers;

  /** An event that has not begun. */
  public SyncEvent() {}

  /** Ends the event with how many layers were forced to the disk at once. */
  public void end(int count) {
    end();
    if (shouldCommit()) {
      layers = count;
      commit();
    }
  }
}
