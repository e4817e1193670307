package io.layerstore.overlay2.linux;

import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.BlockInputStream;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.overlay2.linux.wire.Frame;
import io.layerstore.overlay2.linux.wire.HelperError;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.Protocol;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a tree through a helper process that sees nothing else.
 *
 * <p>An interrupt of the calling thread ends the helper, and with it this object.
 */
final class ScanHelper implements TreeScan {

  private static final Duration TIMEOUT = Duration.ofMinutes(5);

  private final HelperProcess helper;
  private final QuestionQueue announced;

  /** What was begun last and may not be at its end. */
  private @Nullable Nodes open;

  private boolean isClosed;

  ScanHelper(HelperProcess helper) {
    this.helper = helper;
    this.announced = new QuestionQueue(helper);
  }

  @Override
  public NodeReader scan(LayerPath directory, boolean withContent, XattrChoice xattrs)
      throws LayerStoreException {
    int flags = flagsOf(xattrs) | (withContent ? Protocol.SCAN_CONTENT : 0);
    return begin(new QuestionQueue.Question(Protocol.OP_SCAN, flags, 0, directory));
  }

  @Override
  public long sizeBytes() throws LayerStoreException {
    Nodes none =
        begin(new QuestionQueue.Question(Protocol.OP_SCAN, Protocol.SCAN_SUM, 0, LayerPath.ROOT));
    none.close();
    return none.sizeBytes;
  }

  @Override
  public List<TreeNode> list(LayerPath directory, XattrChoice xattrs) throws LayerStoreException {
    return all(begin(new QuestionQueue.Question(Protocol.OP_NAMES, flagsOf(xattrs), 0, directory)));
  }

  @Override
  public Optional<TreeNode> find(LayerPath path, XattrChoice xattrs) throws LayerStoreException {
    return all(begin(finding(path, xattrs))).stream().findFirst();
  }

  @Override
  public void announceFind(LayerPath path, XattrChoice xattrs) throws LayerStoreException {
    announced.add(finding(path, xattrs));
  }

  private static QuestionQueue.Question finding(LayerPath path, XattrChoice xattrs) {
    return new QuestionQueue.Question(Protocol.OP_STAT, flagsOf(xattrs), 0, path);
  }

  private static List<TreeNode> all(Nodes nodes) throws LayerStoreException {
    List<TreeNode> found = new ArrayList<>();
    TreeNode node = nodes.next();
    while (node != null) {
      found.add(node);
      node = nodes.next();
    }
    return found;
  }

  private static int flagsOf(XattrChoice xattrs) {
    return switch (xattrs) {
      case NONE -> 0;
      case CAPABILITY -> Protocol.SCAN_CAPABILITY;
      case ALL -> Protocol.SCAN_ALL_XATTRS;
    };
  }

  @Override
  public InputStream open(LayerPath path, long sizeBytes, boolean followsLinks)
      throws LayerStoreException {
    Nodes content = begin(opening(path, sizeBytes, followsLinks));
    content.awaitFirst();
    Content stream = new Content(content, path, sizeBytes, true);
    content.content = stream;
    return stream;
  }

  @Override
  public void announceOpen(LayerPath path, long sizeBytes, boolean followsLinks)
      throws LayerStoreException {
    announced.add(opening(path, sizeBytes, followsLinks));
  }

  private static QuestionQueue.Question opening(
      LayerPath path, long sizeBytes, boolean followsLinks) {
    int flags = followsLinks ? Protocol.SCAN_FOLLOW : 0;
    return new QuestionQueue.Question(Protocol.OP_READ, flags, sizeBytes, path);
  }

  /** Asks, unless that was done ahead; the answer is what the helper says next. */
  private Nodes begin(QuestionQueue.Question question) throws LayerStoreException {
    if (isClosed) {
      throw new IllegalStateException("tree scan is closed");
    }
    if (open != null) {
      open.close();
    }
    while (!announced.isNext(question) && announced.isAnswerDue()) {
      new Nodes(announced.takeOldest()).skip();
    }
    Nodes answer = new Nodes(announced.ask(question));
    open = answer;
    return answer;
  }

  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    // It only reads: nothing is lost by ending it in the middle of an answer that nobody wants.
    if (announced.isAnswerDue() || (open != null && !open.isAtEnd)) {
      helper.kill();
    } else {
      helper.close();
    }
  }

  /** The frames of an answer. */
  private final class Nodes implements NodeReader {
    private final int number;
    private boolean isAtEnd;
    private long sizeBytes;
    private @Nullable TreeNode current;

    /** The rest of the current node's content, as long as it was not all received. */
    private @Nullable Content content;

    /** A frame that was taken too early. */
    private @Nullable Frame pending;

    /** To the question of that number. */
    Nodes(int number) {
      this.number = number;
    }

    private Frame take() throws LayerStoreException {
      Frame frame = pending;
      pending = null;
      try {
        if (frame == null) {
          frame = helper.next(TIMEOUT);
        }
      } catch (InterruptedException e) {
        isAtEnd = true;
        helper.kill();
        Thread.currentThread().interrupt();
        throw new OperationInterruptedException("reading a layer", e);
      }
      if (frame.sequence() != number) {
        throw garbage(new Frame.GarbageException("answer to another question: " + frame));
      }
      if (frame.opcode() == Protocol.OP_ERROR) {
        isAtEnd = true;
        throw failureOf(HelperError.read(frame));
      }
      return frame;
    }

    private HelperFailureException garbage(Frame.GarbageException e) {
      isAtEnd = true;
      return helper.garbage(e);
    }

    @Override
    public @Nullable TreeNode next() throws LayerStoreException {
      try {
        finishContent();
        if (isAtEnd) {
          return null;
        }
        Frame frame = take();
        if (frame.opcode() == Protocol.OP_DONE) {
          finish(frame);
          current = null;
          return null;
        }
        TreeNode node = NodeFrames.read(frame, this::take);
        content =
            node.hasContent() ? new Content(this, node.path(), node.sizeBytes(), false) : null;
        current = node;
        return node;
      } catch (Frame.GarbageException e) {
        throw garbage(e);
      }
    }

    private void finish(Frame done) {
      done.u63();
      sizeBytes = done.u63();
      done.end();
      isAtEnd = true;
    }

    @Override
    public InputStream content() {
      if (current == null || content == null) {
        throw new IllegalStateException("there is no content to read");
      }
      return content;
    }

    private void finishContent() throws LayerStoreException {
      if (content != null) {
        content.skipRest();
        content = null;
      }
    }

    /** Takes the whole answer, whatever it is, which nobody wants. */
    void skip() throws LayerStoreException {
      open = this;
      while (!isAtEnd) {
        Frame frame;
        try {
          frame = take();
        } catch (LayerVerificationException | ConcurrentChangeException e) {
          return; // An answer like another, and the whole of it.
        }
        isAtEnd = frame.opcode() == Protocol.OP_DONE;
      }
    }

    /** Waits until it is known whether the file could be opened. */
    void awaitFirst() throws LayerStoreException {
      pending = take();
    }

    @Override
    public void close() throws LayerStoreException {
      while (!isAtEnd) {
        next();
      }
    }
  }

  private static LayerStoreException failureOf(HelperError error) {
    String path = error.path().toString();
    HelperFailureException cause = error.toException(HelperProcess.DRIVER, null);
    return switch (error.code()) {
      case Protocol.CODE_MISMATCH ->
          new LayerVerificationException(
              "/" + path + " is missing, no regular file, or not as long as it was", path, cause);
      case Protocol.CODE_BREAKOUT ->
          new LayerVerificationException("/" + path + " leads out of the layer", path, cause);
      default -> isChange(error) ? new ConcurrentChangeException(path, cause) : cause;
    };
  }

  /** Whether something that was there a moment ago is not any more. */
  private static boolean isChange(HelperError error) {
    return switch (error.errno()) {
      case Errno.ESTALE, Errno.ENODATA -> true;
      // Nobody asks for a path that was not there, but for the layer itself.
      case Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP -> !error.path().isEmpty();
      default -> false;
    };
  }

  /** The content of a file, from DATA frames up to CONTENT_END. */
  private static final class Content extends BlockInputStream {
    private final Nodes nodes;
    private final LayerPath path;
    private final long sizeBytes;
    private final boolean isWholeAnswer;
    private ByteBuffer data = ByteBuffer.allocate(0);
    private long received;
    private boolean isAtEnd;
    private boolean isChanged;

    Content(Nodes nodes, LayerPath path, long sizeBytes, boolean isWholeAnswer) {
      this.nodes = nodes;
      this.path = path;
      this.sizeBytes = sizeBytes;
      this.isWholeAnswer = isWholeAnswer;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      if (length == 0) {
        return 0;
      }
      while (!data.hasRemaining() && !isAtEnd) {
        receive();
      }
      if (isChanged) {
        throw new ConcurrentChangeException(path.toString(), null);
      }
      if (!data.hasRemaining()) {
        return -1;
      }
      int count = Math.min(length, data.remaining());
      data.get(bytes, offset, count);
      return count;
    }

    private void receive() throws LayerStoreException {
      try {
        Frame frame = nodes.take();
        if (frame.opcode() == Protocol.OP_DATA) {
          takeData(frame);
        } else if (frame.opcode() == Protocol.OP_CONTENT_END) {
          takeEnd(frame);
        } else {
          throw new Frame.GarbageException("unexpected " + frame);
        }
      } catch (Frame.GarbageException e) {
        throw nodes.garbage(e);
      }
    }

    private void takeData(Frame frame) {
      if (frame.u63() != received) {
        throw new Frame.GarbageException("data out of turn");
      }
      data = frame.rest();
      received += data.remaining();
      if (!data.hasRemaining() || received > sizeBytes) {
        throw new Frame.GarbageException("wrong length of data");
      }
    }

    private void takeEnd(Frame frame) throws LayerStoreException {
      isChanged = frame.u8() != 0;
      frame.end();
      isAtEnd = true;
      if (!isChanged && received != sizeBytes) {
        throw new Frame.GarbageException("data missing");
      }
      if (isWholeAnswer) {
        Frame done = nodes.take();
        if (done.opcode() != Protocol.OP_DONE) {
          throw new Frame.GarbageException("unexpected " + done);
        }
        nodes.finish(done);
      }
    }

    /** Takes what nobody wants. */
    void skipRest() throws LayerStoreException {
      data.position(data.limit());
      while (!isAtEnd && !nodes.isAtEnd) {
        receive();
      }
      data.position(data.limit());
    }

    @Override
    public void close() throws IOException {
      skipRest();
    }
  }
}
