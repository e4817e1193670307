package io.layerstore.core.event;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** One layer taken in, from opening its archive to its publication. */
@Name("io.layerstore.Register")
@Label("Layer Registration")
@Category("layerstore")
@Description("A layer archive was unpacked and published")
@StackTrace(false)
public final class RegisterEvent extends Event {

  @Label("Chain ID")
  String chainId = "";

  @Label("Diff ID")
  String diffId = "";

  @Label("Layer Size")
  @DataAmount
  long sizeBytes;

  /** An event that has not begun. */
  public RegisterEvent() {}

  /** Ends the event with what was registered. */
  public void end(ChainId chain, DiffId diff, long bytes) {
    end();
    if (shouldCommit()) {
      chainId = chain.toString();
      diffId = diff.toString();
      sizeBytes = bytes;
      commit();
    }
  }
}
