package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import io.layerstore.ImageTarget;
import io.layerstore.core.tar.PlainTarWriter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;

/** Writes a layout to where it is wanted: into a directory, or as a tar into a file or stream. */
abstract class LayoutWriter {

  static final int BUFFER_BYTES = 64 << 10;

  private static final String ALL_BLOBS = "blobs/";
  private static final String BLOBS = ALL_BLOBS + "sha256/";

  /** Where in a layout the blob with this digest is. */
  static String path(Digest digest) {
    return BLOBS + digest.hex();
  }

  /** Writes all of it. A directory or a file is there when it is complete. */
  final void write(ImageTarget target) throws IOException {
    if (target instanceof ImageTarget.ToDirectory directory) {
      try (LayoutDirectory out = LayoutDirectory.create(directory.directory())) {
        writeInto(out);
        out.commit();
      }
    } else if (target instanceof ImageTarget.ToFile file) {
      try (TargetFile out = TargetFile.create(file.file())) {
        writeTar(out.stream());
        out.commit();
      }
    } else {
      writeTar(((ImageTarget.ToStream) target).stream());
    }
  }

  private void writeTar(OutputStream stream) throws IOException {
    OutputStream buffered = new BufferedOutputStream(stream, BUFFER_BYTES);
    PlainTarWriter tar = new PlainTarWriter(buffered);
    tar.directory(ALL_BLOBS, Instant.EPOCH);
    tar.directory(BLOBS, Instant.EPOCH);
    writeInto(tar);
    tar.close();
    buffered.flush();
  }

  abstract void writeInto(LayoutDirectory out) throws IOException;

  /** Adds all files; the directories of blobs are in {@code tar}. */
  abstract void writeInto(PlainTarWriter tar) throws IOException;
}
