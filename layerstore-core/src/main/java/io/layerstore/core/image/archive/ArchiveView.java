package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.Digest;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.ViewOptions;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.view.LayerIndexer;
import io.layerstore.core.view.ViewFileSystem;
import io.layerstore.core.view.ViewSettings;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.Closing;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/**
 * Shows an image of an archive or layout that is in no store as a file system.
 *
 * <p>Layers that are not compressed are read where they are. What is compressed is spooled, once.
 */
public final class ArchiveView {

  private static final String OPERATION = "showing an image archive as a file system";

  private final ViewOptions options;
  private final Spool spool;

  private ArchiveView(ViewOptions options, Spool spool) {
    this.options = options;
    this.spool = spool;
  }

  /** Does what {@link ImageSource#fileSystem(ViewOptions)} says. */
  public static FileSystem open(ImageSource source, ViewOptions options)
      throws LayerStoreException {
    Spool spool = new Spool(temporaryDirectory(options));
    try {
      return new ArchiveView(options, spool).open(source);
    } catch (IOException e) {
      Closing.after(e, spool);
      throw Interrupts.translate(OPERATION, e);
    } catch (RuntimeException e) {
      Closing.after(e, spool);
      throw e;
    }
  }

  /** Where to spool. */
  static Path temporaryDirectory(ViewOptions options) {
    return options
        .temporaryDirectory()
        .orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir", "")));
  }

  private FileSystem open(ImageSource source) throws IOException {
    Members members = members(source);
    ArchivedImage image = choose(Contents.read(members, wanted(), options.limits()));
    LayerIndexer indexer = new LayerIndexer();
    try {
      ChainId chainId = null;
      for (ArchivedLayer layer : image.layers()) {
        chainId = ChainId.of(chainId, layer.diffId());
        Blob plain = plain(layer, members);
        indexer.add(
            new io.layerstore.core.view.ArchivedLayer(layer.diffId(), chainId, plain::open),
            options.limits());
      }
      ViewFileSystem view =
          indexer.view(
              new ViewSettings(
                  image.title(),
                  options.onlyThisLayer(),
                  options.verify(),
                  () -> Closing.all(members, spool)));
      return view;
    } catch (IOException | RuntimeException e) {
      Closing.after(e, indexer);
      throw e;
    }
  }

  private Wanted wanted() {
    return new Wanted(options.platform().orElse(null), false);
  }

  private Members members(ImageSource source) throws IOException {
    Limits limits = ImageLoad.archiveLimits(options.limits());
    if (source instanceof ImageSource.OfDirectory directory) {
      return new DirectoryMembers(directory.directory());
    }
    if (source instanceof ImageSource.OfStream stream) {
      return spooled(stream.stream(), limits);
    }
    Path file = ((ImageSource.OfFile) source).file();
    try (InputStream in = Files.newInputStream(file);
        DecompressedStream tar = Decompression.open(in, limits)) {
      if (tar.format() != CompressionFormat.NONE || !Files.isRegularFile(file)) {
        return spooled(tar);
      }
    }
    return ImageLoad.inPlace(file, limits);
  }

  private Members spooled(InputStream stream, Limits limits) throws IOException {
    try (DecompressedStream tar = Decompression.open(stream, limits)) {
      return spooled(tar);
    }
  }

  private Members spooled(InputStream tar) throws IOException {
    TarMembers members = new TarMembers();
    members.walk(
        tar,
        ImageLoad.archiveLimits(options.limits()),
        (path, header, reader) -> new Members.File(spool.add(reader.payload())));
    return members;
  }

  /** The image that was asked for. */
  private ArchivedImage choose(Contents contents) throws InvalidImageException {
    List<ArchivedImage> images = contents.images();
    String asked = options.image().orElse(null);
    List<ArchivedImage> found =
        asked == null
            ? images
            : images.stream().filter(image -> isCalled(image, asked, contents)).toList();
    if (found.size() == 1) {
      return found.get(0);
    }
    String titles = String.join(", ", images.stream().map(ArchivedImage::title).toList());
    throw new InvalidImageException(
        (asked == null || found.size() > 1
                ? "the archive has several images; say which one with ViewOptions.image, or --image on"
                    + " the command line: "
                : "the archive has no image " + ArchiveText.quoted(asked) + ", but ")
            + titles);
  }

  private static boolean isCalled(ArchivedImage image, String asked, Contents contents) {
    ImageId named = null;
    try {
      ImageReference reference = ImageReference.parse(asked);
      named =
          contents
              .names()
              .get(
                  reference.isRepository()
                      ? reference.withTag(ImageReference.DEFAULT_TAG)
                      : reference);
    } catch (IllegalArgumentException e) {
      // It may still be the beginning of an ID.
    }
    return named != null
        ? image.id().equals(named)
        : image.id().toString().startsWith(asked)
            || image.id().toString().startsWith("sha256:" + asked);
  }

  /** The archive of a layer, uncompressed. */
  private Blob plain(ArchivedLayer layer, Members members) throws IOException {
    String path = layer.place().path();
    Blob blob =
        Optional.ofNullable(members.find(path)).orElseThrow(() -> new MissingMemberException(path));
    BlobDescriptor expected = layer.place().expected();
    if (expected != null) {
      expected.requireSize(blob.sizeBytes());
    }
    MessageDigest sha256 = Digest.Algorithm.SHA256.newMessageDigest();
    Blob plain = blob;
    try (InputStream in = new LayerBlob(layer, blob).open();
        DecompressedStream tar = Decompression.openArchive(in, options.limits())) {
      boolean isPlain = tar.format() == CompressionFormat.NONE;
      if (isPlain && !options.verify()) {
        return blob;
      }
      try (InputStream digested = new DigestInputStream(tar, sha256)) {
        if (isPlain) {
          digested.transferTo(OutputStream.nullOutputStream());
        } else {
          plain = spool.add(digested);
        }
      }
    }
    Digest actual = Digest.sha256(sha256.digest());
    if (options.verify() && !actual.equals(layer.diffId().digest())) {
      throw new LayerVerificationException(
          "the layer "
              + ArchiveText.quoted(path)
              + " of the archive is not "
              + layer.diffId()
              + ", which the image's configuration says",
          layer.diffId().digest(),
          actual);
    }
    return plain;
  }
}
