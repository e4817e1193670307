package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.overlay2.linux.wire.FrameBuilder;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.HelperFailureException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Questions on their way to a helper that answers in turn: announced, and sent in packets ahead of
 * their time, so that nobody waits for a single answer.
 *
 * <p>What was sent and is not yet answered fits into the smallest pipe. So sending never waits for
 * a helper that itself waits until somebody takes its answers. Used by one thread at a time.
 */
final class QuestionQueue {

  /** The capacity of a pipe of one page, which a user who has many pipes gets. */
  private static final int WINDOW = 4096;

  private final HelperProcess helper;

  /** Not yet sent. */
  private final Deque<Question> waiting = new ArrayDeque<>();

  private int waitingBytes;

  /** Sent; their answers come next, in this order. */
  private final Deque<Question> sent = new ArrayDeque<>();

  private int sentBytes;

  /** The number of the question that was sent last; unsigned. */
  private int sequence;

  QuestionQueue(HelperProcess helper) {
    this.helper = helper;
  }

  /** Announces a question. */
  void add(Question question) throws HelperFailureException {
    waiting.add(question);
    waitingBytes += question.frameBytes();
    if (waitingBytes >= WINDOW / 2) {
      sendMore();
    }
  }

  /** Whether {@code question} is the one that was announced next. */
  boolean isNext(Question question) {
    return question.equals(sent.isEmpty() ? waiting.peek() : sent.peek());
  }

  /** Whether the helper has, or will have, an answer that was not taken. */
  boolean isAnswerDue() {
    return !sent.isEmpty();
  }

  /** The number of the oldest question that was sent; its answer is to be taken now. */
  int takeOldest() {
    int number = sequence - sent.size() + 1;
    sentBytes -= sent.remove().frameBytes();
    return number;
  }

  /**
   * Asks, unless that was done ahead; its answer is to be taken now. No other answer may be due
   * before it.
   *
   * @return the number of the question
   */
  int ask(Question question) throws HelperFailureException {
    if (!isNext(question)) {
      waiting.clear();
      waitingBytes = 0;
      add(question);
    }
    if (sent.isEmpty()) {
      sendMore();
    }
    int number = takeOldest();
    sendMore();
    return number;
  }

  /** Sends as many as there is room for, if that is worth it. */
  private void sendMore() throws HelperFailureException {
    if (waiting.isEmpty() || sentBytes > WINDOW / 2) {
      return;
    }
    FrameBuilder packet = new FrameBuilder(Math.max(WINDOW, waiting.element().frameBytes()));
    while (!waiting.isEmpty()) {
      Question question = waiting.element();
      int size = question.frameBytes();
      boolean fits = sentBytes + size <= WINDOW || sent.isEmpty();
      if (!fits) {
        break;
      }
      waiting.remove();
      waitingBytes -= size;
      question.put(packet, ++sequence);
      sent.add(question);
      sentBytes += size;
    }
    if (packet.size() > 0) {
      helper.send(packet);
    }
  }

  /**
   * A request of a scan.
   *
   * @param opcode which
   * @param flags the {@code SCAN_} flags
   * @param sizeBytes the size that the file must have, for {@link Protocol#OP_READ}
   * @param path what it is about
   */
  record Question(int opcode, int flags, long sizeBytes, LayerPath path) {

    /** The length of its frame. */
    int frameBytes() {
      return Protocol.HEADER_SIZE
          + Integer.BYTES
          + (opcode == Protocol.OP_READ ? Long.BYTES : 0)
          + Short.BYTES
          + path.bytes().length();
    }

    /** Adds its frame to others that are asked at the same time. */
    void put(FrameBuilder packet, int sequence) {
      int together = packet.size() == 0 ? 0 : Protocol.SCAN_TOGETHER;
      packet.begin(opcode, sequence).u32(flags | together);
      if (opcode == Protocol.OP_READ) {
        packet.u64(sizeBytes);
      }
      packet.bytes(path.bytes()).end();
    }
  }
}
