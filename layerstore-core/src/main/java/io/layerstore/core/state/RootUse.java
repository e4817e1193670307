package io.layerstore.core.state;

import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreOptions;
import io.layerstore.StoreUser;
import io.layerstore.core.share.Participant;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The right to write to a root: alone, or together with others. Given back with {@link #close}.
 *
 * <p>It is asked for twice, since each way has a hole that the other has not: the gate, a lock on a
 * file, keeps older versions out and is lost if the JVM closes any descriptor of that file; the
 * {@link Participant} is not, but older versions do not know it.
 */
public final class RootUse implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RootUse.class);

  private static final long PAUSE_MILLIS = 20;

  private final StoreLock.Held gate;
  private final @Nullable Participant participant;

  private RootUse(StoreLock.Held gate, @Nullable Participant participant) {
    this.gate = gate;
    this.participant = participant;
  }

  /**
   * Waits as long as {@code options} say for the right to write to their root, which exists.
   *
   * @param canShare whether it can be shared at all
   * @throws StoreLockedException if others do not let this store in
   * @throws OperationInterruptedException if the thread is interrupted while it waits
   */
  public static RootUse begin(StoreOptions options, boolean canShare) throws LayerStoreException {
    boolean isExclusive = options.isExclusive() || !canShare;
    long start = System.nanoTime();
    while (true) {
      try {
        return beginNow(options.root(), isExclusive);
      } catch (StoreLockedException e) {
        if (System.nanoTime() - start >= options.lockTimeout().toNanos()) {
          throw e;
        }
      }
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        throw Interrupts.ended("waiting for the store", e);
      }
    }
  }

  private static RootUse beginNow(Path root, boolean isExclusive) throws LayerStoreException {
    StoreLock.Held gate;
    try {
      gate =
          StoreLock.acquire(
              root, !isExclusive, () -> Participant.removeTraces(root, DataRoot.SHARING));
    } catch (StoreLockedException e) {
      List<StoreUser> users = Participant.usersOf(root, DataRoot.SHARING);
      throw users.isEmpty() ? e : new StoreLockedException(root, users.get(0));
    }
    try {
      return new RootUse(gate, Participant.join(root, DataRoot.SHARING, isExclusive));
    } catch (StoreLockedException e) {
      Closing.after(e, gate::close);
      throw e;
    } catch (LayerStoreException | RuntimeException e) {
      if (isExclusive) {
        // Where there is no way to share, the lock has to do.
        log.debug("only the lock file keeps others out of {}", root, e);
        return new RootUse(gate, null);
      }
      Closing.after(e, gate::close);
      if (e.getCause() instanceof IOException cause && FileFailures.isForWantOfSpace(cause)) {
        // To delete something there must be a way to open it.
        log.warn("no room to share {}: it is open exclusively until there is", root);
        return beginNow(root, true);
      }
      throw e;
    }
  }

  /** The others, and this one among them; null where this one is alone and nobody can be told. */
  public @Nullable Participant participant() {
    return participant;
  }

  /** Whether what a process left that is gone can be told by nobody else being there. */
  public boolean isFirst() {
    return participant == null || participant.isFirst();
  }

  /** Whether somebody else has the root open for writing now. */
  boolean hasOthers() {
    return participant != null && participant.hasOthers();
  }

  /** All who have the root open for writing, this one first; empty if that cannot be told. */
  List<StoreUser> users() throws LayerStoreException {
    return participant == null ? List.of() : participant.users();
  }

  /** See {@link Participant#requireInPlace}. */
  void requireInPlace() throws LayerStoreException {
    if (participant != null) {
      participant.requireInPlace();
    }
  }

  /** Lets others in that wait for the store to be opened. */
  public void opened() {
    if (participant != null) {
      participant.opened();
    }
  }

  /** See {@link StoreLock.Held#deleteFileAtClose}. */
  void deleteFileAtClose() {
    gate.deleteFileAtClose();
  }

  /** Gives the right back. A second call does nothing. */
  @Override
  public void close() throws LayerStoreException {
    try {
      if (participant != null) {
        participant.close();
      }
    } finally {
      gate.close();
    }
  }
}
