package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import io.layerstore.spi.HelperFailureException;
import org.jspecify.annotations.Nullable;

/**
 * An ERROR frame: what went wrong in the helper.
 *
 * @param code a {@code CODE_} constant
 * @param errno the error number, or 0
 * @param stage what was being done
 * @param path to what
 * @param text what the kernel said
 */
public record HelperError(int code, int errno, String stage, ByteString path, String text) {

  public static HelperError read(Frame frame) {
    int code = frame.u16();
    int errno = frame.s32();
    String stage = frame.bytes().toString();
    ByteString path = frame.bytes();
    String text = frame.bytes().toString();
    frame.end();
    return new HelperError(code, errno, stage, path, text);
  }

  /** What went wrong, in words, without the stage. */
  public String describe() {
    String on = path.isEmpty() ? "" : "\"" + path + "\": ";
    String kernel = text.isEmpty() ? "" : " (" + text + ")";
    return on + (errno == 0 ? "failed" : Errno.describe(errno)) + kernel;
  }

  public HelperFailureException toException(String driver, @Nullable String id) {
    return new HelperFailureException(driver, id, stage, errno, describe(), null);
  }
}
