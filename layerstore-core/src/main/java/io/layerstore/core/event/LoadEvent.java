package io.layerstore.core.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One image archive loaded. */
@Name("io.layerstore.Load")
@Label("Image Load")
@Category("layerstore")
@Description("The images of an archive were loaded")
@StackTrace(false)
public final class LoadEvent extends Event {

  @Label("Images")
  int images;

  /** An event that has not begun. */
  public LoadEvent() {}

  /** Ends the event with how many images the archive had. */
  public void end(int count) {
    end();
    if (shouldCommit()) {
      images = count;
      commit();
    }
  }
}
