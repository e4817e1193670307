package io.layerstore.core.image.download;

import com.google.common.util.concurrent.Uninterruptibles;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageReference;
import io.layerstore.LayerSource;
import io.layerstore.RegistryException;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * The blobs of one pull, fetched several at a time in the order in which they were added, as fast
 * as they come: a reader that is slower holds nothing up.
 *
 * <p>Uses threads of its own, since readers wait for them: in an executor that has few the two
 * would wait for each other. All are gone when {@link #close} returns.
 */
public final class BlobDownloads implements AutoCloseable {

  private static final AtomicInteger number = new AtomicInteger();

  private final ImageReference reference;
  private final RegistryRepository repository;
  private final PartialBlobs partials;
  private final Map<Digest, BlobDownload> downloads = new LinkedHashMap<>();
  private final List<Thread> threads = new ArrayList<>();
  private boolean isComplete;

  /**
   * @param reference what is pulled, for errors
   * @param repository where the blobs are
   */
  public BlobDownloads(
      ImageReference reference, RegistryRepository repository, PartialBlobs partials) {
    this.reference = reference;
    this.repository = repository;
    this.partials = partials;
  }

  /**
   * Adds a blob, and gives what reads it; the same again for one that was added before.
   *
   * @param meter is told how many of its bytes have come
   */
  public LayerSource add(Descriptor blob, LongConsumer meter) throws IOException {
    BlobDownload download = downloads.get(blob.digest());
    if (download == null) {
      download = new BlobDownload(reference, repository, blob, partials.take(blob), meter);
      downloads.put(blob.digest(), download);
    }
    return download;
  }

  /** Begins to fetch what was added, {@code concurrency} blobs at once. */
  public void start(int concurrency) {
    downloads.values().forEach(BlobDownload::announce);
    Queue<BlobDownload> queue = new ConcurrentLinkedQueue<>(downloads.values());
    for (int i = 0; i < Math.min(concurrency, downloads.size()); i++) {
      Thread thread =
          new Thread(
              () -> {
                for (BlobDownload next = queue.poll(); next != null; next = queue.poll()) {
                  next.run();
                }
              },
              "layerstore-download-" + number.incrementAndGet());
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  /**
   * Finds out whether an archive that made no sense is one whose bytes were changed on the way.
   *
   * @throws io.layerstore.RegistryException if so
   */
  public void requireRightBytes() throws IOException {
    for (BlobDownload download : downloads.values()) {
      RegistryException wrong = download.findWrongDigest();
      if (wrong != null) {
        throw wrong;
      }
    }
  }

  /** Says that all of it is in the store, so that nothing need be kept. */
  public void complete() {
    isComplete = true;
  }

  /** Ends what is under way. What has come is kept, unless {@link #complete} was called. */
  @Override
  public void close() {
    downloads.values().forEach(BlobDownload::stop);
    threads.forEach(Thread::interrupt);
    threads.forEach(Uninterruptibles::joinUninterruptibly);
    for (BlobDownload download : downloads.values()) {
      download.end(!isComplete);
    }
    downloads.clear();
    threads.clear();
  }
}
