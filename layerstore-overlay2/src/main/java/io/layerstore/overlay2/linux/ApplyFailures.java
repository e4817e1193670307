package io.layerstore.overlay2.linux;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.wire.HelperError;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.HelperFailureException;

/** What a failure to unpack means: that the archive is at fault, or the machine. */
final class ApplyFailures {

  private ApplyFailures() {}

  static LayerStoreException of(HelperError error, String id) {
    HelperFailureException cause = error.toException(HelperProcess.DRIVER, id);
    String path = "/" + error.path();
    return switch (error.code()) {
      case Protocol.CODE_BREAKOUT ->
          new ArchiveException(
              Kind.BREAKOUT,
              "the way to " + path + " leads through a symbolic link above the root of the layer",
              cause);
      case Protocol.CODE_NOT_A_DIRECTORY ->
          malformed("there is no way to " + path + ": something on it is no directory", cause);
      case Protocol.CODE_LINK_LOOP ->
          malformed("there is no way to " + path + ": too many symbolic links on it", cause);
      case Protocol.CODE_LINK_STEPS ->
          malformed(
              "the symbolic links on the way to "
                  + path
                  + ", and to others before it, lead over more directories than this store follows",
              cause);
      case Protocol.CODE_MISSING_TARGET ->
          malformed(path + " is a hard link to what the archive does not have before it", cause);
      case Protocol.CODE_BAD_LINK -> malformed(path + " is a hard link to a directory", cause);
      case Protocol.CODE_WHITEOUT_DEVICE ->
          new ArchiveException(
              Kind.UNSUPPORTED_ENTRY,
              path
                  + " is a character device 0/0, which overlay takes for a deletion; if that is what"
                  + " it is for, open the store with the driver option "
                  + WriteSettings.WHITEOUT_DEVICES_OPTION
                  + "=true",
              cause);
      case Protocol.CODE_BAD_XATTR ->
          malformed(
              path + " has an extended attribute whose value Linux refuses: " + error.text(),
              cause);
      default -> cause;
    };
  }

  private static ArchiveException malformed(String problem, Throwable cause) {
    return new ArchiveException(Kind.MALFORMED, problem, cause);
  }
}
