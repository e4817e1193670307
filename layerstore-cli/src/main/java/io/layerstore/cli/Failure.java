package io.layerstore.cli;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What the user is told of an exception: one line that says what failed and what to do. */
final class Failure {
  private Failure() {}

  static String describe(Throwable e) {
    if (e instanceof UncheckedIOException && e.getCause() != null) {
      return describe(e.getCause());
    }
    String message = e.getMessage() == null ? "" : e.getMessage();
    if (e instanceof LayerStoreException || e instanceof IllegalArgumentException) {
      return message;
    }
    if (e instanceof NoSuchFileException) {
      return "no such file or directory: " + message + "; check the path";
    }
    if (e instanceof NotDirectoryException) {
      return "not a directory: " + message + "; check the path";
    }
    if (e instanceof FileSystemLoopException) {
      return "too many symbolic links: " + message + "; they may lead in a circle";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied: " + message + "; check its owner and mode, or run as another user";
    }
    if (e instanceof IOException) {
      return "input or output failed: "
          + message
          + "; check the file and the space left on the disk";
    }
    return "unexpected " + e + at(e) + "; please report this line";
  }

  /** The place an unexpected exception comes from, which is what a report needs first. */
  private static String at(Throwable e) {
    StackTraceElement[] trace = e.getStackTrace();
    return trace.length == 0 ? "" : " at " + trace[0];
  }

  /** The message with control characters escaped, so that it stays one line on any terminal. */
  static String oneLine(String message) {
    StringBuilder line = new StringBuilder(message.length());
    message
        .strip()
        .codePoints()
        .forEach(
            c -> {
              if (c == '\n') {
                line.append(' ');
              } else if (Character.isISOControl(c)) {
                line.append(ByteString.utf8(Character.toString(c)));
              } else {
                line.appendCodePoint(c);
              }
            });
    return line.toString();
  }
}
