package io.layerstore.core.image.archive;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.ArchiveException;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.ImageConfig;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.RemoteImage;
import io.layerstore.ViewOptions;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.core.view.OnDemand;
import io.layerstore.core.view.ViewSettings;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.TemporaryDirectory;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Shows an image of a registry as a file system. A layer is fetched into a file when it is first
 * needed, and unpacked into another one if it is compressed, so that it can be read anywhere.
 */
public final class RemoteView implements Closeable {

  private static final String OPERATION = "showing an image of a registry as a file system";
  private static final int BUFFER_BYTES = 64 << 10;

  private final RemoteImage image;
  private final RegistryRepository repository;
  private final ViewOptions options;
  private final TemporaryDirectory directory;
  private final List<Descriptor> blobs;
  private final List<DiffId> diffIds;
  private final List<ChainId> chainIds = new ArrayList<>();

  /** Held by the thread that fetches. */
  private final Object fetching = new Object();

  @GuardedBy("fetching")
  private final Map<Integer, Path> fetched = new HashMap<>();

  private volatile boolean isClosed;

  private RemoteView(
      RemoteImage image,
      RegistryRepository repository,
      ViewOptions options,
      RemoteImage.Variant variant,
      ImageConfig config) {
    this.image = image;
    this.repository = repository;
    this.options = options;
    this.directory = new TemporaryDirectory(ArchiveView.temporaryDirectory(options));
    this.blobs = variant.layers();
    this.diffIds = config.diffIds();
    ChainId chainId = null;
    for (DiffId diffId : diffIds) {
      chainId = ChainId.of(chainId, diffId);
      chainIds.add(chainId);
    }
  }

  /** Does what {@link RemoteImage#fileSystem(ViewOptions)} says. */
  public static FileSystem open(RemoteImage image, ViewOptions options) throws LayerStoreException {
    if (options.image().isPresent()) {
      throw new IllegalArgumentException(
          image.reference() + " names one image, so there is none to choose; choose a platform");
    }
    RemoteImage.Variant variant = choose(image, options);
    ImageConfig config = ImageConfigReader.read(variant.configBytes().toByteArray());
    if (variant.layers().size() != config.diffIds().size()) {
      throw new InvalidImageException(
          "the manifest of "
              + image.reference()
              + " has "
              + variant.layers().size()
              + " layers, and its configuration "
              + config.diffIds().size());
    }
    RegistryRepository repository =
        RegistryProvider.find()
            .open(image.reference(), RegistryProvider.Access.PULL, image.registry());
    RemoteView view = new RemoteView(image, repository, options, variant, config);
    try {
      return OnDemand.open(
          config.diffIds().size(),
          view::fetch,
          new ViewSettings(
              image.reference().toString(), options.onlyThisLayer(), options.verify(), view),
          options.limits());
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }

  private static RemoteImage.Variant choose(RemoteImage image, ViewOptions options)
      throws InvalidImageException {
    List<RemoteImage.Variant> variants = image.variants();
    if (variants.isEmpty()) {
      throw new InvalidImageException(image.reference() + " has no image");
    }
    if (options.platform().isEmpty() && variants.size() == 1) {
      return variants.get(0);
    }
    Platform wanted = PlatformChoice.wanted(options.platform().orElse(null));
    Platform best = PlatformChoice.bestOf(image.platforms(), wanted);
    return variants.stream()
        .filter(variant -> best != null && best.equals(variant.manifest().platform().orElse(null)))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidImageException(
                    image.reference()
                        + " has no image for "
                        + PlatformChoice.name(wanted)
                        + ", but for "
                        + String.join(
                            ", ", image.platforms().stream().map(PlatformChoice::name).toList())));
  }

  private io.layerstore.core.view.ArchivedLayer fetch(int number) throws IOException {
    synchronized (fetching) {
      requireOpen();
      Path file = fetched.get(number);
      if (file == null) {
        Path compressed = directory.file("blob-" + number);
        download(blobs.get(number), compressed);
        file = unpack(number, compressed);
        fetched.put(number, file);
      }
      Blob archive = Blob.of(file, 0, Files.size(file));
      return new io.layerstore.core.view.ArchivedLayer(
          diffIds.get(number), chainIds.get(number), archive::open);
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new ClosedFileSystemException();
    }
  }

  private void copy(InputStream in, OutputStream out) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      Interrupts.check(OPERATION);
      requireOpen();
      out.write(buffer, 0, count);
    }
  }

  /** Fetches what is missing of a blob. */
  private void download(Descriptor blob, Path file) throws IOException {
    MessageDigest digest = blob.digest().algorithm().newMessageDigest();
    long count = 0;
    if (Files.exists(file)) {
      try (InputStream before = new DigestInputStream(Files.newInputStream(file), digest)) {
        copy(before, OutputStream.nullOutputStream());
      }
      count = Files.size(file);
    }
    if (count < blob.sizeBytes()) {
      try (OutputStream out =
              Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
          InputStream in = new DigestInputStream(repository.blob(blob, count), digest)) {
        copy(in, out);
      }
    }
    Digest actual = RegistryMembers.digest(blob.digest().algorithm(), digest.digest());
    if (!actual.equals(blob.digest())) {
      Files.deleteIfExists(file);
      throw RegistryMembers.wrongDigest(image.reference(), blob.digest(), actual);
    }
  }

  /** The file with the layer's archive, which is what the configuration says. */
  private Path unpack(int number, Path compressed) throws IOException {
    Path plain = directory.file("layer-" + number);
    MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
    boolean isPlain;
    try (InputStream in = Files.newInputStream(compressed);
        DecompressedStream tar = Decompression.openArchive(in, options.limits());
        InputStream digested = new DigestInputStream(tar, sha256)) {
      isPlain = tar.format() == CompressionFormat.NONE;
      if (isPlain) {
        copy(digested, OutputStream.nullOutputStream());
      } else {
        try (OutputStream out = Files.newOutputStream(plain)) {
          copy(digested, out);
        }
      }
    } catch (ArchiveException e) {
      throw new InvalidImageException(
          "the layer "
              + blobs.get(number).digest()
              + " of "
              + image.reference()
              + " cannot be unpacked: "
              + e.getMessage(),
          e);
    }
    Digest actual = Digest.sha256(sha256.digest());
    if (!actual.equals(diffIds.get(number).digest())) {
      throw new InvalidImageException(
          "the layer "
              + blobs.get(number).digest()
              + " of "
              + image.reference()
              + " is "
              + actual
              + ", where the configuration says "
              + diffIds.get(number));
    }
    if (!isPlain) {
      Files.delete(compressed);
    }
    return isPlain ? compressed : plain;
  }

  /** Ends what is under way, and removes what was fetched. */
  @Override
  public void close() {
    isClosed = true;
    repository.close();
    synchronized (fetching) {
      directory.close();
    }
  }
}
