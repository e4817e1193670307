package io.layerstore.overlay2;

import io.layerstore.DriverException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The driver's options and those of its layers.
 *
 * <p>Docker knows {@code overlay2.size} and the storage option {@code size}; both need the project
 * quotas of XFS, and only work where it is mounted for them. Here they are refused with Docker's
 * reasons, so that nothing is ever limited by less than was asked for; on XFS the reason goes on,
 * for this driver sets no quotas there either.
 */
final class Overlay2Options {

  private static final String SIZE = "overlay2.size";
  private static final String XFS = "xfs";
  private static final String NONE_ARE_SET =
      "; this driver sets no project quotas, also where the file system has them";

  /** A number and perhaps a unit, as {@code units.RAMInBytes} of docker/go-units reads it. */
  private static final Pattern BYTES =
      Pattern.compile("[0-9]+(\\.[0-9]+)? ?([kmgtp]?i?b?)", Pattern.CASE_INSENSITIVE);

  private static final Pattern NOTHING =
      Pattern.compile("0+(\\.0+)? ?([kmgtp]?i?b?)", Pattern.CASE_INSENSITIVE);

  private Overlay2Options() {}

  /**
   * Checks the options of the driver.
   *
   * @param fileSystem the name of the file system that the home is on
   * @throws DriverException if one is unknown, malformed or cannot be honoured
   */
  static void requireValid(Map<String, String> options, String fileSystem) throws DriverException {
    for (Map.Entry<String, String> option : options.entrySet()) {
      if (!option.getKey().toLowerCase(Locale.ROOT).equals(SIZE)) {
        throw failure(null, "unknown option " + option.getKey());
      }
      requireSize(null, option.getValue());
      if (isNothing(option.getValue())) {
        continue;
      }
      throw failure(
          null,
          fileSystem.equals(XFS)
              ? "Storage option overlay2.size not supported. Filesystem does not support Project Quota"
                  + NONE_ARE_SET
              : "Storage Option overlay2.size only supported for backingFS XFS. Found "
                  + fileSystem);
    }
  }

  /** Refuses every option of a read-only layer. */
  static void requireNone(String id, Map<String, String> options) throws DriverException {
    for (String key : options.keySet()) {
      throw failure(
          id,
          isSize(key)
              ? "--storage-opt size is only supported for ReadWrite Layers"
              : "Unknown option " + key);
    }
  }

  /**
   * Refuses every option of a read-write layer that asks for something.
   *
   * @param fileSystem the name of the file system that the home is on
   */
  static void requireNoQuota(String id, Map<String, String> options, String fileSystem)
      throws DriverException {
    for (Map.Entry<String, String> option : options.entrySet()) {
      if (!isSize(option.getKey())) {
        throw failure(id, "Unknown option " + option.getKey());
      }
      requireSize(id, option.getValue());
      if (!isNothing(option.getValue())) {
        throw failure(
            id,
            "--storage-opt is supported only for overlay over xfs with 'pquota' mount option"
                + (fileSystem.equals(XFS) ? NONE_ARE_SET : ""));
      }
    }
  }

  private static boolean isSize(String key) {
    return key.toLowerCase(Locale.ROOT).equals("size");
  }

  private static void requireSize(@Nullable String id, String value) throws DriverException {
    if (!BYTES.matcher(value.strip()).matches()) {
      throw failure(id, "invalid size: '" + value + "'");
    }
  }

  private static boolean isNothing(String value) {
    return NOTHING.matcher(value.strip()).matches();
  }

  private static DriverException failure(@Nullable String id, String problem) {
    return new DriverException(Overlay2DriverProvider.NAME, id, problem, null);
  }
}
