package io.layerstore.driver;

import com.google.common.util.concurrent.Uninterruptibles;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Looks at many files: what has to wait for the disk waits side by side. */
public final class ManyLooks {

  /** More than there are processors, since a look at what is not in memory waits. */
  private static final int MAX_THREADS = 16;

  /** Too few to start a thread for. */
  private static final int FEW = 64;

  private ManyLooks() {}

  /**
   * Calls {@code look} with each of {@code items}, in no order and from several threads; an
   * interrupt does not cut it off. After an unchecked exception some may not have been looked at.
   */
  public static <T> void forEach(List<T> items, Consumer<T> look) {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    Runnable work =
        () -> {
          try {
            for (int i = next.getAndIncrement(); i < items.size(); i = next.getAndIncrement()) {
              look.accept(items.get(i));
            }
          } catch (RuntimeException | Error e) {
            next.set(items.size());
            failure.compareAndSet(null, e);
          }
        };
    List<Thread> threads = new ArrayList<>();
    for (int i = 1; i < Math.min(MAX_THREADS, items.size() / FEW); i++) {
      Thread thread = new Thread(work, "layerstore-look-" + i);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    work.run();
    threads.forEach(Uninterruptibles::joinUninterruptibly);
    if (failure.get() instanceof RuntimeException e) {
      throw e;
    }
    if (failure.get() instanceof Error e) {
      throw e;
    }
  }
}
