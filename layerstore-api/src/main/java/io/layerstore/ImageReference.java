package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The name of an image: a repository, and a tag or a manifest digest in it. Immutable.
 *
 * <p>Names are normalised as Docker does: {@code debian} is {@code docker.io/library/debian}, and
 * is shown as {@code debian} again. A name with both tag and digest keeps the digest only, as
 * Docker stores it. Source: package {@code reference} of github.com/distribution/reference.
 */
public final class ImageReference implements Comparable<ImageReference> {

  /** The tag that a name without tag and digest means. */
  public static final String DEFAULT_TAG = "latest";

  private static final String DEFAULT_DOMAIN = "docker.io";
  private static final String OFFICIAL = "library/";
  private static final int MAX_REPOSITORY_LENGTH = 255;

  private static final String DOMAIN_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
  private static final Pattern DOMAIN =
      Pattern.compile(
          "(?:" + DOMAIN_LABEL + "(?:\\." + DOMAIN_LABEL + ")*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?");
  private static final Pattern PATH_COMPONENT =
      Pattern.compile("[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*");
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
  private static final Pattern HEX_ID = Pattern.compile("[a-f0-9]{64}");

  private final String domain;
  private final String path;
  private final @Nullable String tag;
  private final @Nullable Digest digest;

  private ImageReference(
      String domain, String path, @Nullable String tag, @Nullable Digest digest) {
    this.domain = domain;
    this.path = path;
    this.tag = tag;
    this.digest = digest;
  }

  /**
   * Reads {@code [domain/]path[:tag][@digest]} in the short form that people write or in the full
   * one. Without tag and digest the tag is {@link #DEFAULT_TAG}.
   *
   * @throws IllegalArgumentException if {@code text} is no such name; the message says why
   */
  public static ImageReference parse(String text) {
    ImageReference reference = parseRepository(text);
    return reference.tag == null && reference.digest == null
        ? reference.withTag(DEFAULT_TAG)
        : reference;
  }

  /**
   * Like {@link #parse}, but without tag and digest it stays a bare repository.
   *
   * @throws IllegalArgumentException if {@code text} is no such name; the message says why
   */
  public static ImageReference parseRepository(String text) {
    if (HEX_ID.matcher(text).matches()) {
      throw invalid(text, "64 hexadecimal digits are an image id, not a name");
    }
    String rest = text;
    Digest digest = null;
    int at = rest.indexOf('@');
    if (at >= 0) {
      try {
        digest = Digest.parse(rest.substring(at + 1));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(message(text, "what follows @ is no digest"), e);
      }
      rest = rest.substring(0, at);
    }
    String tag = null;
    int colon = rest.lastIndexOf(':');
    if (colon > rest.lastIndexOf('/')) {
      tag = rest.substring(colon + 1);
      rest = rest.substring(0, colon);
      if (!TAG.matcher(tag).matches()) {
        throw invalid(
            text, "a tag has up to 128 letters, digits and _ . -, and begins with none of . and -");
      }
    }
    return ofParts(text, rest, digest == null ? tag : null, digest);
  }

  private static ImageReference ofParts(
      String text, String repository, @Nullable String tag, @Nullable Digest digest) {
    int slash = repository.indexOf('/');
    String first = slash < 0 ? "" : repository.substring(0, slash);
    boolean hasDomain = isDomain(first);
    String domain = hasDomain ? first : DEFAULT_DOMAIN;
    String path = hasDomain ? repository.substring(slash + 1) : repository;
    if (domain.equals("index.docker.io")) {
      domain = DEFAULT_DOMAIN;
    }
    if (domain.equals(DEFAULT_DOMAIN) && path.indexOf('/') < 0) {
      path = OFFICIAL + path;
    }
    // First: the patterns below are for short texts.
    if (domain.length() + 1 + path.length() > MAX_REPOSITORY_LENGTH) {
      throw invalid(text, "a repository has at most " + MAX_REPOSITORY_LENGTH + " characters");
    }
    if (!DOMAIN.matcher(domain).matches()) {
      throw invalid(text, "\"" + domain + "\" is no host name");
    }
    for (String component : path.split("/", -1)) {
      if (!PATH_COMPONENT.matcher(component).matches()) {
        throw invalid(
            text,
            "a repository has lower-case letters and digits, with single . _ __ or - between them");
      }
    }
    if (domain.equals(DEFAULT_DOMAIN) && path.equals(OFFICIAL + "sha256")) {
      throw invalid(text, "sha256 is reserved for ids");
    }
    return new ImageReference(domain, path, tag, digest);
  }

  /** Whether the part before the first slash is a host and not a name space. */
  private static boolean isDomain(String first) {
    return !first.isEmpty()
        && (first.indexOf('.') >= 0
            || first.indexOf(':') >= 0
            || first.equals("localhost")
            || first.chars().anyMatch(Character::isUpperCase));
  }

  private static IllegalArgumentException invalid(String text, String reason) {
    return new IllegalArgumentException(message(text, reason));
  }

  private static String message(String text, String reason) {
    return "invalid image reference \"" + text + "\": " + reason;
  }

  /** The repository as people write it: {@code debian}, {@code example.com/team/tool}. */
  public String repository() {
    if (!domain.equals(DEFAULT_DOMAIN)) {
      return domain + "/" + path;
    }
    return path.startsWith(OFFICIAL) && path.indexOf('/', OFFICIAL.length()) < 0
        ? path.substring(OFFICIAL.length())
        : path;
  }

  /** The repository with its host: {@code docker.io/library/debian}. */
  public String canonicalRepository() {
    return domain + "/" + path;
  }

  /** The registry's host, with its port if one was given. */
  public String domain() {
    return domain;
  }

  /** The tag; empty for a digest reference or a bare repository. */
  public Optional<String> tag() {
    return Optional.ofNullable(tag);
  }

  /** The manifest digest; empty for a tag reference or a bare repository. */
  public Optional<Digest> digest() {
    return Optional.ofNullable(digest);
  }

  /** Whether it names a repository alone. */
  public boolean isRepository() {
    return tag == null && digest == null;
  }

  /**
   * The reference with this tag in the same repository.
   *
   * @throws IllegalArgumentException if {@code newTag} is no tag
   */
  public ImageReference withTag(String newTag) {
    if (!TAG.matcher(newTag).matches()) {
      throw invalid(repository() + ":" + newTag, "not a tag");
    }
    return new ImageReference(domain, path, newTag, null);
  }

  /** The reference with this manifest digest in the same repository. */
  public ImageReference withDigest(Digest newDigest) {
    return new ImageReference(domain, path, null, Objects.requireNonNull(newDigest, "newDigest"));
  }

  /** The reference with its host and name space: {@code docker.io/library/debian:latest}. */
  public String canonical() {
    return canonicalRepository() + suffix();
  }

  private String suffix() {
    return digest != null ? "@" + digest : tag != null ? ":" + tag : "";
  }

  /** By text. */
  @Override
  public int compareTo(ImageReference other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ImageReference that && canonical().equals(that.canonical());
  }

  @Override
  public int hashCode() {
    return canonical().hashCode();
  }

  /** The reference as people write it: {@code debian:latest}. */
  @Override
  public String toString() {
    return repository() + suffix();
  }
}
