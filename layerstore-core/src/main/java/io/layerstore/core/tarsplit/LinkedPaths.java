package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the files of an archive really are whose names lead through symbolic links, in the order of
 * the archive.
 *
 * <p>Kept in a scratch file, so that memory does not grow with their number. Written first, read
 * afterwards. Not safe for use by several threads.
 */
public final class LinkedPaths implements Closeable {

  private final SalvagedPayloads.ScratchFile scratchFile;
  private @Nullable Path file;
  private @Nullable DataOutputStream out;

  /** Keeps the paths in {@code scratchFile}. */
  public LinkedPaths(SalvagedPayloads.ScratchFile scratchFile) {
    this.scratchFile = scratchFile;
  }

  /** Whether nothing was added. */
  public boolean isEmpty() {
    return file == null;
  }

  /** Notes that the file called {@code path} was written at {@code realPath}. */
  public void add(LayerPath path, LayerPath realPath) throws IOException {
    DataOutputStream target = out;
    if (target == null) {
      Path made = scratchFile.path();
      file = made;
      target = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(made)));
      out = target;
    }
    write(target, path);
    write(target, realPath);
  }

  private static void write(DataOutputStream target, LayerPath path) throws IOException {
    target.writeInt(path.bytes().length());
    path.bytes().writeTo(target);
  }

  /** Reads what was added, from the beginning. Nothing is added afterwards. */
  public Reader read() throws IOException {
    if (out != null) {
      out.flush();
    }
    return new Reader(
        file == null
            ? null
            : new DataInputStream(new BufferedInputStream(Files.newInputStream(file))));
  }

  /** Closes and deletes the scratch file. A second call does nothing. */
  @Override
  public void close() throws IOException {
    if (out != null) {
      out.close();
    }
    if (file != null) {
      Files.deleteIfExists(file);
    }
  }

  /** Gives the paths out in their order. */
  public static final class Reader implements Closeable {
    private final @Nullable DataInputStream in;
    private @Nullable LayerPath path;
    private @Nullable LayerPath realPath;

    private Reader(@Nullable DataInputStream in) throws IOException {
      this.in = in;
      advance();
    }

    private void advance() throws IOException {
      path = null;
      realPath = null;
      if (in != null) {
        try {
          path = readPath(in);
        } catch (EOFException e) {
          return; // after the last one
        }
        realPath = readPath(in);
      }
    }

    private static LayerPath readPath(DataInputStream in) throws IOException {
      return LayerPath.of(ByteString.of(in.readNBytes(in.readInt())));
    }

    /**
     * Where the next entry of the archive is, called {@code name}; null if no link led it anywhere.
     */
    @Nullable LayerPath take(LayerPath name) throws IOException {
      if (path == null || !path.equals(name)) {
        return null;
      }
      LayerPath taken = realPath;
      advance();
      return taken;
    }

    @Override
    public void close() throws IOException {
      if (in != null) {
        in.close();
      }
    }
  }
}
