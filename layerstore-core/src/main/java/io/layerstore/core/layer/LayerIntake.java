package io.layerstore.core.layer;

import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.tarsplit.Disassembler;
import io.layerstore.core.tarsplit.LinkedPaths;
import io.layerstore.core.tarsplit.SalvagedPayloads;
import io.layerstore.core.tarsplit.TarSplitRewriter;
import io.layerstore.core.work.BackgroundOutputStream;
import io.layerstore.spi.FileGetter;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes in one layer archive: in one pass it is decompressed, hashed, parsed, unpacked and
 * described in a tar-split.
 *
 * <pre>
 * archive ─► decompress ─┬► SHA-256 (in the background) ──────────────────► diff ID
 *                        └► tar parser ─┬► entries ─► driver's tree writer
 *                                       └► tar-split (in the background) ─► transaction
 * </pre>
 *
 * <p>If the archive destroyed files that its tar-split refers to, the tar-split is made anew
 * afterwards and checked against the diff ID, so that nothing is committed that could not be
 * exported.
 */
final class LayerIntake {

  private final StoreContext store;
  private final MetadataTransaction transaction;
  private final @Nullable Consumer<WriteContext.Step> postponed;
  private @Nullable String refusal;

  /**
   * @param diffId the diff ID
   * @param sizeBytes the size of the layer in bytes, as the driver counts
   * @param refusal why {@code docker load} refuses the layer; null if nothing is known
   */
  record Result(DiffId diffId, long sizeBytes, @Nullable String refusal) {}

  /** Takes in a layer on complete ones. */
  LayerIntake(StoreContext store, MetadataTransaction transaction) {
    this(store, transaction, null);
  }

  /**
   * Takes in a layer on others that may be incomplete.
   *
   * @param postponed takes what waits for the layers below; null if they are complete
   */
  LayerIntake(
      StoreContext store,
      MetadataTransaction transaction,
      @Nullable Consumer<WriteContext.Step> postponed) {
    this.store = store;
    this.transaction = transaction;
    this.postponed = postponed;
  }

  /** {@code title} is what warnings call the layer. */
  Result takeIn(
      InputStream archive,
      String title,
      String cacheId,
      @Nullable String parentCacheId,
      ProgressReporter.OfLayer progress)
      throws IOException {
    try (SalvagedPayloads salvaged =
            new SalvagedPayloads(() -> transaction.scratchFile("destroyed-payloads"));
        LinkedPaths linked = new LinkedPaths(() -> transaction.scratchFile("linked-paths"))) {
      UnpackContext context = new UnpackContext(title, salvaged, linked, postponed);
      MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
      long sizeBytes = unpack(archive, cacheId, parentCacheId, progress, context, sha256);
      DiffId diffId = new DiffId(Digest.sha256(sha256.digest()));
      if (context.isRewriteNeeded()) {
        rewriteTarSplit(cacheId, salvaged, linked, diffId);
      }
      return new Result(diffId, sizeBytes, refusal);
    }
  }

  private long unpack(
      InputStream archive,
      String cacheId,
      @Nullable String parentCacheId,
      ProgressReporter.OfLayer progress,
      UnpackContext context,
      MessageDigest sha256)
      throws IOException {
    BackgroundOutputStream hash =
        new BackgroundOutputStream(
            new DigestOutputStream(OutputStream.nullOutputStream(), sha256), store.executor());
    try (AutoClosed hashing = new AutoClosed(hash);
        AutoClosed splitting =
            new AutoClosed(
                new BackgroundOutputStream(transaction.writeTarSplit(), store.executor()));
        AufsLinkSources linkSources =
            new AufsLinkSources(() -> transaction.scratchFile("aufs-links"));
        DecompressedStream plain =
            Decompression.openArchive(archive, store.options().limits(), progress::addBytes);
        TreeWriter writer = store.driver().openWriter(cacheId, parentCacheId, context)) {
      LayerUnpacker unpacker =
          new LayerUnpacker(
              store.options(),
              store.driver().traits().executesWhiteouts(),
              writer,
              context,
              progress,
              new Disassembler(splitting.stream),
              linkSources);
      long sizeBytes = unpacker.unpack(plain, hashing.stream);
      hashing.finish();
      splitting.finish();
      refusal = unpacker.refusal();
      return sizeBytes;
    }
  }

  /** Closes in good order when told to, and lets go otherwise. */
  private static final class AutoClosed implements AutoCloseable {
    final BackgroundOutputStream stream;
    private boolean finished;

    AutoClosed(BackgroundOutputStream stream) {
      this.stream = stream;
    }

    void finish() throws IOException {
      stream.close();
      finished = true;
    }

    @Override
    public void close() throws IOException {
      if (!finished) {
        stream.abandon();
      }
    }
  }

  private void rewriteTarSplit(
      String cacheId, SalvagedPayloads salvaged, LinkedPaths linked, DiffId diffId)
      throws IOException {
    Path rewritten = transaction.scratchFile("rewritten-tar-split");
    try (FileGetter files = store.driver().files(cacheId);
        OutputStream out =
            Files.newOutputStream(
                rewritten, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      new TarSplitRewriter(transaction::readTarSplit, files, salvaged, linked).rewrite(out, diffId);
    }
    try (InputStream in = Files.newInputStream(rewritten);
        OutputStream out = transaction.writeTarSplit()) {
      in.transferTo(out);
    }
  }
}
