package io.layerstore.core.layerdb;

import io.layerstore.ChainId;
import io.layerstore.Digest;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.RWLayerRecord;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The names of all files and directories of a layer database.
 *
 * <pre>
 * layerdb   = sha256/ mounts/ tmp/                          0700; those three 0755, each made when it is first needed
 * sha256    = { layer | removing }
 * layer     = HEX/      diff size cache-id [parent] tar-split.json.gz [descriptor.json]          0700, its files 0644
 * removing  = HEX-HEX-removing/ | HEX-removing/             a layer on its way out; the middle part is random
 * mounts    = { NAME/   mount-id [init-id] [parent] }       0755, its files 0644
 * tmp       = { write-set-DIGITS/ | mount-set-DIGITS/ | mount-removing-DIGITS/ }
 * HEX       = the 64 lower-case digits of a chain ID
 *
 * diff      = the diff ID                                   size    = decimal digits, in bytes
 * parent    = the chain ID of the layer below               cache-id, mount-id, init-id = an id in the graph driver
 * </pre>
 *
 * <p>A file holds its value and nothing else, not even a newline. A {@code write-set} is a layer
 * being made: its {@code cache-id} is written first and says which directory of the graph driver
 * goes with it. {@code mount-set} and {@code mount-removing} are a read-write layer being made and
 * being removed; Docker, which makes and removes those in place, looks at nothing in {@code tmp}.
 *
 * <p>Checked against moby v20.10.24 and v28.5, {@code layer/filestore.go}.
 */
final class LayerDbLayout {

  static final String DIFF = "diff";
  static final String SIZE = "size";
  static final String CACHE_ID = "cache-id";
  static final String PARENT = "parent";
  static final String TAR_SPLIT = "tar-split.json.gz";
  static final String DESCRIPTOR = "descriptor.json";
  static final String MOUNT_ID = "mount-id";
  static final String INIT_ID = "init-id";

  /** Of everything that is made in a layer's directory while it is not visible. */
  static final String SCRATCH_PREFIX = "scratch-";

  static final String WRITE_SET = "write-set-";
  static final String MOUNT_SET = "mount-set-";
  static final String MOUNT_REMOVING = "mount-removing-";

  static final int DATABASE_MODE = 0700;
  static final int LAYER_MODE = 0700;
  static final int SHARED_MODE = 0755;
  static final int FILE_MODE = 0644;

  private static final String REMOVING_SUFFIX = "-removing";
  private static final Pattern WRITE_SET_NAME = Pattern.compile(WRITE_SET + "[0-9]{1,20}");
  private static final Pattern MOUNT_LEFTOVER_NAME =
      Pattern.compile("(" + MOUNT_SET + "|" + MOUNT_REMOVING + ")[0-9]{1,20}");
  private static final Pattern SCRATCH_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,99}");

  private final Path directory;
  private final Path layers;
  private final Path mounts;
  private final Path tmp;

  LayerDbLayout(Path directory) {
    this.directory = directory;
    this.layers = directory.resolve(Digest.Algorithm.SHA256.id());
    this.mounts = directory.resolve("mounts");
    this.tmp = directory.resolve("tmp");
  }

  /** The database itself. */
  Path directory() {
    return directory;
  }

  /** Where layers are, {@code sha256}. */
  Path layers() {
    return layers;
  }

  /** Where read-write layers are. */
  Path mounts() {
    return mounts;
  }

  /** Where everything is built before it is renamed in. */
  Path tmp() {
    return tmp;
  }

  /** The directory of a layer. */
  Path layer(ChainId chainId) {
    return layers.resolve(chainId.digest().hex());
  }

  /** The directory of a read-write layer. */
  Path mount(String name) {
    return mounts.resolve(RWLayerRecord.requireValidName(name));
  }

  /** A name for a layer on its way out, different at each call. */
  static String newRemovingName(ChainId chainId) {
    return chainId.digest().hex() + "-" + DriverIds.random() + REMOVING_SUFFIX;
  }

  /**
   * A name in {@code tmp}, different at each call as far as 32 random bits go: what Docker's {@code
   * os.MkdirTemp} makes.
   */
  static String newTmpName(String prefix) {
    return prefix + Integer.toUnsignedString(ThreadLocalRandom.current().nextInt());
  }

  /** The layer whose directory is called {@code name}; empty for every other name. */
  static Optional<ChainId> parseLayerName(String name) {
    if (name.length() != Digest.Algorithm.SHA256.hexLength()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new ChainId(new Digest(Digest.Algorithm.SHA256, name)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The layer that is on its way out under {@code name}; empty for every other name. */
  static Optional<ChainId> parseRemovingName(String name) {
    int dash = name.indexOf('-');
    return dash >= 0 && name.endsWith(REMOVING_SUFFIX)
        ? parseLayerName(name.substring(0, dash))
        : Optional.empty();
  }

  static boolean isWriteSet(String name) {
    return WRITE_SET_NAME.matcher(name).matches();
  }

  static boolean isMountLeftover(String name) {
    return MOUNT_LEFTOVER_NAME.matcher(name).matches();
  }

  static boolean isScratchName(String name) {
    return SCRATCH_NAME.matcher(name).matches();
  }
}
