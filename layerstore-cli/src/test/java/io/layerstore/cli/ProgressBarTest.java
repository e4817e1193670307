package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Progress;
import io.layerstore.StoreUser;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
  private static final String CLEAR = "\r\u001b[K";

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void listener_noTerminal_isSilent() {
    assertNull(bar(false).listener());
  }

  @Test
  void listener_quietOnATerminal_isSilent() {
    ProgressBar bar = bar(true);
    bar.setQuiet(true);

    assertNull(bar.listener());
    bar.show("copying", 1, OptionalLong.empty(), 0);
    assertEquals("", shown());
  }

  @Test
  void onProgress_waitingForAnotherProcess_showsWhich() {
    StoreUser user = new StoreUser(7, "build", Instant.EPOCH, false, false, List.of());
    bar(true)
        .listener()
        .onProgress(
            new Progress(
                new Progress.Operation(1, Progress.Kind.REGISTER),
                Progress.Phase.WAITING,
                Optional.empty(),
                Optional.empty(),
                0,
                0,
                OptionalLong.empty(),
                Optional.of(user)));

    assertEquals(CLEAR + "waiting for " + user.describe(), shown());
  }

  @Test
  void onProgress_totalKnown_showsThePart() {
    bar(true)
        .listener()
        .onProgress(progress(Progress.Phase.UNPACKING, 500, 3, OptionalLong.of(2000)));

    assertEquals(CLEAR + "unpacking [######..................] 25% of 2.0 kB, 3 entries", shown());
  }

  @Test
  void onProgress_totalUnknown_showsTheBytes() {
    bar(true)
        .listener()
        .onProgress(progress(Progress.Phase.SYNCING, 1500, 0, OptionalLong.empty()));

    assertEquals(CLEAR + "syncing 1.5 kB", shown());
  }

  @Test
  void onProgress_moreThanTheTotal_staysWithinTheBar() {
    bar(true)
        .listener()
        .onProgress(progress(Progress.Phase.UNPACKING, 3000, 0, OptionalLong.of(2000)));

    assertTrue(shown().contains("[########################] 100%"), shown());
  }

  @Test
  void onProgress_done_takesTheLineAway() {
    Progress.Listener listener = bar(true).listener();
    listener.onProgress(progress(Progress.Phase.UNPACKING, 1, 1, OptionalLong.empty()));

    listener.onProgress(progress(Progress.Phase.DONE, 1, 1, OptionalLong.empty()));

    assertTrue(shown().endsWith(CLEAR), shown());
  }

  @Test
  void clear_nothingShown_writesNothing() {
    bar(true).clear();

    assertEquals("", shown());
  }

  private static Progress progress(
      Progress.Phase phase, long bytes, long entries, OptionalLong totalBytes) {
    return new Progress(
        new Progress.Operation(1, Progress.Kind.REGISTER),
        phase,
        Optional.empty(),
        Optional.empty(),
        bytes,
        entries,
        totalBytes,
        Optional.empty());
  }

  private ProgressBar bar(boolean terminal) {
    return new ProgressBar(
        new Console(
            InputStream.nullInputStream(), OutputStream.nullOutputStream(), err, false, terminal));
  }

  private String shown() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
