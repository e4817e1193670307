package io.layerstore.overlay2;

import io.layerstore.spi.DriverIds;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the driver keeps what.
 *
 * <pre>
 * &lt;home&gt;/l/&lt;link&gt;        symbolic link to ../&lt;id&gt;/diff
 * &lt;home&gt;/&lt;id&gt;/diff/       the layer's own files
 * &lt;home&gt;/&lt;id&gt;/link        the layer's name in l/
 * &lt;home&gt;/&lt;id&gt;/lower       the layers below, nearest first; only with a parent, like work/
 * &lt;home&gt;/&lt;id&gt;/work/       the kernel's
 * &lt;home&gt;/&lt;id&gt;/committed   empty; a child was made, so that no change is allowed any more
 * &lt;home&gt;/&lt;id&gt;/merged/     exists while the layer is mounted
 * &lt;home&gt;/&lt;id&gt;/persistent  empty; the mount was made to outlive its process
 * </pre>
 *
 * All but the last are those of {@code graphdriver/overlay2} of moby.
 *
 * @param home the driver's home
 */
record Overlay2Layout(Path home) {

  static final int HOME_MODE = 0710;
  static final int LINKS_MODE = 0700;
  static final int LAYER_MODE = 0710;
  static final int DIFF_MODE = 0755;
  static final int WORK_MODE = 0700;
  static final int FILE_MODE = 0644;
  static final int MARK_MODE = 0600;

  private static final String LINKS = "l";
  private static final String PARENT_PREFIX = "../";
  private static final String DIFF_SUFFIX = "/diff";

  /**
   * Returns {@code id}.
   *
   * @throws IllegalArgumentException if it is no safe path component, or the name of the directory
   *     of links
   */
  static String requireValid(String id) {
    DriverIds.requireValid(id);
    if (id.equals(LINKS)) {
      throw new IllegalArgumentException("invalid driver id: the driver keeps its links in " + id);
    }
    return id;
  }

  /** Whether a name in the home can be that of a layer. */
  static boolean isValid(String id) {
    return DriverIds.isValid(id) && !id.equals(LINKS);
  }

  Path links() {
    return home.resolve(LINKS);
  }

  Path link(String name) {
    return links().resolve(name);
  }

  Path layer(String id) {
    return home.resolve(id);
  }

  Path diff(String id) {
    return layer(id).resolve("diff");
  }

  Path linkFile(String id) {
    return layer(id).resolve("link");
  }

  Path lowerFile(String id) {
    return layer(id).resolve("lower");
  }

  Path work(String id) {
    return layer(id).resolve("work");
  }

  Path merged(String id) {
    return layer(id).resolve("merged");
  }

  Path committed(String id) {
    return layer(id).resolve("committed");
  }

  Path persistent(String id) {
    return layer(id).resolve("persistent");
  }

  /** What a link in {@code l/} to the layer says. */
  static String linkTarget(String id) {
    return PARENT_PREFIX + id + DIFF_SUFFIX;
  }

  /** The layer that a link's target names; null if it is of another form. */
  static @Nullable String idOfTarget(String target) {
    if (!target.startsWith(PARENT_PREFIX) || !target.endsWith(DIFF_SUFFIX)) {
      return null;
    }
    int end = target.length() - DIFF_SUFFIX.length();
    if (end < PARENT_PREFIX.length()) {
      return null;
    }
    String id = target.substring(PARENT_PREFIX.length(), end);
    return isValid(id) ? id : null;
  }
}
