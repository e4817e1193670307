package io.layerstore.overlay2.linux.wire;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.HelperFailureException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Questions and answers with a helper that takes one question at a time.
 *
 * <p>Safe for use by many threads, which take turns. An interrupt of the calling thread waits until
 * the answer is there.
 */
public final class Conversation {

  /** Takes the frames of an answer. */
  public interface Answer {
    /**
     * Takes a frame.
     *
     * @return whether it was the last one of the answer
     */
    boolean take(Frame frame) throws LayerStoreException;
  }

  /** Turns a failure that the helper reports into an exception. */
  public interface Failure {
    LayerStoreException of(HelperError error) throws LayerStoreException;
  }

  private final HelperProcess helper;
  private final Duration timeout;
  private int sequence;
  private @Nullable HelperFailureException broken;

  /** With {@code helper}; an answer takes at most {@code timeout} from frame to frame. */
  public Conversation(HelperProcess helper, Duration timeout) {
    this.helper = helper;
    this.timeout = timeout;
  }

  /** The number of the next question. */
  private int nextSequence() {
    sequence = sequence == Integer.MAX_VALUE ? 1 : sequence + 1;
    return sequence;
  }

  /** Builds a question with its number. */
  public interface Question {
    FrameBuilder with(int sequence);
  }

  /** Asks, and hands the frames of the answer over. */
  public synchronized void ask(Question question, Answer answer, Failure failure)
      throws LayerStoreException {
    if (broken != null) {
      throw new HelperFailureException(
          broken.driver(),
          broken.id().orElse(null),
          broken.stage(),
          broken.errno(),
          "ended earlier: " + broken.getMessage(),
          broken);
    }
    try {
      int number = nextSequence();
      helper.send(question.with(number));
      boolean isLast = false;
      while (!isLast) {
        Frame frame = helper.nextUninterruptibly(timeout);
        if (frame.sequence() != number) {
          throw new Frame.GarbageException("answer to another question: " + frame);
        }
        if (frame.opcode() == Protocol.OP_ERROR) {
          HelperError error = HelperError.read(frame);
          if (error.code() == Protocol.CODE_PROTOCOL) {
            throw new Frame.GarbageException("helper does not understand: " + error.stage());
          }
          throw failure.of(error);
        }
        isLast = answer.take(frame);
      }
    } catch (Frame.GarbageException e) {
      broken = helper.garbage(e);
      throw broken;
    } catch (HelperFailureException e) {
      broken = helper.isAlive() ? null : e;
      throw e;
    }
  }

  /** Takes a DONE frame, or fails. */
  public static boolean takeDone(Frame frame) {
    if (frame.opcode() != Protocol.OP_DONE) {
      throw new Frame.GarbageException("unexpected " + frame);
    }
    frame.u63();
    frame.u63();
    frame.end();
    return true;
  }
}
