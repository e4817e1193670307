package io.layerstore.overlay2.linux.wire;

import io.layerstore.ByteString;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a helper process is to do, for its whole life.
 *
 * @param mode its mode
 * @param flags {@code START_} bits, but for those of the server
 * @param rootUid the user that owns what the helper makes by itself
 * @param rootGid the group
 * @param maxFileSizeBytes the limit of every single file; 0 for none
 * @param tree a {@code TREE_} constant
 * @param home the driver's home
 * @param id the layer, or empty
 */
public record HelperStart(
    Mode mode,
    int flags,
    long rootUid,
    long rootGid,
    long maxFileSizeBytes,
    int tree,
    Path home,
    String id) {

  private static final int FIXED_SIZE = 64;

  /** About home as a whole. */
  public static HelperStart inHome(Mode mode, Path home) {
    return new HelperStart(mode, 0, 0, 0, 0, Protocol.TREE_HOME, home, "");
  }

  /** About one tree of a layer. */
  public static HelperStart inLayer(Mode mode, Path home, String id, int tree) {
    return new HelperStart(mode, 0, 0, 0, 0, tree, home, id);
  }

  public HelperStart withFlags(int newFlags) {
    return new HelperStart(mode, newFlags, rootUid, rootGid, maxFileSizeBytes, tree, home, id);
  }

  public HelperStart withRoot(long uid, long gid) {
    return new HelperStart(mode, flags, uid, gid, maxFileSizeBytes, tree, home, id);
  }

  public HelperStart withMaxFileSize(long bytes) {
    return new HelperStart(mode, flags, rootUid, rootGid, bytes, tree, home, id);
  }

  /** The frame that asks for it. */
  public FrameBuilder frame(int sequence) {
    ByteString homeBytes = PathBytes.of(home);
    ByteString idBytes = ByteString.utf8(id);
    return new FrameBuilder(FIXED_SIZE + homeBytes.length() + idBytes.length())
        .begin(Protocol.OP_FORK, sequence)
        .u8(mode.code())
        .u32(flags)
        .u32(rootUid)
        .u32(rootGid)
        .u64(maxFileSizeBytes)
        .u8(tree)
        .bytes(homeBytes)
        .bytes(idBytes)
        .end();
  }

  /** What a forked helper process does, for its whole life. */
  public enum Mode {
    PROBE(Protocol.MODE_PROBE),
    MOUNT(Protocol.MODE_MOUNT),
    APPLY(Protocol.MODE_APPLY),
    SCAN(Protocol.MODE_SCAN),
    REMOVE(Protocol.MODE_REMOVE),
    SYNC(Protocol.MODE_SYNC);

    private final int code;

    Mode(int code) {
      this.code = code;
    }

    /** Its number in the protocol. */
    public int code() {
      return code;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
