package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import java.time.Duration;

/** The one question to a helper that forces data to the disk. */
final class SyncRequest {

  /** A slow disk with gigabytes to write takes its time. */
  private static final Duration TIMEOUT = Duration.ofHours(1);

  private SyncRequest() {}

  static void send(HelperProcess helper) throws LayerStoreException {
    new Conversation(helper, TIMEOUT)
        .ask(
            number -> FrameBuilder.empty(Protocol.OP_SYNC, number),
            Conversation::takeDone,
            error -> error.toException(HelperProcess.DRIVER, null));
  }
}
