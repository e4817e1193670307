package io.layerstore.vfs;

import io.layerstore.DriverException;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The options that Docker's vfs driver knows, checked. */
final class VfsOptions {

  private static final String XATTRS = "vfs.xattrs";
  private static final String XATTRS_BEST_EFFORT = "i_want_broken_containers";
  private static final String SIZE = "size";

  private VfsOptions() {}

  /**
   * Checks the options of the driver.
   *
   * @throws DriverException if one is unknown or cannot be done
   */
  static void requireValid(Map<String, String> options) throws DriverException {
    for (Map.Entry<String, String> option : options.entrySet()) {
      String name = option.getKey().toLowerCase(Locale.ROOT);
      switch (name) {
        case XATTRS -> requireBestEffort(option.getValue());
        case SIZE -> throw noQuota(null);
        default ->
            throw failure(
                null, "unknown option \"" + option.getKey() + "\"; there is " + XATTRS + " only");
      }
    }
  }

  /** Attributes the file system refuses are recorded in any case, so nothing gets broken by it. */
  private static void requireBestEffort(String value) throws DriverException {
    if (!value.equals(XATTRS_BEST_EFFORT)) {
      throw failure(
          null, XATTRS + " can be \"" + XATTRS_BEST_EFFORT + "\" only, not \"" + value + "\"");
    }
  }

  /**
   * Checks the storage options of the layer {@code id}: there is none that can be done.
   *
   * @throws DriverException if there is one
   */
  static void requireNone(String id, Map<String, String> storageOptions) throws DriverException {
    for (String name : storageOptions.keySet()) {
      if (name.toLowerCase(Locale.ROOT).equals(SIZE)) {
        throw noQuota(id);
      }
      throw failure(id, "unknown storage option \"" + name + "\"; the driver has none");
    }
  }

  private static DriverException noQuota(@Nullable String id) {
    return failure(
        id,
        "the size of a layer cannot be limited, because that needs quotas of the file system;"
            + " leave out the option \"size\"");
  }

  private static DriverException failure(@Nullable String id, String problem) {
    return new DriverException(VfsDriverProvider.NAME, id, problem, null);
  }
}
