package io.layerstore.core.vfs;

import io.layerstore.ByteString;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Refuses names that a file system takes for other ones, because they differ in case or Unicode
 * form only. Where names are exact it does nothing.
 */
final class ExactNames {

  private final boolean foldsNames;

  ExactNames(FileSystemTraits traits) {
    this.foldsNames = traits.foldsNames();
  }

  /** Looks at {@code name} in {@code directory}; null if there is no such name. */
  @Nullable Look look(Directory directory, ByteString name) throws IOException {
    Look look = directory.look(name);
    if (look != null) {
      requireExact(directory, name, look);
    }
    return look;
  }

  /** Refuses {@code name}, found in {@code directory} as {@code look}, unless it is spelt so. */
  void requireExact(Directory directory, ByteString name, Look look) throws IOException {
    if (!foldsNames) {
      return;
    }
    ByteString other = null;
    for (ByteString present : directory.list()) {
      if (present.equals(name)) {
        return;
      }
      Look presentLook = directory.look(present);
      if (presentLook != null && presentLook.isSameFileAs(look)) {
        other = present;
      }
    }
    throw Refusals.sameName(name, other);
  }
}
