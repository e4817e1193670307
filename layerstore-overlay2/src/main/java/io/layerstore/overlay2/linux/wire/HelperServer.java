package io.layerstore.overlay2.linux.wire;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.time.Duration;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * The helper of a store: one process, which forks another one for each conversation. It is started
 * when it is first needed, and again when it has died.
 *
 * <p>Safe for use by many threads.
 */
public final class HelperServer implements AutoCloseable {

  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  /** Starts a server, in the namespace that it is to have. */
  @FunctionalInterface
  public interface Source {
    HelperProcess start() throws LayerStoreException;
  }

  private final Source source;
  private @Nullable Running running;

  /** Starts nothing yet. */
  public HelperServer(Source source) {
    this.source = source;
  }

  /**
   * Begins a conversation with a process of its own, confined as its mode demands.
   *
   * @throws HelperFailureException if it cannot be started, or is not able to do what {@code start}
   *     says
   */
  public HelperProcess start(HelperStart start) throws LayerStoreException {
    Running server = running();
    try {
      return server.start(start);
    } catch (HelperFailureException e) {
      if (server.process.isAlive()) {
        throw e;
      }
      // It died before anybody noticed, and what it may have forked died with it.
      return running().start(start);
    }
  }

  /** Forks a process with which nobody talks yet. */
  public Process fork(HelperStart start) throws LayerStoreException {
    return running().fork(start);
  }

  /** Starts the server if none runs. */
  public void start() throws LayerStoreException {
    running();
  }

  /** The process id of the server, which is started if none runs. */
  public long pid() throws LayerStoreException {
    return running().process.pid();
  }

  private synchronized Running running() throws LayerStoreException {
    Running now = running;
    if (now != null && !now.process.isAlive()) {
      now.process.kill();
      now = null;
    }
    if (now == null) {
      now = new Running(source.start());
      running = now;
    }
    return now;
  }

  /**
   * Ends the server when the last conversation is over; at once if there is none. The next request
   * starts another one.
   */
  @Override
  public synchronized void close() {
    if (running != null) {
      running.close();
      running = null;
    }
  }

  /** A server that was started. */
  private static final class Running {
    private final HelperProcess process;
    private final Conversation conversation;
    private int conversations;
    private boolean isClosing;

    Running(HelperProcess process) {
      this.process = process;
      this.conversation = new Conversation(process, TIMEOUT);
    }

    HelperProcess start(HelperStart start) throws LayerStoreException {
      return process.forked(start, fork(start)).awaitReady();
    }

    synchronized Process fork(HelperStart start) throws LayerStoreException {
      HelperEvent event = new HelperEvent();
      event.mode = start.mode().name();
      event.commit();
      Forked forked = new Forked();
      conversation.ask(
          start::frame, forked::take, error -> error.toException(HelperProcess.DRIVER, null));
      try {
        Process opened =
            new ForkedProcess(
                conversation,
                process.ownPid(),
                forked.pid,
                forked.input,
                forked.output,
                forked.memory,
                this::forget);
        conversations++;
        return opened;
      } catch (IOException e) {
        throw new HelperFailureException(
            HelperProcess.DRIVER,
            null,
            "open the pipes of a helper process",
            0,
            e + "; is /proc mounted, and may this process look at its own children there?",
            e);
      } finally {
        process.send(FrameBuilder.empty(Protocol.OP_OPENED, 0));
      }
    }

    private synchronized void forget() {
      conversations--;
      endIfUnused();
    }

    synchronized void close() {
      isClosing = true;
      endIfUnused();
    }

    private void endIfUnused() {
      if (isClosing && conversations == 0) {
        process.close();
      }
    }
  }

  /** A process that was asked for; for Java Flight Recorder. */
  @Name("io.layerstore.Helper")
  @Label("Helper Process")
  @Category("layerstore")
  @Description("A process of the native helper was forked for some work")
  @StackTrace(false)
  static final class HelperEvent extends Event {

    @Label("Mode")
    String mode = "";
  }

  /** The answer to a request for a process. */
  private static final class Forked {
    private long pid;
    private long input;
    private long output;
    private long memory;

    boolean take(Frame frame) {
      if (frame.opcode() != Protocol.OP_FORKED) {
        throw new Frame.GarbageException("unexpected " + frame);
      }
      pid = frame.u32();
      input = frame.u32();
      output = frame.u32();
      memory = frame.u32();
      frame.end();
      return true;
    }
  }
}
