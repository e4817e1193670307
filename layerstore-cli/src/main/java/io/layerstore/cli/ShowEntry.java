package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.ByteString;
import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;

/** How the files of an image look: short for people, complete in JSON. */
final class ShowEntry {
  private static final int TYPE_BITS = 0170000;
  private static final int SET_UID = 04000;
  private static final int SET_GID = 02000;
  private static final int STICKY = 01000;

  private ShowEntry() {}

  static LayerEntryAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, LayerEntryAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  /** The path in a form that is safe to print. */
  static String printable(Path path) {
    return printable(path.toString());
  }

  /** The last name of the path, in such a form; all of it if there is none. */
  static String name(Path path) {
    Path name = path.getFileName();
    return printable(name == null ? path.toString() : name.toString());
  }

  /** Bytes that are no text stand as unpaired surrogates in what a path is printed as. */
  private static String printable(String text) {
    StringBuilder printable = new StringBuilder();
    text.codePoints()
        .forEach(
            c ->
                printable.append(
                    c >= 0xdc80 && c <= 0xdcff
                        ? String.format("\\x%02x", c & 0xff)
                        : ByteString.utf8(Character.toString(c)).toString()));
    return printable.toString();
  }

  /** What it is, in one word. */
  static String type(LayerEntryAttributes attributes) {
    return switch (attributes.mode() & TYPE_BITS) {
      case 0040000 -> "directory";
      case 0120000 -> "symlink";
      case 0020000 -> attributes.isWhiteout() ? "whiteout" : "characterDevice";
      case 0060000 -> "blockDevice";
      case 0010000 -> "fifo";
      default -> "file";
    };
  }

  /** Type and permissions as {@code ls -l} shows them. */
  static String mode(LayerEntryAttributes attributes) {
    int mode = attributes.mode();
    char type =
        switch (mode & TYPE_BITS) {
          case 0040000 -> 'd';
          case 0120000 -> 'l';
          case 0020000 -> 'c';
          case 0060000 -> 'b';
          case 0010000 -> 'p';
          default -> '-';
        };
    StringBuilder text =
        new StringBuilder()
            .append(type)
            .append(PosixFilePermissions.toString(attributes.permissions()));
    special(text, 3, (mode & SET_UID) != 0, 's');
    special(text, 6, (mode & SET_GID) != 0, 's');
    special(text, 9, (mode & STICKY) != 0, 't');
    return text.toString();
  }

  private static void special(StringBuilder text, int at, boolean isSet, char letter) {
    if (isSet) {
      boolean isExecutable = text.charAt(at) == 'x';
      text.setCharAt(at, isExecutable ? letter : Character.toUpperCase(letter));
    }
  }

  private static boolean isDevice(LayerEntryAttributes attributes) {
    int type = attributes.mode() & TYPE_BITS;
    return (type == 0020000 && !attributes.isWhiteout()) || type == 0060000;
  }

  /** How long it is; of a device its numbers. */
  static String size(LayerEntryAttributes attributes) {
    return isDevice(attributes) ? device(attributes, ",") : Long.toString(attributes.size());
  }

  /** Major and minor number, as Linux puts them together. */
  private static String device(LayerEntryAttributes attributes, String between) {
    long number = attributes.deviceNumber();
    long major = ((number >>> 8) & 0xfff) | ((number >>> 32) & ~0xfffL);
    long minor = (number & 0xff) | ((number >>> 12) & ~0xffL & 0xffff_ffffL);
    return major + between + minor;
  }

  /** Where a symbolic link leads; empty for everything else. */
  static Optional<String> target(Path path, LayerEntryAttributes attributes) throws IOException {
    return attributes.isSymbolicLink()
        ? Optional.of(printable(Files.readSymbolicLink(path)))
        : Optional.empty();
  }

  /** The members of an entry. */
  static void entry(JsonGenerator json, Path path, LayerEntryAttributes attributes)
      throws IOException {
    json.writeStringField("path", printable(path));
    json.writeStringField("type", type(attributes));
    json.writeStringField("mode", String.format("%04o", attributes.mode() & 07777));
    json.writeNumberField("uid", attributes.uid());
    json.writeNumberField("gid", attributes.gid());
    json.writeNumberField("links", attributes.linkCount());
    json.writeNumberField("sizeBytes", attributes.size());
    json.writeStringField("modified", attributes.lastModifiedTime().toString());
    json.writeNumberField("layer", attributes.layerIndex());
    Show.optional(json, "diffId", attributes.diffId());
    Optional<String> target = target(path, attributes);
    if (target.isPresent()) {
      json.writeStringField("target", target.get());
    }
    if (isDevice(attributes)) {
      json.writeStringField("device", device(attributes, ":"));
    }
    if (!attributes.extendedAttributes().isEmpty()) {
      json.writeObjectFieldStart("extendedAttributes");
      for (Map.Entry<ByteString, ByteString> each : attributes.extendedAttributes().entrySet()) {
        json.writeBinaryField(each.getKey().toString(), each.getValue().toByteArray());
      }
      json.writeEndObject();
    }
  }
}
