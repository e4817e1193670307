package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Closing several things. */
final class ClosingTest {

  private final List<String> closed = new ArrayList<>();

  private Closeable named(String name) {
    return () -> closed.add(name);
  }

  @Test
  void all_severalAndNull_closesInTheirOrder() throws IOException {
    Closing.all(named("a"), null, named("b"));

    assertEquals(List.of("a", "b"), closed);
  }

  @Test
  void all_severalFail_throwsTheFirstWithTheOthersAndClosesTheRest() {
    IOException first = new IOException("first");
    IllegalStateException second = new IllegalStateException("second");

    IOException thrown =
        assertThrows(
            IOException.class,
            () ->
                Closing.all(
                    () -> {
                      throw first;
                    },
                    () -> {
                      throw second;
                    },
                    named("rest")));

    assertSame(first, thrown);
    assertArrayEquals(new Throwable[] {second}, thrown.getSuppressed());
    assertEquals(List.of("rest"), closed);
  }

  @Test
  void after_fails_isSuppressedInTheFailure() {
    IOException failure = new IOException("failure");
    IllegalStateException again = new IllegalStateException("again");

    Closing.after(
        failure,
        () -> {
          throw again;
        });

    assertArrayEquals(new Throwable[] {again}, failure.getSuppressed());
  }

  @Test
  void after_failsWithTheSame_changesNothing() {
    IOException failure = new IOException("failure");

    Closing.after(
        failure,
        () -> {
          throw failure;
        });

    assertEquals(0, failure.getSuppressed().length);
  }
}
