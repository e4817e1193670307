package io.layerstore.driver;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A thread that waited for a key another one held; for Java Flight Recorder. */
@Name("io.layerstore.LockWait")
@Label("Layer Lock Wait")
@Category("layerstore")
@Description("A thread waited for the lock of a layer or a name")
@StackTrace(false)
final class LockWaitEvent extends Event {

  @Label("Key")
  String key = "";

  void end(Object waitedFor) {
    end();
    if (shouldCommit()) {
      key = waitedFor.toString();
      commit();
    }
  }
}
