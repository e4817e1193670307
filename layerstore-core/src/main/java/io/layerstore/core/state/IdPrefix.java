package io.layerstore.core.state;

import io.layerstore.AmbiguousIdException;
import io.layerstore.Digest;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The beginning of an ID, as people type it.
 *
 * @param text what was typed
 * @param hex its digits, without {@code sha256:}
 */
public record IdPrefix(String text, String hex) {

  private static final Pattern TEXT = Pattern.compile("(?:sha256:)?([0-9a-f]{1,64})");
  private static final int MAX_CANDIDATES = 10;

  /** What {@code text} is the beginning of; empty if no ID begins so. */
  public static Optional<IdPrefix> parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    return matcher.matches() ? Optional.of(new IdPrefix(text, matcher.group(1))) : Optional.empty();
  }

  /** Those of {@code ids} that begin so, sorted, as many as a message can name. */
  public <T extends Comparable<T>> List<T> among(Collection<T> ids, Function<T, Digest> digest) {
    return ids.stream()
        .filter(id -> digest.apply(id).hex().startsWith(hex))
        .sorted()
        .limit(MAX_CANDIDATES)
        .toList();
  }

  /** The one that is {@code found}; empty if none is. */
  public <T> Optional<T> only(List<T> found) throws AmbiguousIdException {
    if (found.size() > 1) {
      throw new AmbiguousIdException(text, found.stream().map(Object::toString).toList());
    }
    return found.stream().findFirst();
  }
}
