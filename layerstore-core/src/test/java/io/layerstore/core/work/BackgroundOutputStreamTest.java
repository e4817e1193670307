package io.layerstore.core.work;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BackgroundOutputStreamTest {

  private final ExecutorService pool = Executors.newCachedThreadPool();

  @AfterEach
  void endPool() {
    pool.shutdownNow();
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    new Random(count).nextBytes(bytes);
    return bytes;
  }

  private static void assertCopies(Executor executor) throws IOException {
    byte[] expected = bytes(5_000_000);
    ByteArrayOutputStream target = new ByteArrayOutputStream();
    try (OutputStream out = new BackgroundOutputStream(target, executor)) {
      int from = 0;
      for (int step = 1; from < expected.length; step = step * 3 % 200_003 + 1) {
        int length = Math.min(step, expected.length - from);
        out.write(expected, from, length);
        from += length;
      }
    }
    assertArrayEquals(expected, target.toByteArray());
  }

  @Test
  void write_onPool_everythingInOrder() throws IOException {
    assertCopies(pool);
  }

  @Test
  void write_executorRunsInCaller_everythingInOrder() throws IOException {
    assertCopies(Runnable::run);
  }

  @Test
  void write_executorNeverRuns_everythingInOrder() throws IOException {
    assertCopies(task -> {});
  }

  @Test
  void write_executorRejects_everythingInOrder() throws IOException {
    assertCopies(
        task -> {
          throw new RejectedExecutionException("full");
        });
  }

  /** A target that fails at its first write. */
  private static OutputStream failing(Throwable failure, AtomicInteger closed) {
    return new OutputStream() {
      @Override
      public void write(int b) {
        throw new AssertionError("written in blocks");
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        if (failure instanceof IOException e) {
          throw e;
        }
        throw (Error) failure;
      }

      @Override
      public void close() {
        closed.incrementAndGet();
      }
    };
  }

  @Test
  void close_targetFailed_sameExceptionAndTargetClosed() {
    IOException full = new IOException("disk full");
    AtomicInteger closed = new AtomicInteger();
    BackgroundOutputStream out = new BackgroundOutputStream(failing(full, closed), pool);
    IOException e =
        assertThrows(
            IOException.class,
            () -> {
              out.write(bytes(100));
              out.close();
            });
    assertSame(full, e);
    assertEquals(1, closed.get());
  }

  @Test
  void write_targetFailedUnchecked_ioExceptionWithCauseSoon() {
    AssertionError broken = new AssertionError("broken");
    BackgroundOutputStream out =
        new BackgroundOutputStream(failing(broken, new AtomicInteger()), pool);
    byte[] block = bytes(200_000);
    IOException e =
        assertThrows(
            IOException.class,
            () -> {
              for (int i = 0; i < 1000; i++) {
                out.write(block);
              }
            });
    assertSame(broken, e.getCause());
  }

  @Test
  void write_interruptedWhileFull_interruptedAndStatusKept() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    OutputStream stuck =
        new OutputStream() {
          @Override
          public void write(int b) {
            throw new AssertionError("written in blocks");
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
              release.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
              throw new InterruptedIOException();
            }
          }
        };
    BackgroundOutputStream out = new BackgroundOutputStream(stuck, pool);
    Thread.currentThread().interrupt();
    byte[] block = bytes(1 << 20);
    assertThrows(
        InterruptedIOException.class,
        () -> {
          while (true) {
            out.write(block);
          }
        });
    assertTrue(Thread.interrupted());
    release.countDown();
    out.abandon();
  }

  @Test
  void abandon_unwrittenBlocks_targetClosedOnce() throws IOException {
    AtomicInteger closed = new AtomicInteger();
    OutputStream target =
        new ByteArrayOutputStream() {
          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    BackgroundOutputStream out = new BackgroundOutputStream(target, task -> {});
    out.write(bytes(300_000));
    out.abandon();
    out.abandon();
    out.close();
    assertEquals(1, closed.get());
  }
}
