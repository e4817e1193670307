package io.layerstore.overlay2.linux;

import io.layerstore.spi.DriverIds;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What to mount. Immutable.
 *
 * @param id the layer
 * @param lowerLinks the names in {@code l/} of the layers below, nearest first; empty only for a
 *     mount that is for reading only
 * @param isReadOnly whether the layer's own directory is the topmost lower one, and nothing can be
 *     written
 * @param label the SELinux label of all files, or empty
 * @param isPersistent whether the mount stays when the process ends
 * @param forbidsDevices whether device nodes in it do not work
 * @param api the system calls to use
 */
public record OverlayMount(
    String id,
    List<String> lowerLinks,
    boolean isReadOnly,
    String label,
    boolean isPersistent,
    boolean forbidsDevices,
    Mounts.Api api) {

  /** Printable, and without what would end the quotes it stands in. */
  private static final Pattern LABEL = Pattern.compile("[!#-\\[\\]-~]{0,255}");

  /**
   * Copies the list and checks what is passed to the kernel.
   *
   * @throws IllegalArgumentException if there is no lower layer and it is for writing, for such a
   *     layer needs no mount; or if the id, a link name or the label is of another form than they
   *     can have
   */
  public OverlayMount {
    DriverIds.requireValid(id);
    lowerLinks = List.copyOf(lowerLinks);
    Objects.requireNonNull(api, "api");
    if (lowerLinks.isEmpty() && !isReadOnly) {
      throw new IllegalArgumentException(
          "a layer without lower layers needs no mount to be written: " + id);
    }
    for (String link : lowerLinks) {
      if (!LinkName.isValid(link)) {
        throw new IllegalArgumentException("invalid name of a lower layer");
      }
    }
    if (!LABEL.matcher(label).matches()) {
      throw new IllegalArgumentException("invalid mount label");
    }
  }

  /** For writing. */
  public static OverlayMount readWrite(String id, List<String> lowerLinks) {
    return new OverlayMount(id, lowerLinks, false, "", false, false, Mounts.Api.ANY);
  }

  /** For reading only, devices forbidden. */
  public static OverlayMount readOnly(String id, List<String> lowerLinks) {
    return new OverlayMount(id, lowerLinks, true, "", false, true, Mounts.Api.ANY);
  }

  /** The same with an SELinux label. */
  public OverlayMount withLabel(String newLabel) {
    return new OverlayMount(
        id, lowerLinks, isReadOnly, newLabel, isPersistent, forbidsDevices, api);
  }

  /** The same, to stay when the process ends. */
  public OverlayMount persistent() {
    return new OverlayMount(id, lowerLinks, isReadOnly, label, true, forbidsDevices, api);
  }

  /** The same through certain system calls. */
  public OverlayMount with(Mounts.Api newApi) {
    return new OverlayMount(
        id, lowerLinks, isReadOnly, label, isPersistent, forbidsDevices, newApi);
  }
}
