package io.layerstore;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A place below a {@link RootDirectory}, looked up anew by every call, following symbolic links
 * inside the root only.
 *
 * <p>On a file system with {@link java.nio.file.SecureDirectoryStream}, as Linux has it, a path is
 * opened name by name and the system never follows a link, so nobody who changes the files
 * meanwhile can lead a call out of the root. (Only whether it is a regular file is checked before
 * it is opened.) Creating directories also needs {@code /proc}. Elsewhere each name is checked
 * first and used afterwards: do not let others change the files meanwhile.
 *
 * <p>Names and links are those of the layer. If the file system cannot hold them, the driver {@code
 * vfs} keeps them in another form, which is visible in {@link #path} and to programs that run in
 * the mount, but not here.
 *
 * <p>Only regular files and directories are opened: a device or a FIFO of an image would be a way
 * to this machine too. Every directory on the way must be readable. All methods fail as those of
 * {@link java.nio.file.Files} do:
 *
 * <ul>
 *   <li>with {@link java.nio.file.NoSuchFileException}, {@link
 *       java.nio.file.NotDirectoryException}, {@link java.nio.file.FileAlreadyExistsException} and
 *       their kin, which name the path the call had come to;
 *   <li>with {@link java.nio.file.FileSystemLoopException} after {@value #MAX_LINKS} links, as the
 *       kernel;
 *   <li>with {@link IllegalStateException} if the mount or its store is closed.
 * </ul>
 *
 * <p>What is opened keeps the mount busy until it is closed. Safe for use by many threads.
 */
public interface RootedFile {

  /** How many symbolic links are followed on one way. */
  int MAX_LINKS = 40;

  /**
   * Where it is at this moment: a path below {@link RootDirectory#path} without symbolic links, for
   * operations that have no method here. All of its directories exist; the last name need not.
   *
   * <p>Whoever changes the files afterwards can turn it into a way out. With {@link
   * LinkOption#NOFOLLOW_LINKS} the last name itself may be a link.
   */
  Path path(LinkOption... options) throws IOException;

  /**
   * Opens or makes a regular file, like {@link java.nio.file.Files#newByteChannel(Path, Set,
   * FileAttribute[])}. If the last name is a dangling link, {@link StandardOpenOption#CREATE}
   * creates its target, if the directory of that exists.
   */
  SeekableByteChannel newByteChannel(
      Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException;

  /**
   * Creates the directory and missing ones above it; does nothing if it exists. For a dangling link
   * its target is created.
   *
   * @param attributes what each new directory gets
   * @throws java.nio.file.FileAlreadyExistsException if it is something else
   */
  void createDirectories(FileAttribute<?>... attributes) throws IOException;

  /**
   * What is in the directory: the places of its entries, sorted. Each begins at the root, and only
   * its last name can be a link, so {@link RootDirectory#file(LayerPath)} finds it.
   *
   * @throws java.nio.file.NotDirectoryException if it is no directory
   */
  List<LayerPath> list() throws IOException;

  /**
   * Deletes the file, the link itself or the empty directory.
   *
   * @throws java.nio.file.DirectoryNotEmptyException if it is a directory with something in it
   */
  void delete() throws IOException;

  /** Opens the file for reading, as {@link java.nio.file.Files#newInputStream} does. */
  default InputStream newInputStream() throws IOException {
    return Channels.newInputStream(newByteChannel(Set.of(StandardOpenOption.READ)));
  }

  /**
   * Opens the file for writing, as {@link java.nio.file.Files#newOutputStream} does: without
   * options it is made, or emptied if it is there.
   *
   * @throws IllegalArgumentException if the options contain {@link StandardOpenOption#READ}
   */
  default OutputStream newOutputStream(OpenOption... options) throws IOException {
    Set<OpenOption> all = new HashSet<>(Arrays.asList(options));
    if (all.isEmpty()) {
      all.add(StandardOpenOption.CREATE);
      all.add(StandardOpenOption.TRUNCATE_EXISTING);
    }
    if (all.contains(StandardOpenOption.READ)) {
      throw new IllegalArgumentException("READ is no option for writing");
    }
    all.add(StandardOpenOption.WRITE);
    return Channels.newOutputStream(newByteChannel(all));
  }

  /** The bytes of the file. */
  default byte[] readAllBytes() throws IOException {
    try (InputStream in = newInputStream()) {
      return in.readAllBytes();
    }
  }

  /**
   * The text of the file, which is UTF-8.
   *
   * @throws java.nio.charset.CharacterCodingException if it is not
   */
  default String readString() throws IOException {
    return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(readAllBytes())).toString();
  }

  /** Writes {@code bytes}; the options are those of {@link #newOutputStream}. */
  default void write(byte[] bytes, OpenOption... options) throws IOException {
    try (OutputStream out = newOutputStream(options)) {
      out.write(bytes);
    }
  }

  /**
   * Writes {@code text} as UTF-8; the options are those of {@link #newOutputStream}.
   *
   * @throws java.nio.charset.CharacterCodingException if it has unpaired surrogates; nothing is
   *     written
   */
  default void writeString(CharSequence text, OpenOption... options) throws IOException {
    ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    write(bytes, options);
  }
}
