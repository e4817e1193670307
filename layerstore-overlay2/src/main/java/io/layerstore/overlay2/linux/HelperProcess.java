package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.HelperFailureException;
import io.layerstore.OperationInterruptedException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A helper process and the conversation with it.
 *
 * <p>Frames from the helper are read by a thread of its own, in batches, so that an interrupt of a
 * calling thread never ends a read in the middle; what the helper writes to its standard error is
 * kept for messages, 64 KiB of it. Frames that make no sense end the conversation: the process is
 * killed, and every later call fails.
 *
 * <p>One thread at a time takes frames. {@link #kill} may be called by any thread.
 */
final class HelperProcess implements AutoCloseable {

  /** The name under which failures are reported. */
  static final String DRIVER = "overlay2";

  private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration DEATH_TIMEOUT = Duration.ofSeconds(5);
  private static final int BATCH_SIZE = 128 << 10;
  private static final int MAX_BATCHES = 4;
  private static final int MAX_STDERR = 64 << 10;
  private static final int MAX_SPAWN_ATTEMPTS = 20;
  private static final long SPAWN_PAUSE_NANOS = 1_000_000;
  private static final int HANDSHAKE_SEQUENCE = 0;

  private final HelperMode mode;
  private final String id;
  private final Process process;
  private final OutputStream input;
  private final Thread reader;
  private final Thread stderrReader;
  private final StringBuilder stderr = new StringBuilder();

  /** Guards what follows, and what users of {@link #changed} keep under it. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final Deque<Batch> batches = new ArrayDeque<>();
  private final Deque<Batch> spare = new ArrayDeque<>();
  private boolean inputEnded;
  private @Nullable String garbage;
  private boolean isClosed;

  /** The batch that frames are taken from; only the taking thread touches it. */
  private @Nullable Batch current;

  /** Complete frames, one after the other. */
  private static final class Batch {
    final byte[] bytes;
    final ByteBuffer frames;

    Batch(int size) {
      bytes = new byte[size];
      frames = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  private HelperProcess(HelperMode mode, String id, Process process) {
    this.mode = mode;
    this.id = id;
    this.process = process;
    this.input = process.getOutputStream();
    this.reader = startThread("answers", this::readFrames);
    this.stderrReader = startThread("messages", this::readStderr);
  }

  /**
   * Starts a helper and waits until it is ready.
   *
   * @throws HelperFailureException if it cannot be started or is not able to do what {@code start}
   *     says
   */
  static HelperProcess start(Path binary, HelperStart start, UserNamespace namespace)
      throws HelperFailureException, OperationInterruptedException {
    return start(binary, start, namespace, HANDSHAKE_TIMEOUT);
  }

  /** The same with another limit to the time that it takes. */
  static HelperProcess start(
      Path binary, HelperStart start, UserNamespace namespace, Duration timeout)
      throws HelperFailureException, OperationInterruptedException {
    HelperProcess helper = new HelperProcess(start.mode(), start.id(), spawn(binary, start.mode()));
    boolean isReady = false;
    try {
      helper.shakeHands(start, namespace, timeout);
      isReady = true;
      return helper;
    } finally {
      if (!isReady) {
        helper.kill();
      }
    }
  }

  private static Process spawn(Path binary, HelperMode mode) throws HelperFailureException {
    ProcessBuilder builder = new ProcessBuilder(binary.toString(), mode.argument());
    builder.environment().clear();
    builder.directory(Path.of("/").toFile());
    for (int attempt = 1; ; attempt++) {
      try {
        return builder.start();
      } catch (IOException e) {
        // A file just written cannot be executed while a child that another thread forked meanwhile
        // still has it open.
        int errno = SpawnFailure.errnoOf(e);
        if (errno != Errno.ETXTBSY || attempt == MAX_SPAWN_ATTEMPTS) {
          throw new HelperFailureException(
              DRIVER, null, "start helper", errno, SpawnFailure.explain(binary, e), e);
        }
        LockSupport.parkNanos(SPAWN_PAUSE_NANOS);
      }
    }
  }

  private void shakeHands(HelperStart start, UserNamespace namespace, Duration timeout)
      throws HelperFailureException, OperationInterruptedException {
    try {
      send(start.frame(namespace, HANDSHAKE_SEQUENCE));
      Frame frame = next(timeout);
      if (frame.opcode() == Protocol.OP_MAP && namespace.hasRanges()) {
        long pid = frame.u32();
        frame.end();
        IdMaps.write(pid, namespace.ranges());
        send(FrameBuilder.empty(Protocol.OP_MAPPED, HANDSHAKE_SEQUENCE));
        frame = next(timeout);
      }
      requireOpcode(frame, Protocol.OP_HELLO);
      long version = frame.u32();
      frame.u32();
      frame.u32();
      frame.end();
      if (version != Protocol.PROTOCOL_VERSION) {
        throw new Frame.GarbageException("helper speaks protocol " + version);
      }
    } catch (Frame.GarbageException e) {
      throw garbage(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException("starting a helper process", e);
    }
  }

  /** The process id of the helper. */
  long pid() {
    return process.pid();
  }

  /** Whether the process runs. */
  boolean isAlive() {
    return process.isAlive();
  }

  // ---- to the helper ----

  /** Sends frames; blocks while the helper is busy. */
  void send(FrameBuilder frames) throws HelperFailureException {
    try {
      write(frames.array(), frames.size());
    } catch (IOException e) {
      throw endOf(e);
    }
  }

  /** Sends bytes; what the helper had to say before it stopped reading is among its frames. */
  void write(byte[] bytes, int length) throws IOException {
    input.write(bytes, 0, length);
    input.flush();
  }

  // ---- from the helper ----

  private void readFrames() {
    String problem = null;
    try (InputStream output = process.getInputStream()) {
      readFrames(output);
    } catch (Frame.GarbageException e) {
      problem = e.getMessage();
    } catch (IOException e) {
      // The process is dead or was killed; what it said until then counts.
    }
    if (problem != null) {
      process.destroyForcibly();
    }
    lock.lock();
    try {
      inputEnded = true;
      garbage = problem;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void readFrames(InputStream output) throws IOException {
    Batch batch = new Batch(BATCH_SIZE);
    int filled = 0;
    while (true) {
      int count = output.read(batch.bytes, filled, batch.bytes.length - filled);
      if (count < 0) {
        break;
      }
      filled += count;
      int complete = completeFrames(batch.frames, filled);
      int needed = complete == filled ? 0 : lengthOfFrame(batch.frames, complete, filled);
      if (complete == 0 && needed <= batch.bytes.length) {
        continue;
      }
      Batch next = takeSpare(needed);
      System.arraycopy(batch.bytes, complete, next.bytes, 0, filled - complete);
      filled -= complete;
      if (complete > 0) {
        batch.frames.position(0).limit(complete);
        publish(batch);
      }
      batch = next;
    }
    if (filled > 0) {
      throw new Frame.GarbageException("helper ended inside a frame");
    }
  }

  /** Where the last complete frame ends. */
  private static int completeFrames(ByteBuffer frames, int filled) {
    int end = 0;
    while (filled - end >= Protocol.HEADER_SIZE) {
      int length = lengthOfFrame(frames, end, filled);
      if (filled - end < length) {
        break;
      }
      end += length;
    }
    return end;
  }

  /**
   * The length of the frame that begins at {@code start}, or of a header as long as it is not
   * complete.
   */
  private static int lengthOfFrame(ByteBuffer frames, int start, int filled) {
    if (filled - start < Protocol.HEADER_SIZE) {
      return Protocol.HEADER_SIZE;
    }
    int length = frames.getInt(start);
    int opcode = frames.getShort(start + 4) & 0xffff;
    if (length < 0 || length > Protocol.limitOf(opcode) || frames.getShort(start + 6) != 0) {
      throw new Frame.GarbageException("invalid frame header");
    }
    return Protocol.HEADER_SIZE + length;
  }

  private Batch takeSpare(int size) {
    lock.lock();
    try {
      Batch batch = spare.poll();
      if (batch != null && batch.bytes.length >= size) {
        batch.frames.clear();
        return batch;
      }
    } finally {
      lock.unlock();
    }
    return new Batch(Math.max(size, BATCH_SIZE));
  }

  /**
   * Hands a batch over; drops it if nobody takes frames any more, so that the helper can go on to
   * its end.
   */
  private void publish(Batch batch) {
    lock.lock();
    try {
      while (batches.size() == MAX_BATCHES && !isClosed) {
        changed.awaitUninterruptibly();
      }
      if (!isClosed) {
        batches.add(batch);
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The next frame if it is there already, else null. */
  @Nullable Frame poll() {
    Batch batch = current;
    if (batch == null || !batch.frames.hasRemaining()) {
      lock.lock();
      try {
        if (batch != null) {
          spare.add(batch);
        }
        batch = batches.poll();
        current = batch;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
      if (batch == null) {
        return null;
      }
    }
    ByteBuffer frames = batch.frames;
    int length = frames.getInt();
    int opcode = frames.getShort() & 0xffff;
    frames.getShort();
    int sequence = frames.getInt();
    ByteBuffer body = frames.slice(frames.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    frames.position(frames.position() + length);
    return new Frame(opcode, sequence, body);
  }

  /**
   * The next frame, waiting for it.
   *
   * @throws HelperFailureException if there is none any more, or none comes in time; the process is
   *     dead then
   */
  Frame next(Duration timeout) throws HelperFailureException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    long nanos = timeout.toNanos();
    Frame frame = poll();
    while (frame == null) {
      lock.lock();
      try {
        while (batches.isEmpty() && !inputEnded && nanos > 0) {
          nanos = changed.awaitNanos(nanos);
        }
        if (batches.isEmpty() && inputEnded) {
          break;
        }
      } finally {
        lock.unlock();
      }
      frame = poll();
      if (frame == null && nanos <= 0) {
        kill();
        throw failure(
            0, "no answer within " + timeout.toSeconds() + " s; the process was killed", null);
      }
    }
    if (frame == null) {
      throw endOf(null);
    }
    return frame;
  }

  /** The same for a calling thread whose interrupts wait until the answer is there. */
  Frame nextUninterruptibly(Duration timeout) throws HelperFailureException {
    boolean wasInterrupted = false;
    try {
      while (true) {
        try {
          return next(timeout);
        } catch (InterruptedException e) {
          wasInterrupted = true;
        }
      }
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Checks that a frame is the answer that is due.
   *
   * @throws HelperFailureException if it is a failure
   */
  void requireOpcode(Frame frame, int opcode) throws HelperFailureException {
    if (frame.opcode() == Protocol.OP_ERROR) {
      throw HelperError.read(frame).toException(DRIVER, id.isEmpty() ? null : id);
    }
    if (frame.opcode() != opcode) {
      throw new Frame.GarbageException("unexpected " + frame);
    }
  }

  // ---- waiting for more than one thing ----

  /** Guards what a user keeps beside the frames. */
  ReentrantLock lock() {
    return lock;
  }

  /**
   * Signalled when there are frames or the helper has ended, and by users for what they keep under
   * {@link #lock}.
   */
  Condition changed() {
    return changed;
  }

  /**
   * Whether {@link #poll} has something to give or never will have; to be called with the lock
   * held.
   */
  boolean hasFramesOrEnded() {
    return !batches.isEmpty() || inputEnded;
  }

  /**
   * Whether the helper will say nothing more; to be called with the lock held, by the thread that
   * takes frames.
   */
  boolean hasEnded() {
    return batches.isEmpty() && inputEnded;
  }

  // ---- the end ----

  /**
   * Ends the conversation: the helper finds the end of its input, undoes what it has to, and ends.
   */
  @Override
  public void close() {
    try {
      input.close();
    } catch (IOException e) {
      // It is dead already.
    }
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (!waitForProcess(GRACE)) {
      process.destroyForcibly();
    }
    reap();
  }

  /** Ends the helper at once, whatever it is doing. */
  void kill() {
    process.destroyForcibly();
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    reap();
  }

  private void reap() {
    waitForProcess(DEATH_TIMEOUT);
    try {
      input.close();
    } catch (IOException e) {
      // Bytes that were never sent; nobody waits for them.
    }
    join(reader);
    join(stderrReader);
  }

  /** Whether the process is gone, waiting up to {@code timeout} whatever interrupts come. */
  private boolean waitForProcess(Duration timeout) {
    long deadline = System.nanoTime() + timeout.toNanos();
    boolean wasInterrupted = false;
    try {
      while (true) {
        try {
          return process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          wasInterrupted = true;
        }
      }
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void join(Thread thread) {
    if (thread == Thread.currentThread()) {
      return;
    }
    boolean wasInterrupted = false;
    long deadline = System.nanoTime() + DEATH_TIMEOUT.toNanos();
    while (thread.isAlive() && deadline - System.nanoTime() > 0) {
      try {
        thread.join(DEATH_TIMEOUT.toMillis());
      } catch (InterruptedException e) {
        wasInterrupted = true;
      }
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- failures ----

  /** Ends a conversation in which the helper sent garbage. */
  HelperFailureException garbage(Frame.GarbageException e) {
    kill();
    return failure(0, String.valueOf(e.getMessage()), e);
  }

  /** What to say when the helper has ended though it should not have. */
  HelperFailureException endOf(@Nullable IOException cause) {
    // What it said before its end explains more than how it ended.
    HelperError last = lastError();
    waitForProcess(DEATH_TIMEOUT);
    kill();
    if (last != null) {
      return last.toException(DRIVER, id.isEmpty() ? null : id);
    }
    String nonsense = garbageText();
    if (nonsense != null) {
      return failure(0, nonsense, cause);
    }
    String how =
        process.isAlive() ? "does not listen any more" : "ended with status " + process.exitValue();
    return failure(0, "the helper process " + how + stderrText(), cause);
  }

  private @Nullable HelperError lastError() {
    waitForInputEnd();
    Frame frame = poll();
    while (frame != null) {
      if (frame.opcode() == Protocol.OP_ERROR) {
        try {
          return HelperError.read(frame);
        } catch (Frame.GarbageException e) {
          return null;
        }
      }
      frame = poll();
    }
    return null;
  }

  /** Waits until the helper has said everything or has said more than is kept. */
  private void waitForInputEnd() {
    lock.lock();
    try {
      long nanos = DEATH_TIMEOUT.toNanos();
      while (!inputEnded && batches.size() < MAX_BATCHES && nanos > 0) {
        try {
          nanos = changed.awaitNanos(nanos);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable String garbageText() {
    lock.lock();
    try {
      return garbage;
    } finally {
      lock.unlock();
    }
  }

  private HelperFailureException failure(int errno, String problem, @Nullable Throwable cause) {
    return new HelperFailureException(
        DRIVER,
        id.isEmpty() ? null : id,
        "helper process (" + mode.argument() + ")",
        errno,
        problem,
        cause);
  }

  private void readStderr() {
    InputStream errors = process.getErrorStream();
    try {
      keepStderr(errors);
    } catch (IOException e) {
      // When the process ends, the JDK takes what is left in the pipe aside and closes the pipe,
      // also
      // under a read that waits; what it took aside comes with the next read.
      keepRestOfStderr(errors);
    }
  }

  private void keepStderr(InputStream errors) throws IOException {
    byte[] buffer = new byte[1024];
    int count = errors.read(buffer);
    while (count >= 0) {
      synchronized (stderr) {
        if (stderr.length() < MAX_STDERR) {
          stderr.append(ByteString.of(buffer, 0, count));
        }
      }
      count = errors.read(buffer);
    }
    errors.close();
  }

  private void keepRestOfStderr(InputStream errors) {
    try {
      keepStderr(errors);
    } catch (IOException e) {
      // The process is gone, and with it what it may have said.
    }
  }

  private String stderrText() {
    join(stderrReader);
    synchronized (stderr) {
      return stderr.isEmpty() ? "" : ", saying: " + stderr;
    }
  }

  private Thread startThread(String what, Runnable body) {
    Thread thread = new Thread(body, "layerstore-helper-" + mode.argument() + "-" + what);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
