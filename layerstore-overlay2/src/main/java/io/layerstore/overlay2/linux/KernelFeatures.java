package io.layerstore.overlay2.linux;

import java.util.List;
import java.util.Optional;

/**
 * What the kernel, the file system and the rights of this process allow, each with the evidence.
 * Immutable.
 *
 * @param all the answers, in the order in which they were found
 */
public record KernelFeatures(List<Feature> all) {

  /** An overlay of two lower layers and an upper one can be mounted. */
  public static final String OVERLAY = "overlay mount";

  /** Overlay keeps its marks in {@code trusted.overlay.*}. */
  public static final String TRUSTED_XATTR = "trusted.overlay.*";

  /** Overlay can keep its marks in {@code user.overlay.*} instead. */
  public static final String USER_XATTR = "userxattr";

  /** Layers can be given one by one through the new mount calls. */
  public static final String NEW_MOUNT_API = "lowerdir+";

  /** The option {@code index} is known. */
  public static final String INDEX_OPTION = "index=off";

  /** The option {@code redirect_dir} is known. */
  public static final String REDIRECT_OPTION = "redirect_dir=nofollow";

  /** The option {@code metacopy} is known. */
  public static final String METACOPY_OPTION = "metacopy=off";

  /** Listing a directory tells the types of what is in it; overlay needs that. */
  public static final String D_TYPE = "d_type";

  /** With these options an upper directory is a complete diff of its layer. */
  public static final String NATIVE_DIFF = "native diff";

  /** With these options a copied-up file may have its content in a lower layer. */
  public static final String METACOPY_IN_USE = "metacopy in use";

  /** Whiteouts can be made. */
  public static final String WHITEOUT = "whiteout";

  /** Devices can be made. */
  public static final String DEVICES = "device nodes";

  /** The name of the file system; always supported. */
  public static final String FILE_SYSTEM = "backing file system";

  /** Copies the list. */
  public KernelFeatures {
    all = List.copyOf(all);
  }

  /**
   * One answer.
   *
   * @param name a constant of {@link KernelFeatures}, or another name for people
   * @param state the answer
   * @param evidence what was tried and what came of it
   */
  public record Feature(String name, State state, String evidence) {

    /** The three answers. */
    public enum State {
      NO,
      YES,
      UNKNOWN
    }

    /** {@code name: yes (evidence)}. */
    @Override
    public String toString() {
      String answer =
          switch (state) {
            case NO -> "no";
            case YES -> "yes";
            case UNKNOWN -> "unknown";
          };
      return name + ": " + answer + (evidence.isEmpty() ? "" : " (" + evidence + ")");
    }
  }

  /** Whether the answer is yes. */
  public boolean has(String name) {
    return find(name).filter(feature -> feature.state() == Feature.State.YES).isPresent();
  }

  /** The answer of that name. */
  public Optional<Feature> find(String name) {
    return all.stream().filter(feature -> feature.name().equals(name)).findFirst();
  }
}
