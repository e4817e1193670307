package io.layerstore.driver;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Says what went wrong with a file, where the exception's own message is often the path alone. */
public final class FileFailures {

  /** What the system says, in English. */
  private static final List<String> NO_SPACE =
      List.of("No space left on device", "Disk quota exceeded");

  /** A device of Linux that never has space. */
  private static final Path FULL = Path.of("/dev/full");

  private FileFailures() {}

  /**
   * Whether the disk had no block or no inode left, as far as the text of the failure or of its
   * causes tells.
   */
  public static boolean isForWantOfSpace(Throwable failure) {
    for (@Nullable Throwable e = failure; e != null; e = e.getCause()) {
      String text = String.valueOf(e.getMessage());
      if (NO_SPACE.stream().anyMatch(text::contains) || text.contains(InThisLocale.NO_SPACE)) {
        return true;
      }
    }
    return false;
  }

  /** What the system says in the language of this process; the JDK tells the text and no number. */
  private static final class InThisLocale {
    static final String NO_SPACE = ask();

    private static String ask() {
      if (Files.exists(FULL)) {
        try (OutputStream out = Files.newOutputStream(FULL, StandardOpenOption.WRITE)) {
          out.write(0);
        } catch (IOException e) {
          if (e.getMessage() != null && !e.getMessage().contains(FULL.toString())) {
            return e.getMessage();
          }
        }
      }
      return FileFailures.NO_SPACE.get(0);
    }
  }

  /** What happened to which file and, where that is known, what to do; names are made printable. */
  public static String describe(IOException failure) {
    if (!(failure instanceof FileSystemException e)
        || e.getReason() != null
        || e.getFile() == null) {
      return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }
    String file = ByteString.utf8(e.getFile()).toString();
    if (e instanceof NoSuchFileException) {
      return "no such file or directory: " + file + "; check the path";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied: " + file + "; check its owner and mode, or run as another user";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "something is there already: " + file + "; move it away or choose another place";
    }
    if (e instanceof NotDirectoryException) {
      return "not a directory: " + file + "; choose another place";
    }
    if (e instanceof DirectoryNotEmptyException) {
      return "the directory is not empty: " + file + "; empty it or choose another place";
    }
    return e.getClass().getSimpleName() + ": " + file;
  }

  /** {@code cause} itself if it is the store's own, else a failure to do {@code something}. */
  public static LayerStoreException wrap(String something, IOException cause) {
    return cause instanceof LayerStoreException e
        ? e
        : new LayerStoreException("cannot " + something + ": " + describe(cause), cause);
  }

  /** A failure of the same type and for the same reason, with {@code file} as the file it names. */
  public static FileSystemException at(String file, FileSystemException failure) {
    String reason = failure.getReason();
    FileSystemException same;
    if (failure instanceof NoSuchFileException) {
      same = new NoSuchFileException(file, null, reason);
    } else if (failure instanceof AccessDeniedException) {
      same = new AccessDeniedException(file, null, reason);
    } else if (failure instanceof FileAlreadyExistsException) {
      same = new FileAlreadyExistsException(file, null, reason);
    } else if (failure instanceof NotDirectoryException) {
      same = new NotDirectoryException(file);
    } else if (failure instanceof DirectoryNotEmptyException) {
      same = new DirectoryNotEmptyException(file);
    } else {
      same = new FileSystemException(file, null, reason);
    }
    same.initCause(failure);
    return same;
  }
}
