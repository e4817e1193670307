package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import java.nio.file.Path;
import java.time.Duration;

/** The question to a helper that deletes. */
final class RemoveRequest {

  /** Millions of files on a slow disk take their time. */
  private static final Duration TIMEOUT = Duration.ofHours(1);

  private RemoveRequest() {}

  static void send(HelperProcess helper, Path home, String id) throws LayerStoreException {
    ByteString name = ByteString.utf8(id);
    new Conversation(helper, TIMEOUT)
        .ask(
            number ->
                new FrameBuilder(Protocol.HEADER_SIZE + 2 + name.length())
                    .begin(Protocol.OP_REMOVE, number)
                    .bytes(name)
                    .end(),
            Conversation::takeDone,
            error -> {
              boolean isMount =
                  error.code() == Protocol.CODE_BUSY || error.code() == Protocol.CODE_CROSSES_MOUNT;
              return isMount
                  ? new MountBusyException(
                      id,
                      MountHolders.mountsBelow(home.resolve(id)),
                      error.toException(HelperProcess.DRIVER, id))
                  : error.toException(HelperProcess.DRIVER, id);
            });
  }
}
