package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.KernelFeatures.Feature;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The one question to a helper that probes. */
final class ProbeRequest {

  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  private ProbeRequest() {}

  static KernelFeatures send(HelperProcess helper) throws LayerStoreException {
    List<Feature> features = new ArrayList<>();
    new Conversation(helper, TIMEOUT)
        .ask(
            number -> FrameBuilder.empty(Protocol.OP_PROBE, number),
            frame -> {
              if (frame.opcode() != Protocol.OP_FEATURE) {
                return Conversation.takeDone(frame);
              }
              String name = frame.bytes().toString();
              Feature.State state = stateOf(frame.u8());
              features.add(new Feature(name, state, frame.bytes().toString()));
              frame.end();
              return false;
            },
            error -> error.toException(HelperProcess.DRIVER, null));
    return new KernelFeatures(features);
  }

  private static Feature.State stateOf(int code) {
    return switch (code) {
      case Protocol.STATE_NO -> Feature.State.NO;
      case Protocol.STATE_YES -> Feature.State.YES;
      case Protocol.STATE_UNKNOWN -> Feature.State.UNKNOWN;
      default -> throw new Frame.GarbageException("unknown state " + code);
    };
  }
}
