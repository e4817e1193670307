package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ArchiveException;
import org.junit.jupiter.api.function.Executable;

/** Asserts that archives are refused, and why. */
public final class Refusals {
  private Refusals() {}

  /** Asserts that {@code executable} refuses an archive for the reason {@code kind}. */
  public static ArchiveException assertRefused(ArchiveException.Kind kind, Executable executable) {
    return assertRefused(kind, executable, "");
  }

  /** The same; {@code message} is for a failure. */
  public static ArchiveException assertRefused(
      ArchiveException.Kind kind, Executable executable, String message) {
    ArchiveException refusal = assertThrows(ArchiveException.class, executable, message);
    assertEquals(kind, refusal.kind(), () -> message + refusal);
    return refusal;
  }
}
