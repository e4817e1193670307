package io.layerstore.core.image.archive;

import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.Progress;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.layer.ArchiveLayers;
import io.layerstore.core.layer.LayerBatch;
import io.layerstore.core.work.Interrupts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * Loads the images of one archive.
 *
 * <ol>
 *   <li>The documents say which images and layers there are; what they say of each other is
 *       checked.
 *   <li>Layers that are in the store are held, the others are unpacked, several at a time, each
 *       against its diff ID and, where the archive has one, the digest of its compressed form.
 *   <li>Only now the layers become visible, then the images, then their names.
 * </ol>
 *
 * <p>After a failure at any of these, nothing of it stays.
 *
 * <p>A plain tar in a file is walked through once, from header to header, and its layers are read
 * where they are. A compressed one is read like a stream, from front to back, with what comes too
 * early spooled: reading it twice would cost another decompression, which takes longer than writing
 * the result, and could still only be done on one thread.
 */
final class ImageLoad {

  private static final String OPERATION = "loading images";

  private final ArchiveLayers layers;
  private final ImageArchives.Host host;
  private final LoadOptions options;
  private final LayerBatch batch;
  private final Spool spool;

  private ImageLoad(
      ArchiveLayers layers,
      ImageArchives.Host host,
      LoadOptions options,
      LayerBatch batch,
      Spool spool) {
    this.layers = layers;
    this.host = host;
    this.options = options;
    this.batch = batch;
    this.spool = spool;
  }

  static LoadReport load(
      ArchiveLayers layers, ImageArchives.Host host, ImageSource source, LoadOptions options)
      throws LayerStoreException {
    LoadEvent event = new LoadEvent();
    event.begin();
    try (LayerBatch batch =
            layers.begin(Progress.Kind.LOAD, options.progress(), options.verifyExisting());
        Spool spool = new Spool(layers.temporaryDirectory())) {
      LoadReport report = new ImageLoad(layers, host, options, batch, spool).load(source);
      event.end(report.images().size());
      return report;
    } catch (IOException e) {
      throw Interrupts.translate(OPERATION, e);
    }
  }

  private LoadReport load(ImageSource source) throws IOException {
    if (source instanceof ImageSource.OfStream stream) {
      return loadStream(stream.stream());
    }
    if (source instanceof ImageSource.OfDirectory directory) {
      return load(new DirectoryMembers(directory.directory()));
    }
    return loadFile(((ImageSource.OfFile) source).file());
  }

  private LoadReport loadFile(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        DecompressedStream tar = Decompression.open(in, archiveLimits())) {
      if (tar.format() != CompressionFormat.NONE || !Files.isRegularFile(file)) {
        return loadTar(tar);
      }
    }
    return load(inPlace(file, archiveLimits()));
  }

  /** The members of an archive that is not compressed, to be read where they are. */
  static Members inPlace(Path file, Limits limits) throws IOException {
    TarMembers members = new TarMembers();
    try (SeekableByteChannel channel = Files.newByteChannel(file, StandardOpenOption.READ)) {
      members.walk(
          Channels.newInputStream(channel),
          limits,
          (path, header, reader) -> {
            Blob range = Blob.of(file, reader.position(), header.storedSize());
            reader.skipPayload();
            return new Members.File(range);
          });
    }
    return members;
  }

  private LoadReport loadStream(InputStream stream) throws IOException {
    try (DecompressedStream tar = Decompression.open(stream, archiveLimits())) {
      return loadTar(tar);
    }
  }

  private LoadReport loadTar(InputStream tar) throws IOException {
    StreamedArchive archive = new StreamedArchive(batch, spool, wanted(), layers.limits());
    return finish(archive.read(tar, archiveLimits()), archive.members());
  }

  private LoadReport load(Members members) throws IOException {
    try (members) {
      Contents contents = Contents.read(members, wanted(), layers.limits());
      return finish(new LoadPlan(contents, batch), members);
    }
  }

  private LoadReport finish(LoadPlan plan, Members members) throws IOException {
    ImageReference name = options.reference().orElse(null);
    Contents contents = name == null ? plan.contents() : plan.contents().named(name);
    batch.unpackAll(plan.sources(members));
    return new ImagePublication(host, batch).publish(contents);
  }

  private Wanted wanted() {
    return new Wanted(options.platform().orElse(null), options.allPlatforms());
  }

  private Limits archiveLimits() {
    return archiveLimits(layers.limits());
  }

  /** The limits of a layer, for all layers that an image can have. */
  static Limits archiveLimits(Limits limits) {
    long bytes = limits.maxUnpackedBytes();
    return limits.toBuilder()
        .maxUnpackedBytes(
            bytes > Long.MAX_VALUE / LayerStore.MAX_DEPTH
                ? Long.MAX_VALUE
                : bytes * LayerStore.MAX_DEPTH)
        .build();
  }

  /** One image archive loaded. */
  @Name("io.layerstore.Load")
  @Label("Image Load")
  @Category("layerstore")
  @Description("The images of an archive were loaded")
  @StackTrace(false)
  static final class LoadEvent extends Event {

    @Label("Images")
    int images;

    /** Ends the event with how many images the archive had. */
    void end(int count) {
      end();
      if (shouldCommit()) {
        images = count;
        commit();
      }
    }
  }
}
