package io.layerstore.core.view;

import io.layerstore.ByteString;
import io.layerstore.driver.rooted.ByteNames;
import io.layerstore.spi.Xattr;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Attributes by name: {@code size}, {@code posix:*}, {@code layer:diffId,isWhiteout}. */
final class AttributeMaps {

  private static final ByteString USER = ByteString.utf8("user.");

  private static final Map<String, Function<EntryAttributes, Object>> BASIC = new LinkedHashMap<>();
  private static final Map<String, Function<EntryAttributes, Object>> OWNER = new LinkedHashMap<>();
  private static final Map<String, Function<EntryAttributes, Object>> POSIX = new LinkedHashMap<>();
  private static final Map<String, Function<EntryAttributes, Object>> UNIX = new LinkedHashMap<>();
  private static final Map<String, Function<EntryAttributes, Object>> LAYER = new LinkedHashMap<>();

  static {
    BASIC.put("lastModifiedTime", EntryAttributes::lastModifiedTime);
    BASIC.put("lastAccessTime", EntryAttributes::lastAccessTime);
    BASIC.put("creationTime", EntryAttributes::creationTime);
    BASIC.put("size", EntryAttributes::size);
    BASIC.put("isRegularFile", EntryAttributes::isRegularFile);
    BASIC.put("isDirectory", EntryAttributes::isDirectory);
    BASIC.put("isSymbolicLink", EntryAttributes::isSymbolicLink);
    BASIC.put("isOther", EntryAttributes::isOther);
    BASIC.put("fileKey", EntryAttributes::fileKey);
    OWNER.put("owner", EntryAttributes::owner);
    POSIX.putAll(BASIC);
    POSIX.putAll(OWNER);
    POSIX.put("group", EntryAttributes::group);
    POSIX.put("permissions", EntryAttributes::permissions);
    UNIX.putAll(POSIX);
    UNIX.put("mode", EntryAttributes::mode);
    UNIX.put("ino", attributes -> attributes.id() + 1);
    UNIX.put("dev", attributes -> 0L);
    UNIX.put("rdev", EntryAttributes::deviceNumber);
    UNIX.put("nlink", EntryAttributes::linkCount);
    UNIX.put("uid", attributes -> (int) attributes.uid());
    UNIX.put("gid", attributes -> (int) attributes.gid());
    UNIX.put("ctime", EntryAttributes::lastModifiedTime);
    LAYER.put("layerIndex", EntryAttributes::layerIndex);
    LAYER.put("diffId", EntryAttributes::diffId);
    LAYER.put("chainId", EntryAttributes::chainId);
    LAYER.put("isWhiteout", EntryAttributes::isWhiteout);
    LAYER.put("isOpaque", EntryAttributes::isOpaque);
    LAYER.put("isImplied", EntryAttributes::isImplied);
    LAYER.put("shadowed", EntryAttributes::shadowed);
    LAYER.put("extendedAttributes", EntryAttributes::extendedAttributes);
  }

  private AttributeMaps() {}

  /**
   * The attributes that {@code request} names.
   *
   * @throws UnsupportedOperationException if there is no such view
   * @throws IllegalArgumentException if the view has no such attribute, or none is named
   */
  static Map<String, Object> read(EntryAttributes attributes, String request) {
    int colon = request.indexOf(':');
    String view = colon < 0 ? "basic" : request.substring(0, colon);
    String[] names = request.substring(colon + 1).split(",", -1);
    Map<String, Function<EntryAttributes, Object>> known = view(view, attributes);
    Map<String, Object> result = new LinkedHashMap<>();
    for (String name : names) {
      if (name.equals("*")) {
        known.forEach((each, getter) -> result.put(each, getter.apply(attributes)));
        continue;
      }
      Function<EntryAttributes, Object> getter = known.get(name);
      if (getter == null) {
        throw new IllegalArgumentException(
            "the view \"" + view + "\" has no attribute \"" + name + "\"");
      }
      result.put(name, getter.apply(attributes));
    }
    return result;
  }

  private static Map<String, Function<EntryAttributes, Object>> view(
      String view, EntryAttributes attributes) {
    return switch (view) {
      case "basic" -> BASIC;
      case "owner" -> OWNER;
      case "posix" -> POSIX;
      case "unix" -> UNIX;
      case "layer" -> LAYER;
      case "user" -> {
        Map<String, Function<EntryAttributes, Object>> values = new LinkedHashMap<>();
        user(attributes).forEach((name, value) -> values.put(name, any -> value.toByteArray()));
        yield values;
      }
      default -> throw new UnsupportedOperationException("the view \"" + view + "\"");
    };
  }

  /** The extended attributes of users, by their names without {@code user.}. */
  static Map<String, ByteString> user(EntryAttributes attributes) {
    Map<String, ByteString> values = new LinkedHashMap<>();
    for (Xattr xattr : attributes.xattrs()) {
      if (xattr.name().startsWith(USER)) {
        values.put(ByteNames.decode(xattr.name().substring(USER.length())), xattr.value());
      }
    }
    return values;
  }
}
