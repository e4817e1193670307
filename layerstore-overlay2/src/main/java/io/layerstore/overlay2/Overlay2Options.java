package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.IdMapping;
import io.layerstore.overlay2.linux.WriteSettings;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The driver's options and those of its layers.
 *
 * <p>Docker knows {@code overlay2.size} and the storage option {@code size}; both need the project
 * quotas of XFS, and only work where it is mounted for them. Here they are refused, so that nothing
 * is ever limited by less than was asked for; this driver sets no quotas on XFS either.
 *
 * <p>{@code overlay2.allow_whiteout_devices}, {@code true} or {@code false}, is an option of this
 * driver alone: whether a character device 0/0 in an archive is made, and deletes what is below, as
 * in Docker.
 *
 * <p>So is {@code overlay2.ids}, which says whose the files of an ordinary user's store become:
 * with {@code own} all the user's, with {@code subordinate} those of the ids that the system grants
 * the user. Without the option they are the subordinate ids' where the system grants any.
 */
final class Overlay2Options {

  private static final String SIZE = "overlay2.size";
  private static final String IDS = "overlay2.ids";
  private static final String OWN = "own";
  private static final String SUBORDINATE = "subordinate";
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
      if (isWhiteoutDevices(option.getKey())) {
        requireBoolean(option.getKey(), option.getValue());
        continue;
      }
      if (isIds(option.getKey())) {
        requireIds(option.getKey(), option.getValue());
        continue;
      }
      if (!option.getKey().toLowerCase(Locale.ROOT).equals(SIZE)) {
        throw failure(
            null,
            "unknown option "
                + option.getKey()
                + "; there is "
                + WriteSettings.WHITEOUT_DEVICES_OPTION
                + " and "
                + IDS);
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

  /** Whether a character device 0/0 in an archive is made. */
  static boolean allowsWhiteoutDevices(Map<String, String> options) {
    return options.entrySet().stream()
        .anyMatch(
            option ->
                isWhiteoutDevices(option.getKey()) && Boolean.parseBoolean(option.getValue()));
  }

  /**
   * Checks that the options mean something for the user of this process.
   *
   * @throws DriverException if ids are chosen for root, or others than those of the id mapping
   */
  static void requireFitting(Map<String, String> options, boolean isRoot, IdMapping mapping)
      throws DriverException {
    for (Map.Entry<String, String> option : options.entrySet()) {
      if (!isIds(option.getKey())) {
        continue;
      }
      if (isRoot) {
        throw failure(
            null,
            "the option "
                + option.getKey()
                + " is for ordinary users, and root has all ids; leave it out");
      }
      if (option.getValue().equalsIgnoreCase(OWN) && !mapping.isIdentity()) {
        throw failure(
            null,
            "the option "
                + option.getKey()
                + " is own, and the store has an id mapping; leave one of them out");
      }
    }
  }

  /** Whether all files are to be the user's own. */
  static boolean wantsOwnIds(Map<String, String> options) {
    return hasIds(options, OWN);
  }

  /** Whether nothing is to be done without the subordinate ids. */
  static boolean requiresSubordinateIds(Map<String, String> options) {
    return hasIds(options, SUBORDINATE);
  }

  private static boolean hasIds(Map<String, String> options, String ids) {
    return options.entrySet().stream()
        .anyMatch(option -> isIds(option.getKey()) && option.getValue().equalsIgnoreCase(ids));
  }

  private static boolean isIds(String key) {
    return key.toLowerCase(Locale.ROOT).equals(IDS);
  }

  private static void requireIds(String key, String value) throws DriverException {
    if (!value.equalsIgnoreCase(OWN) && !value.equalsIgnoreCase(SUBORDINATE)) {
      throw failure(
          null,
          "the option " + key + " is " + OWN + " or " + SUBORDINATE + ", not '" + value + "'");
    }
  }

  private static boolean isWhiteoutDevices(String key) {
    return key.toLowerCase(Locale.ROOT).equals(WriteSettings.WHITEOUT_DEVICES_OPTION);
  }

  private static void requireBoolean(String key, String value) throws DriverException {
    if (!value.equalsIgnoreCase("true") && !value.equalsIgnoreCase("false")) {
      throw failure(null, "the option " + key + " is true or false, not '" + value + "'");
    }
  }

  /** Refuses every option of a read-only layer. */
  static void requireNone(String id, Map<String, String> options) throws DriverException {
    for (String key : options.keySet()) {
      throw failure(
          id,
          isSize(key)
              ? "the storage option size is for read-write layers only; leave it out"
              : "unknown storage option " + key);
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
        throw failure(id, "unknown storage option " + option.getKey());
      }
      requireSize(id, option.getValue());
      if (!isNothing(option.getValue())) {
        throw failure(
            id,
            "the storage option size is not supported: it takes project quotas, which "
                + (fileSystem.equals(XFS) ? "this driver does not set" : "only XFS has")
                + "; leave it out, and limit the file system that the store is on instead");
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
