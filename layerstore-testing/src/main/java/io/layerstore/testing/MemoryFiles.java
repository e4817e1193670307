package io.layerstore.testing;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.nio.file.FileSystem;

/** File systems in memory, with every attribute view that a Jimfs can have. */
public final class MemoryFiles {

  private MemoryFiles() {}

  /** One that treats names as Linux does. */
  public static FileSystem unix() {
    return of(Configuration.unix().toBuilder());
  }

  /** One in which names that differ in case or Unicode form only are one. */
  public static FileSystem mac() {
    return of(Configuration.osX().toBuilder());
  }

  /** One in which many names are not possible, and case does not matter. */
  public static FileSystem windows() {
    return of(Configuration.windows().toBuilder());
  }

  /** One as {@code configuration} says, with all views. */
  public static FileSystem of(Configuration.Builder configuration) {
    return Jimfs.newFileSystem(
        configuration
            .setAttributeViews("basic", "owner", "posix", "unix", "user")
            .setBlockSize(512)
            .build());
  }
}
