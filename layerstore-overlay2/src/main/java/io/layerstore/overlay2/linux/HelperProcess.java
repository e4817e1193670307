package io.layerstore.overlay2.linux;

import io.layerstore.OperationInterruptedException;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A helper process and the conversation with it.
 *
 * <p>What the helper says comes through {@link #frames}; what it writes to its standard error is
 * kept for messages. Frames that make no sense end the conversation: the process is killed, and
 * every later call fails.
 *
 * <p>One thread at a time takes frames. {@link #kill} may be called by any thread.
 */
final class HelperProcess implements AutoCloseable {

  /** The name under which failures are reported. */
  static final String DRIVER = "overlay2";

  private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration DEATH_TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_SPAWN_ATTEMPTS = 20;
  private static final long SPAWN_PAUSE_NANOS = 1_000_000;
  private static final int HANDSHAKE_SEQUENCE = 0;

  private final HelperMode mode;
  private final String id;
  private final Process process;
  private final OutputStream input;
  private final FrameInput frames;
  private final ErrorOutput errors;

  private HelperProcess(HelperMode mode, String id, Process process) {
    String threadName = "layerstore-helper-" + mode.argument();
    this.mode = mode;
    this.id = id;
    this.process = process;
    this.input = process.getOutputStream();
    this.frames = framesOf(mode, process, threadName + "-answers");
    this.errors = new ErrorOutput(process.getErrorStream(), threadName + "-messages");
  }

  /** Mounts are many, and each is waited for: the thread that waits reads the answer itself. */
  private static FrameInput framesOf(HelperMode mode, Process process, String threadName) {
    InputStream output = process.getInputStream();
    return mode == HelperMode.MOUNT
        ? FrameInput.ofAnswers(
            output, threadName, process::destroyForcibly, () -> endReading(process))
        : FrameInput.ofStream(output, threadName, process::destroyForcibly);
  }

  /**
   * Lets a thread go on that waits for what {@code process} writes: writes something in its place.
   * To kill it might not do: a process that the kernel holds does not die before the kernel lets it
   * go, and one that it has started can have the same output.
   */
  private static void endReading(Process process) {
    Path output = Path.of("/proc", Long.toString(process.pid()), "fd", "1");
    try {
      if (process.isAlive()) {
        Files.write(output, new byte[1], StandardOpenOption.WRITE);
      }
    } catch (IOException e) {
      process.destroyForcibly();
    }
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
    helper.frames.start();
    helper.errors.start();
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

  // ---- talking ----

  /** Sends frames; blocks while the helper is busy. */
  void send(FrameBuilder block) throws HelperFailureException {
    try {
      write(block.array(), block.size());
    } catch (IOException e) {
      throw endOf(e);
    }
  }

  /** Sends bytes; what the helper had to say before it stopped reading is among its frames. */
  void write(byte[] bytes, int length) throws IOException {
    input.write(bytes, 0, length);
    input.flush();
  }

  /** What the helper says. */
  FrameInput frames() {
    return frames;
  }

  /**
   * The next frame, waiting for it. In a helper that mounts, an interrupt that comes while the
   * answer is read waits for the next call.
   *
   * @throws HelperFailureException if there is none any more, or none comes in time; the process is
   *     dead then
   */
  Frame next(Duration timeout) throws HelperFailureException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    Frame frame = frames.poll();
    while (frame == null) {
      if (!frames.await(timeout)) {
        kill();
        throw failure(
            "no answer within " + timeout.toMillis() + " ms; the process was killed", null);
      }
      frame = frames.poll();
      if (frame == null && frames.hasEnded()) {
        throw endOf(null);
      }
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
  private void requireOpcode(Frame frame, int opcode) throws HelperFailureException {
    if (frame.opcode() == Protocol.OP_ERROR) {
      throw HelperError.read(frame).toException(DRIVER, idOrNull());
    }
    if (frame.opcode() != opcode) {
      throw new Frame.GarbageException("unexpected " + frame);
    }
  }

  // ---- the end ----

  /**
   * Ends the conversation: the helper finds the end of its input, undoes what it has to, and ends.
   */
  @Override
  public void close() {
    closeInput();
    frames.close();
    if (!waitForProcess(GRACE)) {
      process.destroyForcibly();
    }
    reap();
  }

  /** Ends the helper at once, whatever it is doing. */
  void kill() {
    process.destroyForcibly();
    frames.close();
    reap();
  }

  private void closeInput() {
    try {
      input.close();
    } catch (IOException e) {
      // It is dead already; bytes that were never sent are nobody's loss.
    }
  }

  /** Waits for everything that belongs to the process. */
  private void reap() {
    waitForProcess(DEATH_TIMEOUT);
    closeInput();
    frames.join(DEATH_TIMEOUT);
    errors.text(DEATH_TIMEOUT);
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

  // ---- failures ----

  /** Ends a conversation in which the helper sent garbage. */
  HelperFailureException garbage(Frame.GarbageException e) {
    kill();
    return failure(String.valueOf(e.getMessage()), e);
  }

  /** What to say when the helper has ended though it should not have. */
  HelperFailureException endOf(@Nullable IOException cause) {
    // What it said before its end explains more than how it ended.
    HelperError last = lastError();
    boolean hasEnded = waitForProcess(DEATH_TIMEOUT);
    String how = hasEnded ? "ended with status " + process.exitValue() : "does not listen any more";
    // Killing closes the pipes, also those of a process that has ended and in which something
    // waits.
    String said = hasEnded ? errors.text(DEATH_TIMEOUT) : "";
    kill();
    if (last != null) {
      return last.toException(DRIVER, idOrNull());
    }
    String nonsense = frames.garbage();
    if (nonsense != null) {
      return failure(nonsense, cause);
    }
    return failure(
        "the helper process " + how + (said.isEmpty() ? "" : ", saying: " + said), cause);
  }

  private @Nullable HelperError lastError() {
    try {
      frames.awaitEnd(DEATH_TIMEOUT);
      Frame frame = frames.poll();
      while (frame != null && frame.opcode() != Protocol.OP_ERROR) {
        frame = frames.poll();
      }
      return frame == null ? null : HelperError.read(frame);
    } catch (Frame.GarbageException e) {
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  private @Nullable String idOrNull() {
    return id.isEmpty() ? null : id;
  }

  private HelperFailureException failure(String problem, @Nullable Throwable cause) {
    return new HelperFailureException(
        DRIVER, idOrNull(), "helper process (" + mode.argument() + ")", 0, problem, cause);
  }
}
