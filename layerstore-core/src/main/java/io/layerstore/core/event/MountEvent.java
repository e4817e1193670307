package io.layerstore.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One mount or unmount; also one that found the layer mounted, or left it so for others. */
@Name("io.layerstore.Mount")
@Label("Layer Mount")
@Category("layerstore")
@Description("A layer was mounted or unmounted")
@StackTrace(false)
public final class MountEvent extends Event {

  @Label("Layer")
  @Description("Name of the read-write layer, or chain ID of the layer")
  String layer = "";

  @Label("Operation")
  String operation = "";

  /** An event that has not begun. */
  public MountEvent() {}

  /** Ends the event: {@code what}, mount or unmount, was done with the layer {@code name}. */
  public void end(String what, String name) {
    end();
    if (shouldCommit()) {
      operation = what;
      layer = name;
      commit();
    }
  }
}
