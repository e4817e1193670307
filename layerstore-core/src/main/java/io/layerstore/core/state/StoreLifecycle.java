package io.layerstore.core.state;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a store is open or closed, and what must end before it is closed.
 *
 * <p>Every call that needs the store runs inside {@link #enter}. {@link #beginClose} lets no
 * further call in, waits for those under way, and closes the streams that were given out and not
 * closed. A call may enter again, from a callback of the caller's for instance; closing the store
 * from there would wait for itself and is refused.
 */
public final class StoreLifecycle {

  private static final Logger log = LoggerFactory.getLogger(StoreLifecycle.class);

  private final Object lock = new Object();
  private final ThreadLocal<Integer> depth = ThreadLocal.withInitial(() -> 0);

  @GuardedBy("lock")
  private int calls;

  @GuardedBy("lock")
  private boolean closing;

  @GuardedBy("lock")
  private final Set<Closeable> streams = Collections.newSetFromMap(new IdentityHashMap<>());

  /** One call that is under way. */
  public interface Call extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Begins a call.
   *
   * @throws IllegalStateException if the store is closed
   */
  public Call enter() {
    Call call = enterIfOpen();
    if (call == null) {
      throw new IllegalStateException("the layer store is closed");
    }
    return call;
  }

  /** Begins a call, or returns null if the store is closed. */
  public @Nullable Call enterIfOpen() {
    synchronized (lock) {
      if (closing && depth.get() == 0) {
        return null;
      }
      calls++;
    }
    depth.set(depth.get() + 1);
    return this::exit;
  }

  private void exit() {
    int left = depth.get() - 1;
    if (left == 0) {
      depth.remove();
    } else {
      depth.set(left);
    }
    synchronized (lock) {
      calls--;
      lock.notifyAll();
    }
  }

  /** Remembers a stream that was given out, to close it with the store. */
  public <T extends Closeable> T track(T stream) {
    synchronized (lock) {
      streams.add(stream);
    }
    return stream;
  }

  /** Forgets a stream that was closed. */
  public void untrack(Closeable stream) {
    synchronized (lock) {
      streams.remove(stream);
    }
  }

  /**
   * Lets no further call in and waits for those under way.
   *
   * @return whether this call closes the store; false if another one did
   * @throws IllegalStateException if the calling thread is itself inside a call
   */
  public boolean beginClose() {
    if (depth.get() > 0) {
      throw new IllegalStateException(
          "the layer store cannot be closed from inside one of its own calls");
    }
    List<Closeable> left;
    boolean interrupted = false;
    synchronized (lock) {
      if (closing) {
        return false;
      }
      closing = true;
      while (calls > 0) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      left = new ArrayList<>(streams);
      streams.clear();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    for (Closeable stream : left) {
      try {
        stream.close();
      } catch (IOException e) {
        log.warn("closing a layer stream that was left open failed", e);
      }
    }
    return true;
  }
}
