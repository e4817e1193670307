package io.layerstore.registry;

import io.layerstore.Digest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request, written by one thread while it is sent. Hashes what is written, of which
 * the beginning need not be sent. A write fails if nothing is taken for too long, or nobody takes
 * it any more.
 */
final class UploadBody extends OutputStream implements Flow.Publisher<ByteBuffer> {

  private static final int PIECE_BYTES = 64 << 10;

  private final Duration idleTimeout;
  private final MessageDigest digest = Digest.Algorithm.SHA256.newMessageDigest();
  private final byte[] piece = new byte[PIECE_BYTES];
  private int filled;
  private long toSkip;
  private long count;

  private final Object lock = new Object();
  private Flow.@Nullable Subscriber<? super ByteBuffer> subscriber;
  private long demand;
  private boolean isCancelled;

  /**
   * @param toSkip how many bytes the other side has already
   */
  UploadBody(long toSkip, Duration idleTimeout) {
    this.toSkip = toSkip;
    this.idleTimeout = idleTimeout;
  }

  /** Whether nobody takes it any more, so that a failed write is not the writer's fault. */
  boolean isCancelled() {
    synchronized (lock) {
      return isCancelled;
    }
  }

  /** Has writes fail from now on. */
  void cancel() {
    synchronized (lock) {
      isCancelled = true;
      lock.notifyAll();
    }
  }

  /** How many bytes were written. */
  long count() {
    return count;
  }

  /** The digest of all that was written; once. */
  Digest digest() {
    return new Digest(Digest.Algorithm.SHA256, HexFormat.of().formatHex(digest.digest()));
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> taker) {
    synchronized (lock) {
      subscriber = taker;
    }
    taker.onSubscribe(
        new Flow.Subscription() {
          @Override
          public void request(long more) {
            synchronized (lock) {
              demand = demand + more < 0 ? Long.MAX_VALUE : demand + more;
              lock.notifyAll();
            }
          }

          @Override
          public void cancel() {
            UploadBody.this.cancel();
          }
        });
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    digest.update(bytes, offset, length);
    count += length;
    int skipped = (int) Math.min(toSkip, length);
    toSkip -= skipped;
    int at = offset + skipped;
    int left = length - skipped;
    while (left > 0) {
      int part = Math.min(left, PIECE_BYTES - filled);
      System.arraycopy(bytes, at, piece, filled, part);
      filled += part;
      at += part;
      left -= part;
      if (filled == PIECE_BYTES) {
        send();
      }
    }
  }

  private void send() throws IOException {
    if (filled > 0) {
      await().onNext(ByteBuffer.wrap(Arrays.copyOf(piece, filled)));
      filled = 0;
    }
  }

  private Flow.Subscriber<? super ByteBuffer> await() throws IOException {
    long end = System.nanoTime() + idleTimeout.toNanos();
    synchronized (lock) {
      while (subscriber == null || demand == 0 || isCancelled) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (isCancelled) {
          throw new IOException("the registry does not take the rest");
        }
        if (left <= 0) {
          isCancelled = true;
          throw new HttpTimeoutException("nothing was taken for " + idleTimeout.toMillis() + " ms");
        }
        try {
          lock.wait(left);
        } catch (InterruptedException e) {
          isCancelled = true;
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted");
        }
      }
      demand--;
      return subscriber;
    }
  }

  /** Sends the rest, and ends the body. */
  void finish() throws IOException {
    send();
    Flow.Subscriber<? super ByteBuffer> taker;
    synchronized (lock) {
      taker = subscriber;
    }
    if (taker == null) {
      // Nothing was written, and nobody has come yet.
      demandNothing();
      return;
    }
    taker.onComplete();
  }

  private void demandNothing() throws IOException {
    long end = System.nanoTime() + idleTimeout.toNanos();
    synchronized (lock) {
      while (subscriber == null) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (isCancelled || left <= 0) {
          throw new IOException("the registry takes nothing");
        }
        try {
          lock.wait(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new InterruptedIOException("interrupted");
        }
      }
      subscriber.onComplete();
    }
  }

  /** Ends the body with a failure, so that the request ends, too. */
  void abort() {
    Flow.Subscriber<? super ByteBuffer> taker;
    synchronized (lock) {
      isCancelled = true;
      taker = subscriber;
      lock.notifyAll();
    }
    if (taker != null) {
      taker.onError(new IOException("the upload was given up"));
    }
  }
}
