package io.layerstore.registry;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer, read while it comes. A read fails if nothing comes for too long, which
 * {@link java.net.http} has no time-out for, and at once if the thread is interrupted.
 */
final class BodyStream extends InputStream implements HttpResponse.BodySubscriber<BodyStream> {

  /**
   * So many pieces may wait to be read while another one is, each of up to 64 KiB. Few, for what
   * waits here when the process dies is fetched again.
   */
  private static final int PIECES = 1;

  private static final List<ByteBuffer> END = List.of();

  private final Duration idleTimeout;

  /** Where it is as long as something may come. */
  private final Set<BodyStream> open;

  /** Lists of buffers; {@link #END}, or what failed. */
  private final LinkedBlockingQueue<Object> pieces = new LinkedBlockingQueue<>();

  private final Object lock = new Object();
  private Flow.@Nullable Subscription subscription;
  private boolean isClosed;

  private Queue<ByteBuffer> current = new ArrayDeque<>();
  private boolean isEnded;

  private BodyStream(Duration idleTimeout, Set<BodyStream> open) {
    this.idleTimeout = idleTimeout;
    this.open = open;
  }

  /** One that is in {@code open} until its end. */
  static BodyStream among(Set<BodyStream> open, Duration idleTimeout) {
    BodyStream body = new BodyStream(idleTimeout, open);
    open.add(body);
    return body;
  }

  @Override
  public CompletionStage<BodyStream> getBody() {
    return CompletableFuture.completedStage(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription begun) {
    synchronized (lock) {
      if (!isClosed && subscription == null) {
        subscription = begun;
        begun.request(PIECES);
        return;
      }
    }
    begun.cancel();
  }

  @Override
  public void onNext(List<ByteBuffer> piece) {
    pieces.add(piece);
  }

  @Override
  public void onError(Throwable failure) {
    open.remove(this);
    pieces.add(failure);
  }

  @Override
  public void onComplete() {
    open.remove(this);
    pieces.add(END);
  }

  /** Ends the transfer from another thread than the reader's, who is told. */
  void abandon() {
    pieces.add(Clients.ended(null));
    close();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    ByteBuffer buffer = next();
    if (buffer == null) {
      return -1;
    }
    int count = Math.min(length, buffer.remaining());
    buffer.get(target, offset, count);
    return count;
  }

  /** A buffer with something in it; null at the end. */
  @SuppressWarnings("unchecked") // Only such lists are put into the queue.
  private @Nullable ByteBuffer next() throws IOException {
    while (!isEnded) {
      ByteBuffer first = current.peek();
      if (first != null && first.hasRemaining()) {
        return first;
      }
      if (first != null) {
        current.remove();
        continue;
      }
      Object piece = await();
      if (piece == END) {
        isEnded = true;
      } else if (piece instanceof LayerStoreException failure) {
        isEnded = true;
        throw failure;
      } else if (piece instanceof Throwable failure) {
        isEnded = true;
        throw new IOException(
            failure.getMessage() == null ? failure.toString() : failure.getMessage(), failure);
      } else {
        current = new ArrayDeque<>((List<ByteBuffer>) piece);
        request();
      }
    }
    return null;
  }

  private Object await() throws IOException {
    Object piece;
    try {
      piece = pieces.poll(idleTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
    if (piece == null) {
      close();
      throw new HttpTimeoutException("nothing came for " + idleTimeout.toMillis() + " ms");
    }
    return piece;
  }

  private void request() {
    synchronized (lock) {
      if (subscription != null && !isClosed) {
        subscription.request(1);
      }
    }
  }

  /** Ends the transfer; one that has not come to its end takes the connection with it. */
  @Override
  public void close() {
    open.remove(this);
    Flow.Subscription begun;
    synchronized (lock) {
      isClosed = true;
      begun = subscription;
    }
    if (begun != null) {
      begun.cancel();
    }
  }
}
