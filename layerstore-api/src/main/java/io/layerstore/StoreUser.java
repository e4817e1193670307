package io.layerstore;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * One open store among those that share a root.
 *
 * @param pid its process, for people; in another PID namespace the number can be that of another
 *     process
 * @param command how that process was started
 * @param since when it opened the root, by its own clock
 * @param isExclusive whether it keeps others out
 * @param isThisStore whether it is the store that returned this
 * @param holds what it holds or is working on, in words, sorted
 */
public record StoreUser(
    long pid,
    String command,
    Instant since,
    boolean isExclusive,
    boolean isThisStore,
    List<String> holds) {

  private static final int COMMAND_SHOWN = 120;

  /** Copies the list. */
  public StoreUser {
    Objects.requireNonNull(command, "command");
    Objects.requireNonNull(since, "since");
    holds = List.copyOf(holds);
  }

  /** Such as {@code process 4711 (java -jar build.jar), since 2026-11-30T21:00:00Z}. */
  public String describe() {
    return "process %d (%s), since %s".formatted(pid, shown(), since);
  }

  private String shown() {
    String text = ByteString.utf8(command).toString();
    return text.length() <= COMMAND_SHOWN ? text : text.substring(0, COMMAND_SHOWN) + "…";
  }
}
