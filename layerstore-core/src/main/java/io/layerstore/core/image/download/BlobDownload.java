package io.layerstore.core.image.download;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerSource;
import io.layerstore.RegistryException;
import io.layerstore.driver.BlockInputStream;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One blob, fetched by one thread into a file and read by others meanwhile. They come to its end
 * only if the digest is right.
 *
 * <p>Bytes that an earlier pull has left are hashed again, and shown to nobody before the whole is
 * known to be right: after a power cut they may be anything. If it is not, the blob is fetched
 * anew. While another pull fetches the same blob, this one waits, and then finds it in the file.
 */
@SuppressWarnings("try") // The lock is held by scope, not by name.
final class BlobDownload implements LayerSource {

  private static final Logger log = LoggerFactory.getLogger(BlobDownload.class);
  private static final int BUFFER_BYTES = 64 << 10;

  private final ImageReference reference;
  private final RegistryRepository repository;
  private final Descriptor blob;
  private final PartialBlobs.Part part;
  private final Path file;
  private final LongConsumer meter;

  /** How many bytes readers may see. */
  @GuardedBy("this")
  private long shown;

  @GuardedBy("this")
  private boolean isRight;

  @GuardedBy("this")
  private boolean isStopped;

  @GuardedBy("this")
  private boolean isOpened;

  /** Whether the file is of no use; written by the thread that fetches, read after its end. */
  private boolean isWrong;

  @GuardedBy("this")
  private @Nullable Throwable failure;

  BlobDownload(
      ImageReference reference,
      RegistryRepository repository,
      Descriptor blob,
      PartialBlobs.Part part,
      LongConsumer meter) {
    this.reference = reference;
    this.repository = repository;
    this.blob = blob;
    this.part = part;
    this.meter = meter;
    this.file = part.file();
  }

  /** Says that it will be fetched. */
  void announce() {
    meter.accept(0);
  }

  /** Fetches it; what fails is told to the readers. */
  void run() {
    try {
      fetch();
    } catch (IOException | RuntimeException | Error e) {
      fail(e);
    }
  }

  private void fetch() throws IOException {
    try (KeyedLock.Held held = part.write();
        SeekableByteChannel channel =
            Files.newByteChannel(file, Set.of(READ, WRITE, CREATE, NOFOLLOW_LINKS))) {
      if (channel.size() > blob.sizeBytes()) {
        channel.truncate(0);
      }
      if (channel.size() > 0) {
        log.debug("going on with {} at {}", blob.digest(), channel.size());
        if (fetch(channel, false)) {
          return;
        }
        log.warn("what an earlier pull left of {} is wrong; fetching it again", blob.digest());
        channel.truncate(0);
      }
      if (!fetch(channel, true)) {
        // Not cut, since somebody may be reading it.
        isWrong = true;
        throw new RegistryException(
            RegistryException.Kind.WRONG_DIGEST,
            reference.domain(),
            reference.toString(),
            "the blob "
                + blob.digest()
                + " of "
                + reference
                + " came with other bytes than its digest says; pull again, and if it stays so, the"
                + " registry or something on the way to it is damaged",
            null);
      }
    }
  }

  /**
   * Fetches what is missing.
   *
   * @param isShown whether readers see the bytes as they come
   * @return whether the digest is right
   */
  private boolean fetch(SeekableByteChannel channel, boolean isShown) throws IOException {
    MessageDigest digest = blob.digest().algorithm().newMessageDigest();
    byte[] buffer = new byte[BUFFER_BYTES];
    long count = hash(channel, digest, buffer);
    if (count < blob.sizeBytes()) {
      try (InputStream in = repository.blob(blob, count)) {
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          digest.update(buffer, 0, read);
          ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
          count += read;
          meter.accept(count);
          if (isShown) {
            show(count, false);
          }
        }
      }
    }
    Digest actual =
        new Digest(blob.digest().algorithm(), HexFormat.of().formatHex(digest.digest()));
    boolean isSame = count == blob.sizeBytes() && actual.equals(blob.digest());
    if (isSame) {
      meter.accept(count);
      show(count, true);
    }
    return isSame;
  }

  private long hash(SeekableByteChannel channel, MessageDigest digest, byte[] buffer)
      throws IOException {
    channel.position(0);
    long count = 0;
    for (int read = channel.read(ByteBuffer.wrap(buffer));
        read > 0;
        read = channel.read(ByteBuffer.wrap(buffer))) {
      digest.update(buffer, 0, read);
      count += read;
      if (isStopped()) {
        throw new InterruptedIOException("the pull has ended");
      }
    }
    return count;
  }

  private synchronized boolean isStopped() {
    return isStopped;
  }

  private synchronized void show(long count, boolean isAll) {
    shown = count;
    isRight = isAll;
    notifyAll();
  }

  private synchronized void fail(Throwable e) {
    failure = e;
    notifyAll();
  }

  /**
   * Waits for the end of the blob, if anybody has read of it.
   *
   * @return why its bytes are not those that were asked for; null if they are, or that is not known
   */
  @Nullable RegistryException findWrongDigest() throws IOException {
    synchronized (this) {
      if (!isOpened) {
        return null;
      }
    }
    try {
      await(Long.MAX_VALUE - 1);
      return null;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      return e instanceof RegistryException failed
              && failed.kind() == RegistryException.Kind.WRONG_DIGEST
          ? failed
          : null;
    }
  }

  /** Has readers, and the fetching thread once it is interrupted, end. */
  synchronized void stop() {
    isStopped = true;
    notifyAll();
  }

  /** Ends it, when no thread fetches any more; the file stays if it is worth to be kept. */
  void end(boolean keeps) {
    try {
      part.giveBack(keeps && !isWrong);
    } catch (IOException e) {
      log.warn("{} stays until it is too old", file, e);
    }
  }

  @Override
  public OptionalLong sizeBytes() {
    return OptionalLong.of(blob.sizeBytes());
  }

  @Override
  public InputStream open() {
    synchronized (this) {
      isOpened = true;
    }
    return new Reader();
  }

  @Override
  public String toString() {
    return blob.digest().toString();
  }

  /**
   * Waits until there is more than {@code position}.
   *
   * @return how many bytes there are; {@code position} at the end
   */
  private synchronized long await(long position) throws IOException {
    while (shown <= position && !isRight) {
      Throwable thrown = failure;
      if (thrown != null) {
        // Another thread's, which has the other stack; thrown to one reader as it is.
        throw thrown instanceof IOException e ? e : new IOException(thrown);
      }
      if (isStopped) {
        throw new InterruptedIOException("the pull has ended");
      }
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
    return shown;
  }

  /** Reads the file while it grows. */
  private final class Reader extends BlockInputStream {
    private @Nullable InputStream in;
    private long position;

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      long available = await(position);
      if (available <= position) {
        return -1;
      }
      InputStream open = in;
      if (open == null) {
        open = Channels.newInputStream(Files.newByteChannel(file, Set.of(READ, NOFOLLOW_LINKS)));
        in = open;
      }
      int count = open.read(target, offset, (int) Math.min(length, available - position));
      if (count < 0) {
        throw new IOException(file + " was cut off by somebody else while it was read");
      }
      position += count;
      return count;
    }

    @Override
    public void close() throws IOException {
      InputStream open = in;
      if (open != null) {
        open.close();
      }
    }
  }
}
