package io.layerstore;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Facts about a graph driver in a fixed order, for people: what {@code docker info} prints below
 * the storage driver.
 *
 * @param facts the facts
 */
public record DriverStatus(List<Fact> facts) {

  /**
   * One fact.
   *
   * @param name what it is about
   * @param value what it is
   */
  public record Fact(String name, String value) {

    /** Rejects nulls. */
    public Fact {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(value, "value");
    }
  }

  /** Copies the list. */
  public DriverStatus {
    facts = List.copyOf(facts);
  }

  /** The value of the first fact called {@code name}. */
  public Optional<String> get(String name) {
    return facts.stream().filter(fact -> fact.name().equals(name)).map(Fact::value).findFirst();
  }
}
