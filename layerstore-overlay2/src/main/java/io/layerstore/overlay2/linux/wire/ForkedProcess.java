package io.layerstore.overlay2.linux.wire;

import io.layerstore.LayerStoreException;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A process that the helper's server forked. Its pipes were made by the server and are opened below
 * {@code /proc}: the kernel lets only those do so who could also take control of the server.
 *
 * <p>Its process id stays its own until its end was waited for here. Safe for use by many threads.
 */
final class ForkedProcess extends Process {

  private static final long FIRST_PAUSE_NANOS = 1_000_000;
  private static final long MAX_PAUSE_NANOS = 50_000_000;

  /** Of a process whose server is dead, so that nobody knows its own. */
  private static final int KILLED = 128 + 9;

  private final Conversation server;
  private final long pid;
  private final Runnable onEnd;
  private final OutputStream input;
  private final InputStream output;
  private final @Nullable FileChannel memory;
  private @Nullable Integer status;

  /**
   * Opens the pipes.
   *
   * @param serverPid the process that has them
   * @param inputNumber the descriptor of its input there
   * @param outputNumber and that of its output
   * @param memoryNumber and that of the memory it shares with this side, 0 if there is none
   * @param onEnd run when its end was waited for
   * @throws IOException if they cannot be opened
   */
  ForkedProcess(
      Conversation server,
      long serverPid,
      long pid,
      long inputNumber,
      long outputNumber,
      long memoryNumber,
      Runnable onEnd)
      throws IOException {
    this.server = server;
    this.onEnd = onEnd;
    this.pid = pid;
    String descriptors = "/proc/" + serverPid + "/fd/";
    this.input = new FileOutputStream(descriptors + inputNumber);
    try {
      this.output = new FileInputStream(descriptors + outputNumber);
    } catch (IOException e) {
      input.close();
      throw e;
    }
    try {
      this.memory =
          memoryNumber == 0
              ? null
              : FileChannel.open(
                  Path.of(descriptors + memoryNumber),
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE);
    } catch (IOException e) {
      input.close();
      output.close();
      throw e;
    }
  }

  /** The memory that it reads and this side writes; for whoever takes it to close. */
  @Nullable FileChannel memory() {
    return memory;
  }

  @Override
  public OutputStream getOutputStream() {
    return input;
  }

  @Override
  public InputStream getInputStream() {
    return output;
  }

  /** Nothing: it has that of the server. */
  @Override
  public InputStream getErrorStream() {
    return InputStream.nullInputStream();
  }

  @Override
  public long pid() {
    return pid;
  }

  @Override
  public int waitFor() {
    waitFor(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    return exitValue();
  }

  /** Waits without noticing interrupts. */
  @Override
  public boolean waitFor(long timeout, TimeUnit unit) {
    long begin = System.nanoTime();
    long nanos = unit.toNanos(timeout);
    long pause = FIRST_PAUSE_NANOS;
    while (!hasEnded()) {
      if (System.nanoTime() - begin >= nanos) {
        return false;
      }
      LockSupport.parkNanos(pause); // The server has waited a moment already.
      pause = Math.min(2 * pause, MAX_PAUSE_NANOS);
    }
    return true;
  }

  private synchronized boolean hasEnded() {
    if (status == null) {
      ask();
      if (status != null) {
        onEnd.run();
      }
    }
    return status != null;
  }

  /** Asks the server, which waits a moment for it. */
  private void ask() {
    try {
      server.ask(
          number ->
              new FrameBuilder(Protocol.HEADER_SIZE + 4)
                  .begin(Protocol.OP_REAP, number)
                  .u32(pid)
                  .end(),
          this::takeReaped,
          error -> error.toException(HelperProcess.DRIVER, null));
    } catch (LayerStoreException e) {
      // The server is dead, and its processes go with it.
      status = exists() ? null : KILLED;
    }
  }

  private boolean takeReaped(Frame frame) {
    if (frame.opcode() != Protocol.OP_REAPED) {
      throw new Frame.GarbageException("unexpected " + frame);
    }
    boolean hasEnded = frame.u8() != 0;
    int code = frame.s32();
    frame.end();
    status = hasEnded ? Integer.valueOf(code) : null;
    return true;
  }

  /** Whether it runs: one that has ended and was not waited for has no root any more. */
  private boolean exists() {
    return new File("/proc/" + pid + "/root").exists();
  }

  @Override
  public synchronized int exitValue() {
    if (status == null) {
      throw new IllegalThreadStateException("process " + pid + " has not ended");
    }
    return status;
  }

  @Override
  public synchronized boolean isAlive() {
    return status == null && exists();
  }

  /** Kills it. */
  @Override
  public synchronized void destroy() {
    if (status == null) {
      ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Override
  public Process destroyForcibly() {
    destroy();
    return this;
  }
}
