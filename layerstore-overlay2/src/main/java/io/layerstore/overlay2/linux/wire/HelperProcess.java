package io.layerstore.overlay2.linux.wire;

import io.layerstore.IdMapping;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.Mapping;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A helper process and the conversation with it: the server, which was started as a program, or one
 * that it has forked.
 *
 * <p>What the helper says comes through {@link #frames}; what it writes to its standard error is
 * kept for messages. Frames that make no sense end the conversation: the process is killed, and
 * every later call fails.
 *
 * <p>One thread at a time takes frames. {@link #kill} may be called by any thread.
 */
public final class HelperProcess implements AutoCloseable {

  /** The system property that names the helper program. */
  public static final String PROPERTY = "layerstore.overlay2.helper";

  /** The name under which failures are reported. */
  public static final String DRIVER = "overlay2";

  /** The word after the name of the program. */
  private static final String SERVER = "server";

  private static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration DEATH_TIMEOUT = Duration.ofSeconds(30);
  private static final int MAX_SPAWN_ATTEMPTS = 20;
  private static final long SPAWN_PAUSE_NANOS = 1_000_000;
  private static final int HANDSHAKE_SEQUENCE = 0;

  private final String name;
  private final String id;
  private final Process process;
  private final OutputStream input;
  private final FrameInput frames;

  /** What follows belongs to the server, and is shared by all that it forks. */
  private final ErrorOutput errors;

  private final Watchdog watchdog;
  private final boolean isForked;

  /** What it reads of this side's memory; null if nothing. */
  private final @Nullable FileChannel memory;

  /** What it said of itself: it may be the child of a program that was started in its place. */
  private long ownPid;

  private HelperProcess(
      String name,
      String id,
      Process process,
      FrameInput frames,
      ErrorOutput errors,
      Watchdog watchdog,
      boolean isForked,
      @Nullable FileChannel memory) {
    this.name = name;
    this.id = id;
    this.process = process;
    this.input = process.getOutputStream();
    this.frames = frames;
    this.errors = errors;
    this.watchdog = watchdog;
    this.isForked = isForked;
    this.memory = memory;
  }

  private static String threadName(String name) {
    return "layerstore-helper-" + name;
  }

  /** For a process that answers questions: the thread that waits reads the answer itself. */
  private static FrameInput answersOf(Process process, Watchdog watchdog) {
    return FrameInput.ofAnswers(
        process.getInputStream(), process::destroyForcibly, watchdog, () -> endReading(process));
  }

  private FrameInput framesOf(HelperStart.Mode mode, Process forked) {
    return switch (mode) {
      case APPLY, SCAN ->
          FrameInput.ofStream(
              forked.getInputStream(), threadName(mode + "-answers"), forked::destroyForcibly);
      case PROBE, MOUNT, REMOVE, SYNC -> answersOf(forked, watchdog);
    };
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
   * Starts the process from which the others are forked, and waits until it is ready.
   *
   * @param inNamespace whether it enters a user namespace in which the caller's user is 0
   * @param ids more ids that it has there; the identity if there are none
   * @throws IdMaps.FailureException if the system does not grant those ids
   * @throws HelperFailureException if it cannot be started
   */
  public static HelperProcess start(Path binary, boolean inNamespace, IdMapping ids)
      throws HelperFailureException, OperationInterruptedException {
    return start(binary, inNamespace, ids, HANDSHAKE_TIMEOUT);
  }

  /** The same with another limit to the time that it takes. */
  public static HelperProcess start(
      Path binary, boolean inNamespace, IdMapping ids, Duration timeout)
      throws HelperFailureException, OperationInterruptedException {
    Process process = spawn(binary);
    ErrorOutput errors = new ErrorOutput(process.getErrorStream(), threadName("messages"));
    Watchdog watchdog = new Watchdog(threadName("watchdog"));
    HelperProcess helper =
        new HelperProcess(
            SERVER, "", process, answersOf(process, watchdog), errors, watchdog, false, null);
    errors.start();
    watchdog.start();
    return helper.shakeHands(() -> helper.sayStart(inNamespace, ids, timeout), timeout);
  }

  /**
   * A process that this one has forked, and which may not be {@linkplain #awaitReady ready} yet.
   */
  public HelperProcess forked(HelperStart start, Process process) {
    return new HelperProcess(
        start.mode().toString(),
        start.id(),
        process,
        framesOf(start.mode(), process),
        errors,
        watchdog,
        true,
        process instanceof ForkedProcess forked ? forked.memory() : null);
  }

  private static Process spawn(Path binary) throws HelperFailureException {
    ProcessBuilder builder = new ProcessBuilder(binary.toString(), SERVER);
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

  /** What goes before the helper is ready. */
  @FunctionalInterface
  private interface Greeting {
    void say() throws HelperFailureException, InterruptedException;
  }

  private void sayStart(boolean inNamespace, IdMapping ids, Duration timeout)
      throws HelperFailureException, InterruptedException {
    int flags =
        (inNamespace ? Protocol.START_USER_NAMESPACE : 0)
            | (ids.isIdentity() ? 0 : Protocol.START_MAP_BY_CALLER);
    send(
        new FrameBuilder(Protocol.HEADER_SIZE + 8)
            .begin(Protocol.OP_START, HANDSHAKE_SEQUENCE)
            .u32(Protocol.PROTOCOL_VERSION)
            .u32(flags)
            .end());
    if (!ids.isIdentity()) {
      Frame frame = next(timeout);
      requireOpcode(frame, Protocol.OP_MAP);
      long pid = frame.u32();
      frame.end();
      IdMaps.write(pid, ids);
      send(FrameBuilder.empty(Protocol.OP_MAPPED, HANDSHAKE_SEQUENCE));
    }
  }

  /** Waits until a forked helper is ready, which is killed if it does not get there. */
  public HelperProcess awaitReady() throws HelperFailureException, OperationInterruptedException {
    return shakeHands(() -> {}, HANDSHAKE_TIMEOUT);
  }

  private HelperProcess shakeHands(Greeting greeting, Duration timeout)
      throws HelperFailureException, OperationInterruptedException {
    boolean isReady = false;
    frames.start();
    try {
      greeting.say();
      Frame frame = next(timeout);
      requireOpcode(frame, Protocol.OP_HELLO);
      long version = frame.u32();
      ownPid = frame.u32();
      frame.u32();
      frame.end();
      if (version != Protocol.PROTOCOL_VERSION) {
        throw new Frame.GarbageException("helper speaks protocol " + version);
      }
      isReady = true;
      return this;
    } catch (Frame.GarbageException e) {
      throw garbage(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException("starting a helper process", e);
    } finally {
      if (!isReady) {
        kill();
      }
    }
  }

  /** The process id of the helper. */
  public long pid() {
    return process.pid();
  }

  /** The process id it says it has; of a helper that is ready. */
  public long ownPid() {
    return ownPid;
  }

  /** Whether the process runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  // ---- talking ----

  /** Sends frames; blocks while the helper is busy. */
  public void send(FrameBuilder block) throws HelperFailureException {
    try {
      write(block.array(), block.size());
    } catch (IOException e) {
      throw endOf(e);
    }
  }

  /** Sends bytes; what the helper had to say before it stopped reading is among its frames. */
  public void write(byte[] bytes, int length) throws IOException {
    input.write(bytes, 0, length);
    input.flush();
  }

  /**
   * Maps the memory that a helper which applies shares with this side: it reads what is told to it
   * with {@code BLOCK} frames, and nobody but this side can change it.
   */
  public Mapping.Made map() throws IOException {
    FileChannel shared = Objects.requireNonNull(memory, "shares no memory");
    return Mapping.map(shared, MapMode.READ_WRITE, 0, Math.toIntExact(shared.size()));
  }

  /** What the helper says. */
  public FrameInput frames() {
    return frames;
  }

  /**
   * The next frame, waiting for it. In a helper that mounts, an interrupt that comes while the
   * answer is read waits for the next call.
   *
   * @throws HelperFailureException if there is none any more, or none comes in time; the process is
   *     dead then
   */
  public Frame next(Duration timeout) throws HelperFailureException, InterruptedException {
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
  public Frame nextUninterruptibly(Duration timeout) throws HelperFailureException {
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
  public void kill() {
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

  private void closeMemory() {
    try {
      if (memory != null) {
        memory.close();
      }
    } catch (IOException e) {
      // Nothing was written through it.
    }
  }

  /** Waits for everything that belongs to the process. */
  private void reap() {
    waitForProcess(DEATH_TIMEOUT);
    closeInput();
    closeMemory();
    frames.join(DEATH_TIMEOUT);
    if (!isForked) {
      errors.text(DEATH_TIMEOUT);
      watchdog.close();
      watchdog.join(DEATH_TIMEOUT);
    }
  }

  private String errorText() {
    return isForked ? errors.text() : errors.text(DEATH_TIMEOUT);
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
  public HelperFailureException garbage(Frame.GarbageException e) {
    kill();
    return failure(String.valueOf(e.getMessage()), e);
  }

  /** What to say when the helper has ended though it should not have. */
  public HelperFailureException endOf(@Nullable IOException cause) {
    // What it said before its end explains more than how it ended.
    HelperError last = lastError();
    boolean hasEnded = waitForProcess(DEATH_TIMEOUT);
    String how = hasEnded ? "ended with status " + process.exitValue() : "does not listen any more";
    // Killing closes the pipes, also those of a process that has ended and in which something
    // waits.
    String said = hasEnded ? errorText() : "";
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
        DRIVER, idOrNull(), "helper process (" + name + ")", 0, problem, cause);
  }
}
